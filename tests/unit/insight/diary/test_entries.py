"""What the diary tells of each run."""

import re
import shutil

import pytest

from core.insight.diary.entries import Diary, DiaryEntry
from core.runs import Run, RunStore
from core.runs.lock import hold
from tests.unit.insight.diary.setups import NOTE, WORDS

Runs = dict[str, Run]


def told(diary: Diary, run: Run) -> DiaryEntry:
    return diary.entry(next(entry for entry in diary.entries if entry.id == run.id))


def test_runs_stand_in_the_order_in_which_they_were_made(runs: Runs, diary: Diary) -> None:
    whole = [run.id for name, run in runs.items() if name != "damaged"]
    ids = [entry.id for entry in diary.entries]
    assert [run_id for run_id in ids if run_id in whole] == whole
    assert [diary.numbers[run_id] for run_id in ids] == list(range(1, len(runs) + 1))


def test_a_damaged_run_stands_where_its_id_says(runs: Runs, store: RunStore) -> None:
    run = runs["damaged"]
    run.folder.rename(run.folder.with_name("20200101-101500-my-net-0000"))
    first = Diary.of(store.list()).entries[0]
    assert first.state == "damaged"
    entry = Diary.of(store.list()).entry(first)
    assert entry.made == "2020-01-01 10:15" and "cannot be read" in entry.told[0]
    assert not entry.settings and entry.picture is None


def test_a_foreign_folder_has_a_place_too(runs: Runs, store: RunStore) -> None:
    shutil.copytree(runs["damaged"].folder, store.folder / "anything")
    diary = Diary.of(store.list())
    entry = diary.entry(diary.entries[0])
    assert (entry.id, entry.made) == ("anything", "–")


def test_a_persons_words_are_kept_as_they_are(runs: Runs, diary: Diary) -> None:
    entry = told(diary, runs["hostile"])
    assert (entry.hypothesis, entry.note) == (WORDS, NOTE)
    assert entry.tags == ("<b>t</b>", "a|b") and entry.star


def test_a_clone_tells_what_changed_what_it_did_and_whether_it_is_real(runs: Runs, diary: Diary) -> None:
    entry = told(diary, runs["better"])
    changed = entry.changed
    assert changed and changed.parent_id == runs["first"].id
    assert (changed.parent_number, changed.relation, changed.kind) == (1, "cloned from it", "clean test")
    assert [setting for setting, _, _ in changed.settings] == ["Horizontal flip"]
    assert "points)" in dict(changed.effects)["Best val accuracy"]
    assert entry.verdict_kind == "better" and "better than 'baseline'" in entry.verdict


def test_the_verdict_counts_the_repeats(runs: Runs, diary: Diary) -> None:
    assert "1 seed against 2" in told(diary, runs["better"]).verdict


def test_a_repeat_tells_of_its_group_and_is_not_judged(runs: Runs, diary: Diary) -> None:
    entry = told(diary, runs["repeat"])
    assert entry.repeats.startswith("One of 2 runs with these settings")
    assert "spread" in entry.repeats and not entry.verdict
    assert not told(diary, runs["first"]).repeats.startswith("One of 2")


def test_what_changed_says_how_small_a_difference_can_show_where_no_verdict_does(
    runs: Runs, diary: Diary
) -> None:
    can_show = (
        r"These [\d,]+ val images( \([\d,]+ of them only one of the two has right\))? (can show|are too few)"
    )
    repeat = told(diary, runs["repeat"]).changed
    assert repeat and repeat.effects and re.search(can_show, repeat.note)
    judged = told(diary, runs["better"])
    assert judged.changed and not re.search(can_show, judged.changed.note)
    assert re.search("can show|too few", judged.verdict)
    for answers in (runs["first"].folder / "predictions").iterdir():
        answers.unlink()
    unjudged = told(diary, runs["better"])
    assert unjudged.verdict_kind == "incomparable"
    assert unjudged.changed and re.search(can_show, unjudged.changed.note)


def test_other_data_have_no_parent(runs: Runs, diary: Diary) -> None:
    entry = told(diary, runs["hostile"])
    assert entry.changed is None and not entry.verdict


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("failed", "The loss became nan. Lower the lr."),
        ("failed", "No epoch was done"),
        ("queued", "It waits in the queue."),
        ("interrupted", "It was interrupted after epoch 3"),
    ],
)
def test_what_did_not_end_well_is_told(runs: Runs, diary: Diary, name: str, sentence: str) -> None:
    assert any(said.startswith(sentence) for said in told(diary, runs[name]).told)


@pytest.mark.parametrize("name", ["failed", "queued"])
def test_without_an_epoch_there_is_neither_result_nor_picture(runs: Runs, diary: Diary, name: str) -> None:
    entry = told(diary, runs[name])
    assert not entry.results and entry.picture is None and not entry.best
    assert entry.settings
    assert entry.changed is None or not entry.changed.effects


def test_a_run_that_trains_says_so(runs: Runs, store: RunStore) -> None:
    run = runs["interrupted"]
    with hold(run.lock_path, busy="in use"):
        entry = told(Diary.of(store.list()), run)
    assert entry.state == "running" and entry.told[0].startswith("It is training: 3 of 10 epochs")
    assert entry.picture is not None


def test_a_damaged_recipe_leaves_the_rest(runs: Runs, store: RunStore) -> None:
    (runs["better"].folder / "recipe.json").write_text("nothing")
    entry = told(Diary.of(store.list()), runs["better"])
    assert not entry.settings and any("recipe.json" in said for said in entry.told)
    assert entry.results and entry.picture is not None


def test_lines_that_cannot_be_read_are_counted(runs: Runs, store: RunStore) -> None:
    with (runs["first"].folder / "epochs.jsonl").open("a") as file:
        file.write("torn\n")
    assert any("1 line of epochs.jsonl" in said for said in told(Diary.of(store.list()), runs["first"]).told)


def test_overfitting_is_told_in_sentences(runs: Runs, diary: Diary) -> None:
    assert any("clean train stays ahead of val" in said for said in told(diary, runs["first"]).marks)
