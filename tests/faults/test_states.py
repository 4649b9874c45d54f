"""What goes wrong around a training, for real where that is possible: a full disk, a folder that cannot be
written, a loss that is none, a clock that jumps, a stop during a save, two servers, a killed server."""

import ctypes
import errno
import logging
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from core.data import Dataset, Library
from core.errors import Busy
from core.runs import JobQueue, Run, RunStore, train, training
from core.runs import job as job_module
from core.runs import store as store_module
from core.runs.status import read_status
from core.train import Progress, read_state
from tests.faults.layer import Change, Watcher, watched
from tests.faults.points import fork
from tests.faults.setups import check_store, committed, curve, new_run, outcome, recipe

PROJECT = Path(__file__).resolve().parents[2]


def eventually(is_so: Callable[[], object], within_s: float = 60.0) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


# The disk


NEW_MOUNTS, NEW_USERS, PRIVATE = 0x20000, 0x10000000, 0x44000


def small_disk(folder: Path, size: str) -> bool:
    """Put a small disk of its own onto a folder, for this process alone; False where nobody may."""
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(NEW_MOUNTS | (NEW_USERS if os.geteuid() else 0)):
        return False
    if system.mount(b"none", b"/", None, PRIVATE, None):
        return False
    return not system.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size}".encode())


def test_a_disk_without_room_stops_the_run_and_says_so(
    store: RunStore, dataset: Dataset, library: Library, tmp_path: Path
) -> None:
    """A real one, of 6 MB: the second or third checkpoint of 2 MB does not fit any more."""
    whole = new_run(store, dataset, "shaken")
    train(whole, library)
    expected, disk = outcome(whole), RunStore(tmp_path / "disk")
    disk.folder.mkdir()

    def work(report: Callable[[str, int], None]) -> None:
        if not small_disk(disk.folder, "6m"):
            report("no disk", 1)
            return
        run = new_run(disk, dataset, "shaken")
        status = train(run, library)
        report(status.state, status.epoch)
        assert run.status() == status, "it could still be written down"
        assert status.message == "The disk is full; the last checkpoint is whole."
        assert status.hint == "Free some space, then resume."
        check_store(disk, lambda run_id: status.epoch)
        shutil.copytree(run.folder, disk.folder.parent / "roomy" / run.id)

    # The roomy folder lies outside of the small disk.
    code, told = fork(work)
    assert code == 0
    if told == {"no disk": 1}:
        pytest.skip("this system lets nobody have a disk of its own; test_points has the simulated one")
    assert told in ({"stopped": 1}, {"stopped": 2})
    roomy = RunStore(tmp_path / "roomy")
    (run,) = check_store(roomy)
    roomy.resume(run, queue=False)
    train(run, library)
    assert outcome(run) == expected


def test_a_checkpoint_that_does_not_fit_stops_the_run_as_any_full_disk(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """A limit of the system's on a file's size: the weights hit it, the small files don't."""
    run, whole = new_run(store, dataset, "shaken"), new_run(store, dataset, "shaken")
    train(whole, library)

    def work(report: Callable[[str, int], None]) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        status = train(run, library)
        report(status.state, 1)
        assert "File too large" in status.message, status.message

    code, reported = fork(work)
    assert (code, reported) == (0, {"failed": 1})
    assert "unexpected" not in run.status().message
    check_store(store)
    store.resume(run, queue=False)
    train(run, library)
    assert outcome(run) == outcome(whole)


class _FullFor(Watcher):
    """No room for any file of one run."""

    def __init__(self, run: Run) -> None:
        self.folder = run.folder

    def before(self, change: Change) -> None:
        if change.kind in ("create", "write") and self.folder in change.path.parents:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_that_cannot_even_be_begun_waits_on_and_the_next_one_trains(
    store: RunStore, dataset: Dataset, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "PUT_OFF_S", 0.3)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])
    first, second = new_run(store, dataset, epochs=1), new_run(store, dataset, epochs=1)
    for run in (first, second):
        store.enqueue(run)
    queue = JobQueue(store, library)
    try:
        with watched(first.folder.parent, _FullFor(first)):
            queue.start()
            eventually(lambda: second.status().state == "finished")
            assert first.status().state == "queued"
            assert store.queue() == [first]
        eventually(lambda: first.status().state == "finished")
    finally:
        queue.close()


def test_a_log_that_cannot_be_written_neither_ends_a_run_nor_prints_a_traceback(
    store: RunStore, dataset: Dataset, library: Library, capfd: pytest.CaptureFixture[str]
) -> None:
    full, barred = new_run(store, dataset, epochs=1), new_run(store, dataset, epochs=1)
    with patch.object(logging.FileHandler, "_open", lambda handler: Path("/dev/full").open("a")):
        assert train(full, library).state == "finished"
    (barred.folder / "train.log").mkdir()
    assert train(barred, library).state == "finished"
    assert capfd.readouterr().err == ""


def test_a_folder_that_is_read_only_is_read_and_nothing_else(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """As somebody who may not write there: root may write everywhere."""
    run = new_run(store, dataset, epochs=1)
    train(run, library)
    waiting = new_run(store, dataset)

    def refused(act: Callable[[], object]) -> bool:
        try:
            act()
        except OSError:
            return True
        return False

    def work(report: Callable[[str, int], None]) -> None:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        report("listed", len(store.list()))
        report("damaged", sum(bool(entry.damaged) for entry in store.list()))
        report("finished", int(run.status().state == "finished"))
        report("rows", len(run.epochs().rows))
        report("epoch", read_state(run.state_path).epoch)
        acts = {
            "note": lambda: run.write_notes(name="x"),
            "make": lambda: store.create(run.recipe(), dataset.info),
            "delete": lambda: store.delete(run),
            "train": lambda: train(waiting, library),
            "start": lambda: JobQueue(store, library).start(),
        }
        for name, act in acts.items():
            report(name, int(refused(act)))

    with read_only(store.folder):
        code, told = fork(work)
    expected = {"listed": 2, "damaged": 0, "finished": 1, "rows": 1, "epoch": 1}
    assert (code, told) == (0, expected | dict.fromkeys(("note", "make", "delete", "train", "start"), 1))
    check_store(store)
    assert waiting.status().state == "queued"


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Within the block nobody but root writes in the folder."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    opened = [folder.parent, *folder.parent.parents]
    before = {path: path.stat().st_mode for path in opened[:1]}
    try:
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        for path in before:
            path.chmod(0o755)
        yield
    finally:
        for path, mode in (modes | before).items():
            path.chmod(mode)


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
        patches.enter_context(patch.object(store_module, "datetime", _Jumping))
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
