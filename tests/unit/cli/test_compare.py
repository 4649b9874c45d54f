"""`compare`: the card and the verdict without a browser."""

import pytest

from core.insight.verdict import judge
from core.runs import RunEntry, RunStore
from tests.pages.made_runs import data_info
from tests.unit.cli.calls import Call
from tests.unit.insight.judged_runs import hits_of, judged_run

N = 1500
DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


@pytest.fixture
def runs(store: RunStore) -> tuple[RunEntry, RunEntry]:
    """Two runs that differ in dropout alone, the second better on 1,500 images."""
    before, after = hits_of(N, 900, 60, 100)
    return judged_run(store, before, name="plain"), judged_run(store, after, name="drop", settings=DROPOUT)


def test_two_runs_are_compared_in_words(call: Call, runs: tuple[RunEntry, RunEntry]) -> None:
    before, after = runs
    answer = call("compare", "plain", after.id[-4:])
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == f"plain ({before.id}) → drop ({after.id})"
    verdict = judge([before], [after])
    for part in ("clean test", "Dropout", "Best val accuracy", f"Is it real? {verdict.sentence}"):
        assert part in answer.out
    assert verdict.smallest_sentence in answer.out
    assert "Right only before: 60 images; only after: 100." in answer.out
    assert "Method: McNemar's test" in answer.out
    assert "repeats" not in answer.out


def test_the_same_as_one_json_document(call: Call, runs: tuple[RunEntry, RunEntry]) -> None:
    before, after = runs
    found = call("compare", before.id, after.id, "--json").json
    assert (found["before"], found["after"], found["kind"]) == (before.id, after.id, "clean")
    assert [change["field"] for change in found["changes"]] == ["architecture.dropout"]
    best = next(effect for effect in found["effects"] if effect["label"] == "Best val accuracy")
    assert best["difference"] == pytest.approx(40 / N)
    verdict = found["verdict"]
    assert verdict["kind"] == "better"
    assert verdict["low"] < verdict["difference"] < verdict["high"]
    assert 0 < verdict["p"] < 0.05
    assert found["with_repeats"] is None


def test_repeats_of_the_two_runs_are_judged_too(
    call: Call, store: RunStore, runs: tuple[RunEntry, RunEntry]
) -> None:
    for seed in (1, 2):
        for hits, settings in zip(hits_of(N, 900, 60, 110 + seed), (None, DROPOUT), strict=True):
            judged_run(store, hits, seed=seed, settings=settings)
    found = call("compare", "plain", "drop", "--json").json
    assert found["verdict"]["seeds"] == [1, 1]
    repeats = found["with_repeats"]
    assert (repeats["seeds"], repeats["scope"]) == ([3, 3], "setting")
    assert repeats["means_words"] == "Means over 3 seeds on each side."
    means = {effect["label"]: effect["difference"] for effect in repeats["effects"]}
    assert means["Best val accuracy"] == pytest.approx((40 + 51 + 52) / 3 / N)
    told = call("compare", "plain", "drop").out
    assert "With their repeats. Means over 3 seeds on each side." in told
    assert "Is it real, with their repeats? Over 3 seeds against 3" in told


def test_runs_on_other_data_say_why_they_are_not_compared(
    call: Call, store: RunStore, runs: tuple[RunEntry, RunEntry]
) -> None:
    other = judged_run(store, hits_of(N, 900, 60, 100)[0], name="other", info=data_info("faces"))
    answer = call("compare", "plain", other.id)
    assert answer.status == 0
    assert "Is it real? Not compared: these runs saw different data sets (shapes and faces)" in answer.out
    assert call("compare", "plain", "other", "--json").json["verdict"]["kind"] == "incomparable"


def test_nothing_of_a_name_reaches_the_terminal_as_a_command(
    call: Call, store: RunStore, runs: tuple[RunEntry, RunEntry]
) -> None:
    for entry in runs:
        entry.run.write_notes(name="\x1b]0;owned\x07\u202eevil")
    answer = call("compare", runs[0].id, runs[1].id)
    assert "?]0;owned??evil" in answer.out.splitlines()[0]
    assert (answer.out + call("runs").out).replace("\n", "").isprintable()
    assert call("compare", runs[0].id, "?]0;owned").err.replace("\n", "").isprintable()


def test_a_run_that_is_not_there_or_damaged_is_one_sentence(
    call: Call, runs: tuple[RunEntry, RunEntry]
) -> None:
    assert "There is no run 'nobody'" in call("compare", "plain", "nobody").sentence
    (runs[1].run.folder / "recipe.json").write_text("{")
    assert "recipe.json" in call("compare", "plain", runs[1].id).sentence


def test_help_and_a_wrong_call_are_answered_like_everywhere(call: Call) -> None:
    assert call("compare", "--help").out.startswith("usage: python -m core compare")
    for arguments in ([], ["one"]):
        assert call("compare", *arguments).status == 2
