"""The card 'what changed -> what it did'."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import Damaged
from core.insight.changes import ChangeCard, Effect, behind_parent, change_card
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
    after.add_look(Look(at="now", split="test", checkpoint_epoch=3, images=20, accuracy=0.5, loss=1.0))
    found = card(store, before, after)
    olds, news = before.epochs().rows, after.epochs().rows
    old, new = (max(rows, key=lambda row: row["val/accuracy"]) for rows in (olds, news))
    told = effects(found)
    assert found.difference == pytest.approx(new["val/accuracy"] - old["val/accuracy"])
    assert told["Val loss at best"].difference == pytest.approx(new["val/loss"] - old["val/loss"])
    assert told["Overfit gap at best"].after == pytest.approx(
        new["train/clean_accuracy"] - new["val/accuracy"]
    )
    assert told["Time per epoch"].words == ("2.5 s", "2.5 s", "+0.0 s")
    assert (told["Test accuracy"].before, told["Test accuracy"].after) == (None, 0.5)
    assert told["Test accuracy"].words == ("–", "50.0 %", "–")


def test_the_test_figure_is_that_of_the_best_epoch_where_it_was_looked_at(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    best = after.status().best
    assert best
    for epoch, accuracy, averaged in ((best.epoch, 0.4, False), (best.epoch, 0.9, True), (1, 0.2, False)):
        look = Look(
            at="now", split="test", checkpoint_epoch=epoch, images=20, accuracy=accuracy, loss=1.0,
            averaged=averaged,
        )  # fmt: skip
        after.add_look(look)
    assert effects(card(store, before, after))["Test accuracy"].after == 0.4


def test_the_time_on_another_device_says_so(store: RunStore) -> None:
    before, after = make_run(store), make_run(store)
    status = after.status()
    status.device = "cuda:0"
    write_status(after.folder, status)
    assert "Time per epoch, on different devices" in effects(card(store, before, after))


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
    assert found.note == "cut: 4 of 10 epochs, it is stopped."


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
        (Effect("a", 1.0, 0.75, "loss"), ("1.000", "0.750", "-0.250")),
        (Effect("a", 70.0, 65.0, "seconds"), ("1 min 10 s", "1 min 05 s", "-5.0 s")),
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
