"""The card 'what changed -> what it did'."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import Damaged
from core.insight.changes import ChangeCard, Effect, behind_parent, change_card, group_card
from core.insight.repeats import Group, groups
from core.runs import Look, Run, RunStore
from core.runs.status import write_status
from tests.pages.made_runs import data_info, make_run

DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def card(store: RunStore, before: Run, after: Run, **options: Any) -> ChangeCard:
    return change_card(store.entry(before), store.entry(after), **options)


def effects(found: ChangeCard) -> dict[str, Effect]:
    return {effect.label: effect for effect in found.effects}


@pytest.mark.parametrize(
    ("settings", "kind", "words", "decisions"),
    [
        ({}, "same", "the same training", 0),
        ({"device": "cpu", "compile": True, "launcher": "process"}, "same", "the same training", 0),
        ({"seed": 3}, "repeat", "repeat with another seed", 0),
        (DROPOUT, "clean", "clean test", 1),
        ({"optimizer": {"kind": "adamw", "lr": 0.002, "weight_decay": 0.1}}, "clean", "clean test", 1),
        (DROPOUT | {"seed": 3}, "clean", "clean test, and another seed", 1),
        (DROPOUT | {"batch_size": 16, "epochs": 12}, "confounded", "confounded (3 settings)", 3),
    ],
)
def test_how_many_decisions_differ(
    store: RunStore, settings: dict[str, Any], kind: str, words: str, decisions: int
) -> None:
    found = card(store, make_run(store), make_run(store, settings=settings))
    assert (found.kind, found.kind_words, len(found.decisions)) == (kind, words, decisions)


def test_each_change_has_both_values(store: RunStore) -> None:
    found = card(store, make_run(store), make_run(store, settings=DROPOUT | {"seed": 2}))
    assert [(c.setting, c.old, c.new) for c in found.changes] == [
        ("Architecture › Dropout", "0", "0.5"),
        ("Seed", "0", "2"),
    ]
    assert found.changes[0].words == "Dropout 0 → 0.5"


def test_what_came_with_it_is_after_minus_before(store: RunStore) -> None:
    before, after = make_run(store), make_run(store, level=0.7, settings=DROPOUT)
    best = after.status().best
    assert best
    look_at_test(after, best.epoch, 0.5)
    found = card(store, before, after)
    olds, news = before.epochs().rows, after.epochs().rows
    old, new = (max(rows, key=lambda row: row["val/accuracy"]) for rows in (olds, news))
    told = effects(found)
    assert found.difference == pytest.approx(new["val/accuracy"] - old["val/accuracy"])
    assert told["Val loss at best"].difference == pytest.approx(new["val/loss"] - old["val/loss"])
    assert told["Overfit gap at best"].after == pytest.approx(
        new["train/clean_accuracy"] - new["val/accuracy"]
    )
    assert (told["Test accuracy; looks 0 → 1"].before, told["Test accuracy; looks 0 → 1"].after) == (
        None,
        0.5,
    )
    assert told["Test accuracy; looks 0 → 1"].words == ("–", "50.0 %", "–")


def look_at_test(run: Run, epoch: int, accuracy: float, *, averaged: bool = False) -> None:
    look = Look(at="now", split="test", checkpoint_epoch=epoch, images=20, accuracy=accuracy, loss=1.0)
    run.add_look(look.model_copy(update={"averaged": averaged}))


def test_the_test_figure_is_that_of_the_best_epoch_where_it_was_looked_at(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    best = after.status().best
    assert best
    for epoch, accuracy, averaged in ((best.epoch, 0.4, False), (best.epoch, 0.9, True), (1, 0.2, False)):
        look_at_test(after, epoch, accuracy, averaged=averaged)
    assert effects(card(store, before, after))["Test accuracy; looks 0 → 3"].after == 0.4


@pytest.mark.parametrize(
    ("at_best", "early", "label"),
    [
        (True, True, "Test accuracy (best epoch → epoch 2); looks 1 → 1"),
        (False, True, "Test accuracy (– → epoch 2); looks 0 → 1"),
        (True, False, "Test accuracy; looks 1 → 0"),
    ],
)
def test_a_test_figure_of_another_than_the_best_epoch_names_it(
    store: RunStore, at_best: bool, early: bool, label: str
) -> None:
    before, after = make_run(store), make_run(store)
    best = before.status().best
    assert best and best.epoch > 2
    if at_best:
        look_at_test(before, best.epoch, 0.6)
    if early:
        look_at_test(after, 2, 0.3)
    assert [name for name in effects(card(store, before, after)) if name.startswith("Test")] == [label]


def slower(run: Run, factor: float) -> None:
    rows = [row | {"seconds": row["seconds"] * factor} for row in run.epochs().rows]
    (run.folder / "epochs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.parametrize("factor", [1.0, 1.2, 0.85, 2.0])
def test_the_time_per_epoch_is_told_with_its_caveat(store: RunStore, factor: float) -> None:
    before, after = make_run(store), make_run(store)
    slower(after, factor)
    told = effects(card(store, before, after))["Time per epoch (other programs change it)"]
    assert (told.before, told.after) == (pytest.approx(2.5), pytest.approx(2.5 * factor))


def test_without_a_time_on_either_side_none_is_told(store: RunStore) -> None:
    before, after = make_run(store), make_run(store, state="stopped", done=0)
    (before.folder / "epochs.jsonl").unlink()
    assert not [label for label in effects(card(store, before, after)) if label.startswith("Time")]


def test_the_time_on_another_device_says_so(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    slower(after, 3)
    status = after.status()
    status.device = "cuda:0"
    write_status(after.folder, status)
    assert "Time per epoch (on different devices)" in effects(card(store, before, after))


class TestGroups:
    def made(self, store: RunStore, levels: list[float], settings: dict[str, Any]) -> Group:
        runs = [
            make_run(
                store,
                name=f"it, seed {seed}" if seed else "it",
                level=level,
                settings=settings | {"seed": seed},
            )
            for seed, level in enumerate(levels)
        ]
        [group] = groups([store.entry(run) for run in runs])
        return group

    def test_figures_are_means_over_the_seeds_that_count(self, store: RunStore) -> None:
        before, after = self.made(store, [0.4, 0.5], {}), self.made(store, [0.6, 0.7, 0.8], DROPOUT)
        found = group_card(before, after)
        assert (found.seeds, found.names) == ((2, 3), ("it", "it"))
        assert found.means_words == "Means over 2 seeds before and 3 after."
        assert before.mean is not None and after.mean is not None
        told = effects(found)["Best val accuracy"]
        assert (told.before, told.after) == (pytest.approx(before.mean), pytest.approx(after.mean))
        gaps = [e.status.best.gap for e in after.entries if e.status and e.status.best and e.status.best.gap]
        assert effects(found)["Overfit gap at best"].after == pytest.approx(sum(gaps) / 3)

    def test_test_figures_of_other_than_best_epochs_are_said_to_be_so(self, store: RunStore) -> None:
        before, after = self.made(store, [0.4, 0.5], {}), self.made(store, [0.6], DROPOUT)
        for entry, epoch in zip(before.entries, (None, 2), strict=True):
            best = entry.status and entry.status.best
            assert best
            look_at_test(entry.run, epoch or best.epoch, 0.5)
        assert "Test accuracy, not all at their best epochs; looks 2 → 0" in effects(
            group_card(before, after)
        )

    def test_a_test_figure_of_some_of_the_runs_says_of_how_many(self, store: RunStore) -> None:
        before, after = self.made(store, [0.4, 0.5, 0.6], {}), self.made(store, [0.6], DROPOUT)
        for entry in (before.entries[0], after.entries[0]):
            best = entry.status and entry.status.best
            assert best
            look_at_test(entry.run, best.epoch, 0.5)
        assert "Test accuracy; looks 1 → 1; of 1 of the 3 runs" in effects(group_card(before, after))

    def test_the_seed_is_no_change_between_groups(self, store: RunStore) -> None:
        found = group_card(
            self.made(store, [0.4, 0.5], {}), self.made(store, [0.6], DROPOUT | {"epochs": 10})
        )
        assert [change.field for change in found.changes] == ["architecture.dropout"]
        assert found.kind_words == "clean test"

    def test_a_repeat_that_is_not_done_does_not_count(self, store: RunStore) -> None:
        before = self.made(store, [0.5, 0.5], {})
        cut = make_run(store, state="stopped", done=3, level=0.9, settings={"seed": 7})
        with_cut = Group(before.key, (*before.entries, store.entry(cut)))
        found = group_card(with_cut, self.made(store, [0.6], DROPOUT))
        assert found.seeds == (2, 1) and found.note == ""
        assert effects(found)["Best val accuracy"].before == pytest.approx(before.mean)

    def test_of_two_single_runs_it_is_their_own_card(self, store: RunStore) -> None:
        one, other = (
            store.entry(make_run(store)),
            store.entry(make_run(store, settings=DROPOUT | {"seed": 2})),
        )
        found = group_card(Group("", (one,)), Group("", (other,)))
        assert found == change_card(one, other) and found.means_words == ""


def test_an_extension_is_one_change_of_epochs(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    store.extend(after, 5, hold_lr=True, queue=False)
    found = card(store, before, after)
    assert [(c.field, c.old, c.new) for c in found.changes] == [
        ("epochs", "10", "15 (lr held from epoch 10 on)")
    ]
    assert found.kind == "clean" and "10 of 15 epochs" in found.note


def test_runs_on_other_images_have_no_effects_and_it_says_why(store: RunStore) -> None:
    found = card(store, make_run(store), make_run(store, info=data_info("other")))
    assert found.effects == () and found.difference is None and "different data sets" in found.note


def test_a_run_that_did_not_do_all_its_epochs_is_named(store: RunStore) -> None:
    found = card(store, make_run(store, name="whole"), make_run(store, name="cut", done=4, state="stopped"))
    assert found.note == "cut: 4 of 10 epochs, it was stopped."


@pytest.mark.parametrize(
    ("state", "words"), [("failed", "it failed"), ("interrupted", "it was interrupted"), ("queued", "so far")]
)
def test_how_a_run_ended_early_is_said(store: RunStore, state: str, words: str) -> None:
    cut = make_run(store, name="cut", done=4, state="stopped")
    status = cut.status()
    status.state = state  # type: ignore[assignment]
    write_status(cut.folder, status)
    assert card(store, make_run(store), cut).note == f"cut: 4 of 10 epochs, {words}."


def test_without_rows_only_the_statuses_are_read(store: RunStore) -> None:
    before, after = make_run(store), make_run(store, level=0.7)
    (after.folder / "epochs.jsonl").unlink()
    found = card(store, before, after, rows=False)
    assert list(effects(found)) == ["Best val accuracy", "Overfit gap at best"]
    assert found.difference is not None


def test_damaged_rows_leave_gaps_and_a_damaged_recipe_is_said(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    (after.folder / "epochs.jsonl").write_text("nothing\n")
    assert effects(card(store, before, after))["Val loss at best"].after is None
    (after.folder / "recipe.json").write_text("{")
    with pytest.raises(Damaged):
        card(store, before, after)
    (after.folder / "recipe.json").unlink()
    with pytest.raises(Damaged):
        card(store, before, after)


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (Effect("a", 0.5, 0.4999, "points"), ("50.0 %", "50.0 %", "+0.0 points")),
        (Effect("a", 0.2, 0.15, "points", is_gap=True), ("+20.0 points", "+15.0 points", "-5.0 points")),
        (Effect("a", 0.75, 0.7498, "loss"), ("0.750", "0.750", "+0.000")),
        (Effect("a", 1.0, 0.75, "loss"), ("1.000", "0.750", "-0.250")),
        (Effect("a", 70.0, 65.0, "seconds"), ("1 min 10 s", "1 min 05 s", "-5.0 s")),
        (Effect("a", 5.04, 5.01, "seconds"), ("5.0 s", "5.0 s", "+0.0 s")),
    ],
)
def test_figures_in_words(effect: Effect, words: tuple[str, str, str]) -> None:
    assert effect.words == words


def rows(*accuracies: float | None) -> list[dict[str, Any]]:
    return [{"epoch": at, "val/accuracy": value} for at, value in enumerate(accuracies, start=1)]


AT_2 = "At epoch 2: 1.4 points behind its parent at the same epoch."


@pytest.mark.parametrize(
    ("mine", "parents", "sentence"),
    [
        (
            rows(0.1, 0.286),
            rows(0.2, 0.3, 0.9),
            AT_2,
        ),
        (rows(0.4), rows(0.2), "At epoch 1: 20.0 points ahead of its parent at the same epoch."),
        (rows(0.2), rows(0.2003), "At epoch 1: level with its parent at the same epoch."),
        (rows(0.1, 0.2), rows(0.1), "At epoch 1: level with its parent at the same epoch."),
        (rows(0.1, None), rows(0.1, 0.2), "At epoch 1: level with its parent at the same epoch."),
        (rows(), rows(0.1), ""),
        (rows(0.1), rows(), ""),
    ],
)
def test_where_a_run_stands_against_its_parent(mine: Any, parents: Any, sentence: str) -> None:
    assert behind_parent(mine, parents) == sentence
