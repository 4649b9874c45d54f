"""What goes wrong around a training, for real where that is possible: a loss that is none, a clock that
jumps, a stop during a save, two servers, a killed server."""

import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from core.data import Dataset, Library
from core.errors import Busy
from core.runs import Run, RunStore, train, training
from core.runs import ids as ids_module
from core.runs import store as store_module
from core.runs.status import read_status
from core.train import Progress, read_state
from tests.faults.layer import Change, Watcher, watched
from tests.faults.running import eventually
from tests.faults.setups import check_store, committed, curve, new_run, outcome, recipe

PROJECT = Path(__file__).resolve().parents[2]


# The numbers


def test_a_loss_that_is_no_number_names_its_step_and_keeps_the_last_good_epoch(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """The highest learning rate that a recipe may have throws the weights away."""
    run = new_run(
        store, dataset, optimizer={"kind": "sgd", "lr": 100}, scheduler={"kind": "none"}, clip_norm=None
    )
    status = train(run, library)
    assert status.state == "failed"
    assert re.search(r"in epoch \d, by step \d", status.message)
    assert "diverged; lower the learning rate" in status.message
    # Which epoch it is depends on the processor's own sums.
    assert committed(run) == status.epoch < 3
    check_store(store)


@pytest.mark.parametrize("bad", [math.nan, math.inf], ids=str)
def test_a_loss_that_breaks_later_keeps_the_epochs_before(
    store: RunStore, dataset: Dataset, library: Library, bad: float
) -> None:
    from core.train import engine

    run, whole = new_run(store, dataset), new_run(store, dataset)
    train(whole, library)
    real, calls = engine.Meter.read, []

    def read(meter: engine.Meter) -> tuple[float, float]:
        calls.append(1)
        loss, accuracy = real(meter)
        return (bad if len(calls) == 5 else loss), accuracy

    with patch.object(engine.Meter, "read", read):
        status = train(run, library)
    assert (status.state, status.epoch) == ("failed", 2)
    assert f"The loss became {bad} in epoch 3, by step" in status.message
    assert read_state(run.state_path).epoch == 2
    store.resume(run, queue=False)
    train(run, library)
    assert outcome(run) == outcome(whole)


# Clocks


class _Jumping(datetime):
    """A wall clock that is set back by a day at every look."""

    looks = 0

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        _Jumping.looks += 1
        return datetime(2026, 9, 1, 12, tzinfo=UTC) - timedelta(days=_Jumping.looks)


def test_a_clock_that_is_set_back_changes_neither_order_nor_durations(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    with ExitStack() as patches:
        for module in (store_module, ids_module):
            patches.enter_context(patch.object(module, "datetime", _Jumping))
        patches.enter_context(patch.object(time, "time", lambda: -1e9 * _Jumping.looks))
        runs = [store.create(recipe("plain", seed=seed, epochs=2), dataset.info) for seed in range(4)]
        assert [entry.run for entry in store.list()] == runs[::-1], "newest first"
        assert store.queue() == runs, "in the order in which they were put there"
        status = train(runs[0], library)
    rows = runs[0].epochs().rows
    assert status.state == "finished"
    assert all(row["seconds"] >= 0 for row in rows)
    elapsed = [row["elapsed_s"] for row in rows]
    assert elapsed == sorted(elapsed)
    assert 0 <= elapsed[-1] <= status.elapsed_s < 60


# A stop during a save


class _StopAt(Watcher):
    """Asks for a stop right before the n-th change after the first row."""

    def __init__(self, run: Run, point: int) -> None:
        self.run, self.left, self.saving = run, point, False

    def before(self, change: Change) -> None:
        self.saving = self.saving or change.path.name == "epochs.jsonl"
        if self.saving and change.path.name != "control.json" and ".control" not in change.path.name:
            self.left -= 1
            if self.left == 0:
                self.run.ask_to_stop("now")


def test_a_stop_pressed_at_any_point_of_a_save_leaves_the_epoch_committed_or_absent(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    whole = new_run(store, dataset)
    train(whole, library)
    epochs = set()
    for point in range(1, 40, 3 if os.environ.get("PLATEAU_LONG") else 6):
        run = new_run(store, dataset)
        with patch.object(training, "CONTROL_EVERY_S", 0.0), watched(run.folder, _StopAt(run, point)):
            status = train(run, library)
        assert status.state in ("stopped", "finished")
        assert len(curve(run).splitlines()) >= status.epoch
        check_store(store)
        epochs.add(status.epoch)
        if status.state == "stopped":
            store.resume(run, queue=False)
            train(run, library)
        assert outcome(run) == outcome(whole)
        store.delete(run)
    assert {1, 2} <= epochs


# Servers


@contextmanager
def server(store: RunStore, library: Library) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.faults.servers", str(store.folder), str(library.folder)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_servers_train_each_run_once_and_a_killed_one_loses_nothing(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """Two processes on one folder; the one that trains is killed, then a third starts as a restart does."""
    whole = new_run(store, dataset, epochs=4)
    train(whole, library)
    long = new_run(store, dataset, epochs=100_000)
    store.enqueue(long)
    after = [new_run(store, dataset, epochs=4) for _ in range(3)]
    for run in after:
        store.enqueue(run)
    with server(store, library) as first:
        assert first.stdout
        assert first.stdout.readline() == "started, 0 interrupted\n"
        eventually(lambda: long.status().state == "running" and long.status().epoch >= 2)
        with server(store, library) as second:
            assert second.stdout
            assert second.stdout.readline() == "started, 0 interrupted\n"
            for act in (
                lambda: store.delete(long),
                lambda: store.resume(long),
                lambda: store.extend(long, 1),
            ):
                with pytest.raises(Busy, match="is training"):
                    act()
            assert [run.status().state for run in after] == ["queued"] * 3
            first.kill()
            first.wait()
            eventually(lambda: {run.status().state for run in after} == {"finished"})
            assert long.status().state == "interrupted"
            assert read_status(long.folder).state in ("running", "interrupted")
        with server(store, library) as restarted:
            assert restarted.stdout
            assert restarted.stdout.readline() == "started, 1 interrupted\n"
            done = long.status().epoch
            store.resume(long)
            eventually(lambda: long.status().epoch > done)
            store.stop(long)
            eventually(lambda: long.status().state == "stopped")
    for run in after:
        assert (run.folder / "train.log").read_text().count("finished after epoch") == 1
        assert outcome(run) == outcome(whole)
    rows = [row["epoch"] for row in long.epochs().rows]
    assert rows == list(range(1, len(rows) + 1))
    check_store(store)


def test_a_page_that_reads_while_a_run_is_written_sees_whole_files_only(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    run = new_run(store, dataset, epochs=6)
    stop, seen, problems = threading.Event(), [0], []

    def look() -> None:
        while not stop.is_set():
            (entry,) = store.list()
            if entry.damaged or entry.run.epochs().damaged:
                problems.append(entry.damaged)
            seen[0] += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        train(run, library, listener=lambda event: time.sleep(0.01 * isinstance(event, Progress)))
    finally:
        stop.set()
        thread.join()
    assert problems == []
    assert seen[0] > 5
