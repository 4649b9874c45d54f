"""A run that is stopped, closed or crashed and goes on, and one that is extended."""

import threading
import time
from typing import Any
from unittest.mock import patch

import pytest

from core.data import Dataset, Library
from core.optim import SchedulerSpec
from core.runs import Run, RunStore, Status, train
from core.runs import training as training_module
from core.runs.rows import append_row
from core.runs.status import Best, read_status, write_status
from core.train import CheckpointReady, EpochEnded, Event, read_state
from tests.unit import tiny
from tests.unit.optim.cases import every_scheduler
from tests.unit.runs.setups import end, eventually, new_run, rows


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


RANDOMNESS: dict[str, Any] = {
    "augmentations": tiny.AUGMENTATIONS,
    "architecture": {"kind": "my_net", "blocks": 1, "width": 4, "dropout": 0.2},
}


def train_with_a_stop(run: Run, store: RunStore, library: Library, stop_after: int) -> Status:
    """Train, stop after this epoch, and go on from what the run's folder holds."""

    def stop(event: Event) -> None:
        if isinstance(event, CheckpointReady) and event.epoch == stop_after:
            run.ask_to_stop("now")

    with patch.object(training_module, "CONTROL_EVERY_S", 0.0):
        status = train(run, library, listener=stop)
    assert (status.state, status.epoch) == ("stopped", stop_after)
    assert read_state(run.state_path).epoch == stop_after
    again = RunStore(store.folder)
    again.resume(again.get(run.id), queue=False)
    return train(again.get(run.id), library)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(
    store: RunStore, small: Dataset, small_library: Library, stop_after: int
) -> None:
    settings = RANDOMNESS | {"epochs": 4, "scheduler": {"kind": "one_cycle"}}
    whole, run = new_run(store, small, **settings), new_run(store, small, **settings)
    train(whole, small_library)
    status = train_with_a_stop(run, store, small_library, stop_after)
    assert (status.state, status.epoch) == ("finished", 4)
    assert end(run) == end(whole)
    assert run.status().best == whole.status().best
    elapsed = [row["elapsed_s"] for row in run.epochs().rows]
    assert elapsed == sorted(elapsed), "the time of the first sitting counts"


@every_scheduler
def test_every_scheduler_goes_on_to_the_same_bits_from_last_state(
    store: RunStore, small: Dataset, small_library: Library, spec: SchedulerSpec
) -> None:
    """Behind a warm-up of an epoch, stopped after the first one of its own."""
    schedule = {"scheduler": spec.model_dump(mode="json"), "warmup": {"epochs": 1}}
    settings = RANDOMNESS | schedule | {"epochs": 5}
    whole, run = new_run(store, small, **settings), new_run(store, small, **settings)
    train(whole, small_library)
    status = train_with_a_stop(run, store, small_library, 2)
    assert (status.state, status.epoch) == ("finished", 5)
    assert end(run) == end(whole)


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
    status = read_status(run.folder)
    status.best, status.state = Best(epoch=9, val_accuracy=1.0, gap=0.0), "running"
    write_status(run.folder, status)
    store.extend(run, 1, queue=False)
    status = train(run, small_library)
    assert status.best
    assert status.best.epoch <= 4
    assert run.checkpoint("best").exists()
