"""What watches one fuzzing case: the time it takes, and every file that it touches."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SECRET = "fuzz-secret"
"""What files are called that no case may read; names that lead to them are among the hostile ones."""

_CHANGES = {
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
}
"""Events of Python's audit hooks that change a file: which arguments are a path, and the descriptor of
the folder that it is in."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class TooSlow(BaseException):
    """A case took longer than it may. No `except Exception` holds it."""


class Escaped(BaseException):
    """A case changed a file outside of its folder, or read one that it must not know."""


class _Watch:
    """An audit hook cannot be taken back, so one stays for good and looks only while it has a root."""

    def __init__(self) -> None:
        self.root = ""
        self.installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.root:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):
                return
            if flags & _WRITING:
                self._check(path, "written")
            elif SECRET in os.fsdecode(path):
                raise Escaped(f"{os.fsdecode(path)!r} was read")
        elif event in _CHANGES:
            for at, folder_at in _CHANGES[event]:
                self._check(arguments[at], event, -1 if folder_at is None else arguments[folder_at])

    def _check(self, path: Any, what: str, folder: int = -1) -> None:
        if isinstance(path, int):
            return
        base = Path(f"/proc/self/fd/{folder}").readlink() if folder >= 0 else Path()
        real = os.path.realpath(base / os.fsdecode(path))
        if real != self.root and not real.startswith(self.root + os.sep):
            raise Escaped(f"{real!r} is outside of the case's folder ({what})")


_watch = _Watch()


@contextmanager
def kept_inside(root: Path) -> Iterator[None]:
    """Let nothing be written outside of `root` by this process. Raises Escaped where it is tried."""
    if not _watch.installed:
        sys.addaudithook(_watch)
        _watch.installed = True
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watch.root = str(root.resolve())
    try:
        yield
    finally:
        _watch.root = ""
        sys.dont_write_bytecode = bytecode


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlow out of whatever runs when the time is over."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
