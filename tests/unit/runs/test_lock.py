"""The lock says whether a run is alive: in this process, in another, and after that one was killed."""

import errno
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import Busy, NotFound
from core.runs import lock as lock_module
from core.runs.lock import hold, is_held
from tests.unit.runs.setups import eventually

HOLDER = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "lock"


def test_a_lock_that_nobody_made_is_free(path: Path) -> None:
    assert not is_held(path)
    assert not path.exists(), "a look leaves nothing behind"


def test_a_lock_brings_no_deleted_folder_back(path: Path) -> None:
    path.parent.rmdir()
    with pytest.raises(NotFound), hold(path, busy="taken"):
        pytest.fail("held where nothing is")
    assert not path.parent.exists()


def test_it_is_held_within_the_block_and_free_after_it(path: Path) -> None:
    with hold(path, busy="taken"):
        assert is_held(path)
    assert not is_held(path)


def test_it_is_free_after_an_error(path: Path) -> None:
    with pytest.raises(RuntimeError), hold(path, busy="taken"):
        raise RuntimeError
    assert not is_held(path)


def test_the_same_process_cannot_hold_it_twice(path: Path) -> None:
    with hold(path, busy="taken"):
        with pytest.raises(Busy, match="taken"), hold(path, wait_s=0.05, busy="taken"):
            pytest.fail("held twice")
        assert is_held(path), "a failed attempt does not free it"


def test_another_process_keeps_it(path: Path) -> None:
    with held_by_another_process(path):
        assert is_held(path)
        with pytest.raises(Busy, match="taken"), hold(path, wait_s=0.05, busy="taken"):
            pytest.fail("held twice")


def test_a_killed_process_frees_it(path: Path) -> None:
    with held_by_another_process(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        eventually(lambda: not is_held(path), within_s=5)
        with hold(path, wait_s=1.0, busy="taken"):
            pass


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO])
def test_somebody_who_may_only_read_sees_whether_it_is_held(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Their attempt to have it is refused, as root's never is."""
    with held_by_another_process(path) as process:

        class Refused(lock_module.FileLock):
            def acquire(self, *_: object, **__: object) -> None:
                raise OSError(number, "refused")

        monkeypatch.setattr(lock_module, "FileLock", Refused)
        if number == errno.EIO:
            with pytest.raises(OSError, match="refused"):
                is_held(path)
            return
        assert is_held(path)
        process.kill()
        process.wait()
        eventually(lambda: not is_held(path), within_s=5)


def test_whoever_waits_gets_it_when_it_becomes_free(path: Path) -> None:
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        with hold(path, busy="taken"):
            begun.set()
            done.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(5)
    threading.Timer(0.1, done.set).start()
    with hold(path, wait_s=5.0, busy="taken"):
        assert done.is_set()
    thread.join()


def test_looks_do_not_get_into_the_way_of_holders(path: Path) -> None:
    """A page looks several times a second; a trainer that starts in that moment must get the lock."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_held(path)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with hold(path, busy="taken"):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_only_one_of_many_threads_holds_it(path: Path) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with hold(path, wait_s=30, busy="taken"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
