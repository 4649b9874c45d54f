"""In a thread or in a process: the same run, and no end of a process leaves one in the dark."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from core.data import Dataset, Library
from core.errors import Busy
from core.runs import Run, RunStore, State, child, train
from core.runs import job as job_module
from core.runs import launch as launch_module
from core.runs.launch import train_in_process
from core.runs.lock import hold, is_held
from core.runs.status import read_status
from tests.unit.runs.setups import broken_gpu, end, eventually, new_run, put, rows, waiting, working

PROJECT = Path(__file__).resolve().parents[3]
LONG = 50_000
LOADED_S = 60.0
"""A process loads torch first, beside whatever else this machine does."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(launch_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])
    monkeypatch.setenv("PLATEAU_LAUNCHER", "process")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Every process that was started."""
    started = []
    real = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(real(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(launch_module.subprocess, "Popen", start)
    return started


def in_process(run: Run, store: RunStore, library: Library, *, closing: bool = False) -> None:
    train_in_process(run, store, library, "cpu", closing=lambda: closing, threads=1)


def in_child(run: Run, store: RunStore, library: Library) -> int:
    """What the process does, in this one."""
    return child.train_one(run.id, store, library, "cpu", closing=lambda: False, threads=1)


def files(run: Run) -> list[str]:
    return sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*"))


def lives(process_id: int) -> bool:
    """Whether there is such a process; one that is dead and only waits to be noticed is none."""
    try:
        os.kill(process_id, 0)
        text = Path(f"/proc/{process_id}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    return text.rpartition(")")[2].split()[0] != "Z"


# The same run


def test_a_run_of_a_process_equals_one_of_a_thread(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    by_thread = new_run(store, small, launcher="thread", checkpoints={"every": 1})
    by_process = new_run(store, small, launcher="process", queue=True, checkpoints={"every": 1})
    train(by_thread, small_library)
    with working(store, small_library):
        eventually(lambda: by_process.status().state == "finished", LOADED_S)
    assert end(by_process) == end(by_thread)
    assert [json.dumps(row) for row in rows(by_process)] == [json.dumps(row) for row in rows(by_thread)]
    assert files(by_process) == files(by_thread)
    for field in ("device", "precision", "environment", "best", "last", "message", "hint"):
        assert getattr(by_process.status(), field) == getattr(by_thread.status(), field)
    assert waiting(store) == []


def test_a_run_in_a_process_is_busy_until_it_is_asked_to_stop(
    store: RunStore, small: Dataset, small_library: Library, children: list["subprocess.Popen[bytes]"]
) -> None:
    run = new_run(store, small, queue=True, epochs=LONG)
    with working(store, small_library):
        eventually(lambda: run.status().epoch >= 1, LOADED_S)
        assert waiting(store) == []
        with pytest.raises(Busy):
            store.delete(run)
        with pytest.raises(Busy):
            in_process(run, store, small_library)
        store.stop(run)
        eventually(lambda: run.status().state == "stopped")
        assert run.status().message.startswith("Stopped by hand after epoch")
    assert len(children) == 1


# Closing


def test_closing_leaves_the_run_interrupted_and_no_process(
    store: RunStore, small: Dataset, small_library: Library, children: list["subprocess.Popen[bytes]"]
) -> None:
    run, next_one = (new_run(store, small, queue=True, epochs=LONG) for _ in range(2))
    with working(store, small_library) as queue:
        eventually(lambda: run.status().epoch >= 1, LOADED_S)
        queue.close()
        status = read_status(run.folder)
        assert (status.state, status.message.startswith("The app was closed after")) == ("interrupted", True)
        assert [process.returncode for process in children] == [child.TRAINED]
        assert next_one.status().state == "queued"
        assert waiting(store) == [next_one.id]
        assert not [t for t in threading.enumerate() if t.name.startswith("train-")]


def test_closing_while_a_process_loads_leaves_the_run_in_the_queue(
    store: RunStore, small: Dataset, small_library: Library, children: list["subprocess.Popen[bytes]"]
) -> None:
    run = new_run(store, small, queue=True)
    before = files(run)
    in_process(run, store, small_library, closing=True)
    assert [process.returncode for process in children] == [child.CLOSED]
    assert run.status().state == "queued"
    assert waiting(store) == [run.id]
    assert files(run) in (before, sorted([*before, "lock"]))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal on this system")
def test_a_process_ends_by_itself_when_the_app_is_killed(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, epochs=LONG)
    script = [sys.executable, "-m", "tests.unit.runs.parent"]
    command = [*script, str(store.folder), str(small_library.folder), run.id]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        process_id = int(parent.stdout.readline())
        eventually(lambda: run.status().epoch >= 1, LOADED_S)
        assert lives(process_id)
        assert is_held(store.device_lock("cpu"))
        parent.kill()
        eventually(lambda: not lives(process_id))
    status = read_status(run.folder)
    assert (status.state, status.message.startswith("The app was closed after")) == ("interrupted", True)
    assert not is_held(store.device_lock("cpu"))


def test_a_process_that_does_not_stop_is_ended(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = put(new_run(store, small, queue=True), "running", epoch=2)
    monkeypatch.setattr(launch_module, "CLOSING_S", 0.1)
    monkeypatch.setattr(launch_module, "_command", lambda *_: python("import time; time.sleep(100)"))
    in_process(run, store, small_library, closing=True)
    status = read_status(run.folder)
    assert (status.state, status.epoch) == ("interrupted", 2)
    assert status.message == "The app was closed, and the training process did not stop by itself."


# Accidents


def python(program: str) -> list[str]:
    return [sys.executable, "-S", "-c", program]


def test_a_killed_process_leaves_its_run_interrupted_and_the_next_one_trains(
    store: RunStore, small: Dataset, small_library: Library, children: list["subprocess.Popen[bytes]"]
) -> None:
    run, next_one = new_run(store, small, queue=True, epochs=LONG), new_run(store, small, queue=True)
    with working(store, small_library):
        eventually(lambda: run.status().epoch >= 1, LOADED_S)
        children[0].kill()
        eventually(lambda: read_status(run.folder).state == "interrupted")
        status = read_status(run.folder)
        assert status.message == "The training process ended unexpectedly (signal 9, SIGKILL)."
        assert status.hint.startswith("The system ends processes like this when memory runs out. Resume it")
        assert status.live is None
        assert status.message in (run.folder / "train.log").read_text().splitlines()[-1]
        eventually(lambda: next_one.status().state == "finished", LOADED_S)
    store.resume(run)
    assert waiting(store) == [run.id]


@pytest.mark.parametrize("state", ["queued", "running"])
@pytest.mark.parametrize(
    ("program", "how", "logged"),
    [
        ("raise ImportError('no such library')", "exit status 1", "ImportError: no such library"),
        ("import os; os.abort()", "signal 6, SIGABRT", ""),
        (
            "import ctypes, faulthandler; faulthandler.enable(); ctypes.string_at(0)",
            "signal 11, SIGSEGV",
            "Fatal Python error: Segmentation fault",
        ),
    ],
    ids=["exception", "abort", "segfault"],
)
def test_a_process_that_falls_is_said_on_the_run_and_its_last_words_are_in_the_log(
    store: RunStore,
    small: Dataset,
    small_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    how: str,
    logged: str,
    state: State,
) -> None:
    run = put(new_run(store, small, queue=True), state)
    monkeypatch.setattr(launch_module, "_command", lambda *_: python(program))
    in_process(run, store, small_library)
    status = read_status(run.folder)
    assert (status.state, status.message) == (
        "interrupted",
        f"The training process ended unexpectedly ({how}).",
    )
    assert status.hint.startswith("train.log in the run's folder has the details. Resume it")
    assert status.ended_at
    assert logged in (run.folder / "train.log").read_text()
    assert waiting(store) == [], "it must not come again and again"


def test_a_process_that_falls_after_its_work_changes_nothing(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = put(new_run(store, small), "finished")
    before = (run.folder / "status.json").read_bytes()
    monkeypatch.setattr(launch_module, "_command", lambda *_: python("import os; os.abort()"))
    in_process(run, store, small_library)
    assert (run.folder / "status.json").read_bytes() == before
    assert not (run.folder / "train.log").exists()


def test_what_a_process_prints_is_kept_up_to_a_limit_and_only_where_it_falls(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.stderr.write('\\xff chatter\\n' * 100_000); sys.exit({})"
    quiet, loud = (new_run(store, small) for _ in range(2))
    monkeypatch.setattr(launch_module, "_command", lambda *_: python(program.format(child.TRAINED)))
    in_process(quiet, store, small_library)
    monkeypatch.setattr(launch_module, "_command", lambda *_: python(program.format(1)))
    in_process(loud, store, small_library)
    assert not (quiet.folder / "train.log").exists()
    log = (loud.folder / "train.log").read_text()
    assert "chatter" in log
    assert len(log) < 2 * launch_module.LAST_WORDS_BYTES
    assert "chatter" not in (loud.folder / "status.json").read_text()


def test_a_process_that_cannot_be_started_is_said_on_the_run(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small, queue=True)
    monkeypatch.setattr(launch_module, "_command", lambda *_: ["/nowhere/python"])
    in_process(run, store, small_library)
    status = run.status()
    assert status.state == "interrupted"
    assert status.message == "The training process could not be started: No such file or directory."
    assert waiting(store) == []


def test_a_run_deleted_while_its_process_works_stays_deleted(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small, queue=True)
    program = f"import shutil; shutil.rmtree({str(run.folder)!r}); raise SystemExit(1)"
    monkeypatch.setattr(launch_module, "_command", lambda *_: python(program))
    in_process(run, store, small_library)
    assert not run.folder.exists()


def test_a_gpu_that_broke_in_a_process_stops_neither_queue_nor_app(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small)
    with broken_gpu(monkeypatch):
        assert in_child(run, store, small_library) == child.TRAINED
    status = run.status()
    assert (status.state, "new process" in status.hint, "Restart" in status.hint) == (
        "interrupted",
        True,
        False,
    )
    store.resume(run, queue=False)
    assert in_child(run, store, small_library) == child.TRAINED
    assert run.status().state == "finished"


# Who has it


def test_a_run_or_device_that_somebody_else_has_is_left_alone(
    store: RunStore, small: Dataset, small_library: Library, children: list["subprocess.Popen[bytes]"]
) -> None:
    run = new_run(store, small, queue=True)
    with hold(store.device_lock("cpu"), busy=""):
        assert in_child(run, store, small_library) == child.BUSY
        with pytest.raises(Busy):
            in_process(run, store, small_library)
        assert children == [], "a process costs seconds only to find that out"
    with hold(run.lock_path, busy=""):
        assert in_child(run, store, small_library) == child.BUSY
    assert run.status().state == "queued"
    assert waiting(store) == [run.id]
    store.stop(run)
    assert in_child(run, store, small_library) == child.NOT_QUEUED
    store.delete(run)
    assert in_child(run, store, small_library) == child.NOT_QUEUED
    assert not run.folder.exists()


def test_two_apps_with_processes_train_a_run_once(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, queue=True)
    with working(store, small_library), working(store, small_library):
        eventually(lambda: run.status().state == "finished", LOADED_S)
    assert (run.folder / "train.log").read_text().count("finished after epoch") == 1
    assert len(rows(run)) == 3
