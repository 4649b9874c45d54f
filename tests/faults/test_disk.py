"""What the disk refuses, for real where that is possible: no room, a file too large, a log, a folder that
cannot be written."""

import ctypes
import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from core.data import Dataset, Library
from core.runs import JobQueue, Run, RunStore, train
from core.runs import job as job_module
from core.runs.lock import hold
from core.train import read_state
from tests.faults.layer import Change, Watcher, watched
from tests.faults.points import fork
from tests.faults.running import eventually
from tests.faults.setups import check_store, new_run, outcome
from tests.unit.runs.setups import put

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


def test_a_file_that_is_larger_than_files_may_be_stops_the_run_and_says_so(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """A limit of the system's: the weights hit it, the small files don't."""
    run, whole = new_run(store, dataset, "shaken"), new_run(store, dataset, "shaken")
    train(whole, library)

    def work(report: Callable[[str, int], None]) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        status = train(run, library)
        report(status.state, 1)

    assert fork(work) == (0, {"stopped": 1})
    status = run.status()
    assert status.message == (
        "A file became larger than this disk or this account allows; the last checkpoint is whole."
    )
    assert status.hint == "Raise the limit (ulimit -f) or move the runs to another disk, then resume."
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


def as_nobody() -> None:
    """Root may write everywhere."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return True
    return False


def test_a_folder_that_is_read_only_is_read_and_nothing_else(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    run = new_run(store, dataset, epochs=1)
    train(run, library)
    waiting = new_run(store, dataset)

    def work(report: Callable[[str, int], None]) -> None:
        as_nobody()
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


def test_in_a_folder_that_is_read_only_a_training_run_is_told_from_an_interrupted_one(
    store: RunStore, dataset: Dataset
) -> None:
    trained, left = (put(new_run(store, dataset), "running") for _ in range(2))
    with hold(left.lock_path, busy="held"):
        pass  # the lock stays behind, free

    def work(report: Callable[[str, int], None]) -> None:
        as_nobody()
        for entry in store.list():
            report(f"{entry.id} {entry.state}", 1)

    with hold(trained.lock_path, busy="held"), read_only(store.folder):
        told = fork(work)
    assert told == (0, {f"{trained.id} running": 1, f"{left.id} interrupted": 1})


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
