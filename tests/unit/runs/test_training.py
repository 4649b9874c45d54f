"""`train(run)`: the folder that it leaves, stopped, resumed and extended."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.data import Dataset, Library
from core.errors import Busy
from core.files import read_json, write_json
from core.runs import Run, RunStore, Status, train
from core.runs import training as training_module
from core.runs.answers import AnswerFile, stored_answers, write_answers
from core.runs.lock import hold
from core.runs.rows import append_row
from core.train import (
    CheckpointReady,
    EpochEnded,
    Event,
    Progress,
    read_checkpoint,
    read_state,
)
from tests.unit import tiny
from tests.unit.runs.setups import end, eventually, new_run, rows

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


def in_background(run: Run, library: Library, **options: Any) -> tuple[threading.Thread, list[Status]]:
    found: list[Status] = []
    thread = threading.Thread(target=lambda: found.append(train(run, library, **options)), daemon=True)
    thread.start()
    return thread, found


@pytest.mark.parametrize("when", ["now", "after_epoch"])
def test_a_request_from_another_thread_stops_the_run_within_a_second(
    store: RunStore, small: Dataset, small_library: Library, when: Any
) -> None:
    run = new_run(store, small, epochs=50_000)
    thread, found = in_background(run, small_library)
    eventually(lambda: run.status().epoch >= 2)
    asked = time.monotonic()
    store.stop(run, when)
    thread.join(20)
    assert time.monotonic() - asked < 1.5
    (status,) = found
    assert status.state == "stopped"
    assert status.message == f"Stopped by hand after epoch {status.epoch}."
    assert status.hint
    assert status.epoch == len(rows(run)) == read_state(run.state_path).epoch
    assert run.status() == status


def test_a_stop_before_the_first_epoch_is_done(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "CONTROL_EVERY_S", 0.0)
    run = new_run(store, small)

    def stop(event: Event) -> None:
        run.ask_to_stop("now")

    status = train(run, small_library, listener=stop)
    assert (status.state, status.epoch, status.best) == ("stopped", 0, None)
    assert "before the first epoch was done" in status.message
    store.resume(run, queue=False)
    assert train(run, small_library).state == "finished"
    whole = new_run(store, small)
    train(whole, small_library)
    assert end(run) == end(whole)


def test_an_old_request_does_not_stop_a_new_sitting(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    run.ask_to_stop("now")
    assert train(run, small_library).state == "finished"


def test_closing_leaves_the_run_interrupted(store: RunStore, small: Dataset, small_library: Library) -> None:
    run = new_run(store, small, epochs=50_000)
    closing = threading.Event()
    thread, found = in_background(run, small_library, closing=closing.is_set)
    eventually(lambda: run.status().epoch >= 1)
    closing.set()
    thread.join(20)
    (status,) = found
    assert status.state == "interrupted"
    assert status.message.startswith("The app was closed after epoch")


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(
    store: RunStore, small: Dataset, small_library: Library, stop_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "CONTROL_EVERY_S", 0.0)
    settings: dict[str, Any] = {
        "epochs": 4,
        "scheduler": {"kind": "one_cycle"},
        "augmentations": tiny.AUGMENTATIONS,
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4, "dropout": 0.2},
    }
    whole, run = new_run(store, small, **settings), new_run(store, small, **settings)
    train(whole, small_library)

    def stop(event: Event) -> None:
        if isinstance(event, CheckpointReady) and event.epoch == stop_after:
            run.ask_to_stop("now")

    status = train(run, small_library, listener=stop)
    assert (status.state, status.epoch) == ("stopped", stop_after)
    store.resume(run, queue=False)
    status = train(run, small_library)
    assert (status.state, status.epoch) == ("finished", 4)
    assert end(run) == end(whole)
    assert run.status().best == whole.status().best
    elapsed = [row["elapsed_s"] for row in run.epochs().rows]
    assert elapsed == sorted(elapsed), "the time of the first sitting counts"


@pytest.mark.parametrize("hold_lr", [False, True])
def test_an_extension_goes_on_with_the_curve(
    store: RunStore, small: Dataset, small_library: Library, hold_lr: bool
) -> None:
    run = new_run(store, small, scheduler={"kind": "step", "step_size": 1, "gamma": 0.5})
    train(run, small_library)
    before = rows(run)
    store.extend(run, 2, hold_lr=hold_lr, queue=False)
    status = train(run, small_library)
    assert (status.state, status.epoch, status.epochs) == ("finished", 5, 5)
    assert rows(run)[:3] == before
    lrs = [row["lr"] for row in rows(run)]
    assert lrs == pytest.approx([0.05, 0.025, 0.0125] + ([0.0125] * 2 if hold_lr else [0.00625, 0.003125]))


def test_rows_beyond_the_last_checkpoint_are_cut(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    """A crash between the row and its checkpoint leaves a row, and perhaps half of the next."""
    run, whole = new_run(store, small), new_run(store, small)
    train(whole, small_library)
    first: list[Event] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, small_library, listener=interrupt)
    with (run.folder / "epochs.jsonl").open("a") as file:
        file.write('{"epoch": 3, "val/')
    append_row(run.folder / "steps.jsonl", {"epoch": 2, "position": 1.5, "lr": 9.0})
    assert len(rows(run)) == 2
    assert run.status().state == "interrupted"
    store.resume(run, queue=False)
    train(run, small_library, listener=first.append)
    assert [event.epoch for event in first if isinstance(event, EpochEnded)] == [2, 3]
    assert not [row for row in run.steps().rows if row["lr"] == 9.0]
    assert end(run) == end(whole)


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


@pytest.mark.parametrize("holds", [(False, True), (True, True), (True, False)], ids=str)
def test_an_extension_of_an_extension(
    store: RunStore, small: Dataset, small_library: Library, holds: tuple[bool, bool]
) -> None:
    run = new_run(store, small, scheduler={"kind": "step", "step_size": 1, "gamma": 0.5})
    train(run, small_library)
    for hold_lr in holds:
        before = rows(run)
        store.extend(run, 1, hold_lr=hold_lr, queue=False)
        train(run, small_library)
        assert rows(run)[: len(before)] == before
    lrs = [row["lr"] for row in rows(run)]
    if holds[1]:
        assert lrs[4] == lrs[3], "it holds the lr that the epoch before had"
    if holds == (False, True):
        assert lrs[3] == pytest.approx(lrs[2] / 2)


def test_a_best_epoch_that_was_never_committed_is_forgotten(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small)
    train(run, small_library)
    content = read_json(run.folder / "status.json")
    content["best"] = {"epoch": 9, "val_accuracy": 1.0, "gap": 0.0}
    content["state"] = "running"
    write_json(run.folder / "status.json", content)
    store.extend(run, 1, queue=False)
    status = train(run, small_library)
    assert status.best
    assert status.best.epoch <= 4
    assert run.checkpoint("best").exists()


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
