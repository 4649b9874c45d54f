"""The verdict on two runs or two groups: kind, figures and words, whatever state they are in."""

import json
from itertools import pairwise

import numpy as np
import pytest

from core.insight.outcomes import val_outcomes
from core.insight.significance import paired
from core.insight.verdict import judge
from core.runs import RunEntry, RunStore
from core.runs.status import write_status
from tests.pages.made_runs import HOSTILE, data_info, make_run
from tests.unit.insight.judged_runs import hits_of, judged_run, write_answers

N = 1500


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs"))


DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


def pair(
    store: RunStore, only_before: int, only_after: int, *, both: int = 900, same: bool = False
) -> tuple[RunEntry, RunEntry]:
    """Runs 'A' and 'B' on 1,500 images, of which each alone has so many right."""
    before, after = hits_of(N, both, only_before, only_after)
    one = judged_run(store, before, name="A")
    return one, judged_run(store, after, name="B", seed=int(same), settings=None if same else DROPOUT)


def group(
    store: RunStore, name: str, level: float, count: int, seed: int, spread: float = 0.0
) -> list[RunEntry]:
    """Repeats that share what is easy; `level` is about their accuracy."""
    rng, easy = np.random.default_rng(seed), np.random.default_rng(99).random(N)
    entries = []
    for number in range(count):
        share = level + spread * (number - (count - 1) / 2)
        hits = 0.8 * easy + 0.2 * rng.random(N) < share
        title = name if number == 0 else f"{name}, seed {number}"
        entries.append(
            judged_run(store, hits, name=title, seed=number, settings=None if name == "A" else DROPOUT)
        )
    return entries


def test_a_clear_gain_is_better_on_these_images_and_says_what_it_does_not_say(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    found = judge([before], [after])
    assert (found.kind, found.images, found.seeds, found.scope) == ("better", N, (1, 1), "networks")
    assert (found.only_before, found.only_after) == (60, 100)
    expected = paired(*hits_of(N, 900, 60, 100))
    assert (found.difference, found.low, found.high, found.p) == (
        expected.difference,
        expected.low,
        expected.high,
        expected.p,
    )
    assert found.sentence == (
        "'B' is better than 'A' on these images (+2.7 points, 95 % +1.0 to +4.4, p = 0.002); one seed each: "
        "this does not yet say that the setting is better."
    )
    assert "McNemar" in found.method
    assert found.smallest is not None
    assert found.low > 0
    assert found.smallest <= found.difference
    assert found.smallest_sentence.startswith("These 1,500 val images (160 of them only one of the two")


def test_the_other_way_round_it_is_worse_by_as_much(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    found = judge([after], [before])
    assert found.kind == "worse"
    assert "'A' is worse than 'B'" in found.sentence
    assert "-2.7 points, 95 % -4.4 to -1.0" in found.sentence
    assert found.sentence.endswith("this does not yet say that the setting is worse.")


def test_a_small_difference_is_open_and_below_what_the_split_can_show(store: RunStore) -> None:
    before, after = pair(store, 60, 66)
    found = judge([before], [after])
    assert found.kind == "open"
    assert found.sentence.startswith("No difference between 'A' and 'B' shows on these images (+0.4 points, ")
    assert found.sentence.endswith("that does not say that there is none.")
    assert found.smallest is not None
    assert found.difference is not None
    assert found.difference < found.smallest


@pytest.mark.parametrize(
    ("only_before", "only_after", "both", "words"),
    [
        (0, 0, 900, "exactly the same of these images (0.0 points"),
        (0, 0, N, "both have all 1,500 val images right"),
        (0, 0, 0, "exactly the same of these images"),
        (40, 40, 900, "equally many of these images right (0.0 points"),
    ],
)
def test_no_difference_at_all_has_words_of_its_own(
    store: RunStore, only_before: int, only_after: int, both: int, words: str
) -> None:
    before, after = pair(store, only_before, only_after, both=both)
    found = judge([before], [after])
    assert (found.kind, found.difference, found.p) == ("open", 0.0, 1.0)
    assert words in found.sentence
    assert found.smallest is not None
    assert found.smallest > 0


def test_two_seeds_of_one_recipe_show_what_a_seed_does(store: RunStore) -> None:
    before, after = pair(store, 60, 100, same=True)
    found = judge([before], [after])
    assert (found.kind, found.repeats) == ("better", True)
    assert found.sentence.endswith(
        "both have the same settings but the seed, so this is what the seed alone does."
    )


def test_older_files_without_labels_give_the_same_verdict(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    expected = judge([before], [after])
    for entry, hits in zip((before, after), hits_of(N, 900, 60, 100), strict=True):
        write_answers(entry.run, 2, hits, labelled=False)
    assert judge([before], [after]) == expected


def test_three_seeds_on_each_side_speak_of_the_setting(store: RunStore) -> None:
    found = judge(group(store, "A", 0.60, 3, 1), group(store, "B", 0.66, 4, 2))
    assert (found.kind, found.scope, found.seeds) == ("better", "setting", (3, 4))
    assert found.sentence.startswith(
        "Over 3 seeds against 4 the setting of 'B' is better than that of 'A' (+"
    )
    assert "spread by" in found.sentence
    assert "Welch" in found.method
    assert found.only_before is found.only_after is None
    assert "with 3 seeds against 4" in found.smallest_sentence


def test_seeds_that_scatter_leave_a_difference_open_that_the_images_would_show(store: RunStore) -> None:
    before, after = group(store, "A", 0.60, 3, 1, spread=0.04), group(store, "B", 0.63, 3, 2, spread=0.04)
    assert judge([before[1]], [after[1]]).kind == "better"
    found = judge(before, after)
    assert (found.kind, found.scope) == ("open", "setting")
    assert "no difference between 'A' and 'B' shows" in found.sentence


@pytest.mark.parametrize("counts", [(2, 1), (1, 2), (2, 2), (1, 3), (5, 1), (2, 4)])
def test_fewer_than_three_seeds_on_a_side_say_nothing_of_the_setting(
    store: RunStore, counts: tuple[int, int]
) -> None:
    found = judge(group(store, "A", 0.60, counts[0], 1), group(store, "B", 0.70, counts[1], 2))
    assert (found.kind, found.scope, found.seeds) == ("better", "networks", counts)
    assert "on average on these images" in found.sentence
    assert "this does not yet say that the setting is better; 3 on each side can." in found.sentence


def test_a_seed_counts_once_and_only_when_it_is_done(store: RunStore) -> None:
    before, after = group(store, "A", 0.60, 4, 1), group(store, "B", 0.66, 3, 2)
    twin = judged_run(store, val_outcomes(before[0].run).hits, name="twin", seed=0)
    undone = judged_run(store, np.ones(N), name="undone", seed=9, done=1, state="stopped")
    found = judge([twin, undone, *before], after)
    assert found.seeds == (4, 3)
    assert found.difference == judge(before, after).difference
    assert "Of the 6 runs of 'A', 4 count (1 not done, 1 with a seed that counts already)." in found.sentence


def test_runs_of_several_recipes_are_no_group(store: RunStore) -> None:
    mixed = [*group(store, "A", 0.6, 2, 1), *group(store, "B", 0.6, 2, 2)]
    found = judge(mixed[:3], mixed[3:])
    assert found.kind == "incomparable"
    assert "no repeats of one recipe" in found.sentence


def test_runs_on_other_data_are_not_compared_and_it_says_why(store: RunStore) -> None:
    before, _ = pair(store, 60, 100)
    other = judged_run(store, hits_of(N, 900, 0, 100)[1], info=data_info("faces"))
    found = judge([before], [other])
    assert (found.kind, found.difference, found.p) == ("incomparable", None, None)
    assert found.sentence.startswith("Not compared: these runs saw different data sets (shapes and faces)")


def test_answers_for_other_images_are_not_compared(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    write_answers(after.run, 2, hits_of(N, 900, 60, 100)[1], flip=True)
    assert "true classes" in judge([before], [after]).sentence
    write_answers(after.run, 2, np.ones(N - 1))
    found = judge([before], [after])
    assert (found.kind, "different numbers" in found.sentence) == ("incomparable", True)


@pytest.mark.parametrize("file", ["predictions/val-0002.safetensors", "status.json"])
@pytest.mark.parametrize("how", ["gone", "noise"])
def test_what_cannot_be_read_is_said_and_not_raised(store: RunStore, file: str, how: str) -> None:
    before, after = pair(store, 60, 100)
    path = after.run.folder / file
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"noise")
    after = store.entry(after.run)
    for found in (judge([before], [after]), judge([after], [before])):
        assert found.kind == "incomparable"
        assert found.sentence.startswith("Not compared: ")
        assert after.id in found.sentence
        assert found.sentence.endswith(".")


@pytest.mark.parametrize("read_again", [True, False])
def test_a_run_that_was_deleted_meanwhile_is_said_to_be_gone(store: RunStore, read_again: bool) -> None:
    before, after = pair(store, 60, 100)
    store.delete(after.run)
    found = judge([before], [store.entry(after.run) if read_again else after])
    assert found.kind == "incomparable"
    assert found.sentence.startswith(f"Not compared: There is no run '{after.id}'")


def test_a_repeat_whose_answers_are_lost_is_left_out(store: RunStore) -> None:
    before, after = group(store, "A", 0.60, 4, 1), group(store, "B", 0.66, 3, 2)
    (before[2].run.folder / "predictions" / "val-0002.safetensors").unlink()
    found = judge(before, after)
    assert found.seeds == (3, 3)
    assert "3 count (1 without answers that can be read)" in found.sentence


def test_a_run_without_an_epoch_is_open(store: RunStore) -> None:
    before, _ = pair(store, 60, 100)
    waiting = store.entry(make_run(store, state="queued", name="later", settings={"epochs": 2}))
    for found in (judge([before], [waiting]), judge([waiting], [before])):
        assert (found.kind, found.difference) == ("open", None)
        assert "'later' has no whole epoch yet" in found.sentence
    undone = [
        store.entry(make_run(store, state="failed", done=0, settings={"seed": seed})) for seed in (1, 2)
    ]
    assert "None of the 2 runs" in judge([before], undone).sentence


def test_a_run_that_trains_is_open_with_its_figures_so_far(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    status = after.run.status()
    status.state, status.epochs = "queued", 9  # as an extension leaves it
    write_status(after.run.folder, status)
    found = judge([before], [store.entry(after.run)])
    assert found.kind == "open"
    assert found.difference is not None
    assert found.sentence == (
        "'B' is not done yet (epoch 2 of 9): no verdict before it is. So far the difference to 'A' is "
        "+2.7 points, 95 % +1.0 to +4.4, p = 0.002 on these images."
    )


@pytest.mark.parametrize(("state", "words"), [("stopped", "was stopped"), ("failed", "failed")])
def test_a_run_that_ended_early_is_judged_and_it_is_said(store: RunStore, state: str, words: str) -> None:
    before, after = pair(store, 60, 100)
    status = after.run.status()
    status.state, status.epochs = state, 9  # type: ignore[assignment]
    write_status(after.run.folder, status)
    found = judge([before], [store.entry(after.run)])
    assert found.kind == "better"
    assert f"'B' {words} after epoch 2 of 9" in found.sentence


def test_a_run_is_not_compared_with_itself_or_with_nothing(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    assert judge([before], [before]).kind == "incomparable"
    assert judge([before], [after, before]).kind == "incomparable"
    assert judge([], [after]).sentence == "Not compared: one side has no run."


def test_names_stand_as_typed_and_runs_of_one_name_are_told_apart(store: RunStore) -> None:
    hits = hits_of(N, 900, 60, 100)
    one, other = (judged_run(store, h, name=HOSTILE) for h in hits)
    found = judge([one], [other])
    assert f"'{HOSTILE} ({one.id[-4:]})'" in found.sentence
    assert f"'{HOSTILE} ({other.id[-4:]})'" in found.sentence


def test_words_and_verdict_agree_on_every_count(store: RunStore) -> None:
    """Interval, p and kind as they are printed, along the border of 'better'."""
    before, after = pair(store, 30, 30)
    kinds = []
    for more in range(40):
        write_answers(after.run, 2, hits_of(N, 900, 30, 30 + more)[1])
        found = judge([before], [after])
        assert found.p is not None
        assert found.low is not None
        assert (found.kind == "better") == (found.p < 0.05) == (found.low > 0)
        if found.kind == "better":
            assert " 95 % +" in found.sentence
            assert "+0.0 to" not in found.sentence
        kinds.append(found.kind)
    assert [one for one, two in pairwise(kinds) if one != two] == ["open"]
    assert kinds[-1] == "better"


def test_a_verdict_is_plain_data(store: RunStore) -> None:
    from dataclasses import asdict

    found = judge(*([entry] for entry in pair(store, 60, 100)))
    assert json.loads(json.dumps(asdict(found)))["kind"] == "better"
