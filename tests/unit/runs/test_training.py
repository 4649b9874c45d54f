"""`train(run)`: the folder that it leaves."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.data import Dataset, Library
from core.errors import Busy
from core.runs import Run, RunStore, train
from core.runs import training as training_module
from core.runs.answers import AnswerFile, stored_answers, write_answers
from core.runs.lock import hold
from core.train import (
    CheckpointReady,
    EpochEnded,
    Event,
    Progress,
    read_checkpoint,
    read_state,
)
from tests.unit.runs.setups import end, new_run

ROW_KEYS = [
    "epoch",
    "lr",
    "train/loss",
    "train/accuracy",
    "train/clean_accuracy",
    "train/clean_loss",
    "val/loss",
    "val/accuracy",
    "seconds",
    "elapsed_s",
    "images_per_s",
]


def visible(run: Run) -> set[str]:
    return {path.name for path in run.folder.iterdir()}


def test_a_finished_run_is_a_folder_with_everything_in_it(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    recipe_file = (run.folder / "recipe.json").read_bytes()
    events: list[Event] = []
    status = train(run, small_library, listener=events.append)

    assert (run.folder / "recipe.json").read_bytes() == recipe_file
    expected = {"recipe.json", "status.json", "notes.json", "epochs.jsonl", "steps.jsonl", "predictions"}
    assert visible(run) - {"lock"} == expected | {"checkpoints", "train.log"}

    assert status == run.status()
    assert (status.state, status.epoch, status.epochs, status.message) == ("finished", 3, 3, "")
    assert status.live is None
    assert status.started_at and status.ended_at and status.created_at
    assert status.device.startswith("CPU")
    assert status.precision
    assert status.environment["torch"] == torch.__version__
    assert (status.dataset, status.dataset_fingerprint) == ("tiny", small.info.fingerprint)
    assert status.split_fingerprint == small.info.split_fingerprint

    found = run.epochs().rows
    assert [list(row) for row in found] == [ROW_KEYS] * 3
    assert [row["epoch"] for row in found] == [1, 2, 3]
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [row["val/accuracy"] for row in found] == [event.val_accuracy for event in ended]
    assert [row["elapsed_s"] for row in found] == sorted(row["elapsed_s"] for row in found)
    assert all(0 <= row[key] <= 1 for row in found for key in ROW_KEYS if key.endswith("accuracy"))

    best = max(found, key=lambda row: row["val/accuracy"])
    assert status.best and status.last
    assert (status.best.epoch, status.best.val_accuracy) == (best["epoch"], best["val/accuracy"])
    assert status.best.gap == pytest.approx(best["train/clean_accuracy"] - best["val/accuracy"])
    assert (status.last.epoch, status.last.lr) == (3, found[-1]["lr"])
    assert status.elapsed_s == found[-1]["elapsed_s"]
    assert "finished after epoch 3 of 3" in (run.folder / "train.log").read_text()
    assert not run.is_alive()


def test_only_what_is_best_last_or_asked_for_is_kept(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, epochs=6, checkpoints={"best": True, "every": 3, "epochs": [2]})
    status = train(run, small_library)
    assert status.best
    assert run.checkpoint_epochs() == sorted({2, 3, 6, status.best.epoch})
    kept = {path.name for path in (run.folder / "predictions").iterdir()}
    assert kept == {f"val-{epoch:04d}.safetensors" for epoch in {2, 3, 6, status.best.epoch}}
    names = {path.name for path in (run.folder / "checkpoints").iterdir()}
    assert names == {f"epoch-{epoch:04d}.safetensors" for epoch in run.checkpoint_epochs()} | {"last.state"}


def test_without_best_only_the_last_state_stays(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, epochs=4, checkpoints={"best": False})
    train(run, small_library)
    assert run.checkpoint_epochs() == []
    assert run.checkpoint("last") == run.state_path


def test_a_checkpoint_tells_a_predictor_all_it_needs(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    status = train(run, small_library)
    assert status.best
    card, weights = read_checkpoint(run.checkpoint("best"))
    assert (card.run, card.epoch, card.val_accuracy) == (run.id, status.best.epoch, status.best.val_accuracy)
    assert card.parsed_recipe() == run.recipe()
    assert (card.classes, card.mean, card.std) == (small.info.classes, small.info.mean, small.info.std)
    assert (card.image_size, card.channels, card.resize) == (28, 3, "crop")
    assert card.dataset_fingerprint == small.info.fingerprint
    model = run.recipe().architecture.build(len(card.classes), card.channels, card.image_size, 0)
    assert set(model.state_dict()) <= set(weights)


def test_predictions_are_those_of_the_epochs_own_row(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    train(run, small_library)
    found = load_file(run.folder / "predictions" / "val-0003.safetensors")
    val = small.indices("val")
    truth = torch.from_numpy(small.labels[val])
    assert set(found) == {"label", "predicted", "probability", "true_probability"}
    assert torch.equal(found["label"].long(), truth.long())
    assert {len(tensor) for tensor in found.values()} == {len(val)}
    accuracy = float((found["predicted"].long() == truth).double().mean())
    assert accuracy == pytest.approx(run.epochs().rows[-1]["val/accuracy"])


def test_two_runs_of_one_recipe_are_equal_to_the_bit(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    runs = [new_run(store, small) for _ in range(2)]
    for run in runs:
        train(run, small_library)
    assert end(runs[0]) == end(runs[1])


def test_a_listener_hears_of_an_event_after_it_is_written(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    seen: list[tuple[int, int]] = []

    def listen(event: Event) -> None:
        if isinstance(event, CheckpointReady):
            seen.append((len(run.epochs().rows), run.status().epoch))
            assert read_state(run.state_path).epoch == event.epoch
            assert run.is_alive()
            assert run.status().state == "running"

    train(run, small_library, listener=listen)
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_progress_shows_in_the_status_and_in_the_step_rows(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    live = []

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            live.append(run.status().live)

    train(run, small_library, listener=listen)
    assert all(live)
    assert {each.phase for each in live if each} == {"training", "evaluating"}
    (first, *_) = run.steps().rows
    assert list(first) == ["epoch", "position", "lr", "train/loss", "train/accuracy", "images_per_s"]
    assert first["lr"] == run.epochs().rows[0]["lr"]


def test_steps_are_thinned_in_a_long_run(store: RunStore, small: Dataset, small_library: Library) -> None:
    """One row per 0.4 s at most: 12 quick epochs do not give 12 rows."""
    run = new_run(store, small, epochs=12)
    before = time.monotonic()
    train(run, small_library)
    assert len(run.steps().rows) <= 1 + (time.monotonic() - before) / 0.4


def test_the_global_random_state_is_left_alone(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    before = torch.random.get_rng_state()
    train(run, small_library)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_run_in_training_refuses_a_second_trainer(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small)
    with hold(run.lock_path, busy=""), pytest.raises(Busy, match="already training"):
        train(run, small_library)  # after a wait of 2 s, for those who only look
    assert run.status().state == "queued"


def test_a_row_is_on_the_disk_before_its_checkpoint(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint whose epoch has no row would leave a hole in the curve."""
    order: list[str] = []
    real_row, real_state = training_module.append_row, training_module.write_state

    def append_row(path: Path, row: dict[str, Any], *, durable: bool = False) -> None:
        if path.name == "epochs.jsonl":
            order.append("row" if durable else "row that may be lost")
        real_row(path, row, durable=durable)

    def write_state(*arguments: Any) -> None:
        order.append("state")
        real_state(*arguments)

    monkeypatch.setattr(training_module, "append_row", append_row)
    monkeypatch.setattr(training_module, "write_state", write_state)
    train(new_run(store, small), small_library)
    assert order == ["row", "state"] * 3


def test_a_killed_trainers_files_are_removed_and_those_of_an_evaluation_are_not(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    assert train(run, small_library).state == "finished"
    done = run.status().epoch
    folder = run.folder / "predictions"
    others = [
        f".{file.name}.1234abcd.tmp"
        for file in (
            AnswerFile("val", done),
            AnswerFile("test", done),
            AnswerFile("val", done, averaged=True),
            AnswerFile("val", done, views=8),
            AnswerFile("test", done + 1),
        )
    ]
    own = f".{AnswerFile('val', done + 1).name}.1234abcd.tmp"
    for name in (own, *others):
        (folder / name).write_bytes(b"half")
    store.extend(run, 1, hold_lr=True, queue=False)
    assert train(run, small_library).epoch == done + 1
    assert {path.name for path in folder.glob(".*")} == set(others)


def test_only_the_trainers_own_answers_are_pruned(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    assert train(run, small_library).state == "finished"
    done = run.status().epoch
    kept = [AnswerFile("test", 1), AnswerFile("val", 1, averaged=True), AnswerFile("val", 1, views=2)]
    for file in (*kept, AnswerFile("val", 1)):
        write_answers(run, file, {"label": np.zeros(2)})
    store.extend(run, 1, hold_lr=True, queue=False)
    status = train(run, small_library)
    assert status.best
    found = set(stored_answers(run))
    assert set(kept) <= found
    wanted = {AnswerFile("val", epoch) for epoch in (status.best.epoch, done + 1)}
    assert found - set(kept) == wanted
