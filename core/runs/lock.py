"""Whoever holds a run's lock owns it: only the owner writes status.json, rows and checkpoints.

The lock is the operating system's (flock): it is gone when its process is, however that ended, so
it says whether a run is alive. Process ids and clocks do not.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import Busy, NotFound


@contextmanager
def hold(path: Path, *, wait_s: float = 2.0, busy: str) -> Iterator[None]:
    """Hold the lock at `path`. Raises Busy with the sentence `busy` if it stays taken, NotFound where
    its folder does not exist: a lock must not bring a deleted run back.

    The short wait is for those who only look whether it is held.
    """
    lock = FileLock(path, thread_local=False)
    try:
        if path.parent.is_dir():
            lock.acquire(timeout=wait_s, poll_interval=0.02)
    except Timeout as error:
        raise Busy(busy) from error
    if not lock.is_locked:
        raise NotFound(f"There is no {path.parent.name!r} any more.")
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock, in this process or another."""
    if not path.exists():
        return False
    for attempt in range(2):
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            # Perhaps only another look, which is over in a moment.
            if attempt == 0:
                time.sleep(0.005)
            continue
        except OSError as error:
            if os.name != "posix" or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            return _is_held_by_a_writer(path)
        lock.release()
        return False
    return True


def _is_held_by_a_writer(path: Path) -> bool:
    """The same for somebody who may only read the folder: a shared lock needs no more."""
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
