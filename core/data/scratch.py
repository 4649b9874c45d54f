"""A folder for work in between. It goes when the work is done; where the process was killed, the next one
that needs such a folder removes it, and so does the app's start. A lock in each tells which are in use."""

import os
import shutil
import stat
import tempfile
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

_PREFIX = "plateau-scratch-"
_LOCK = "lock"


class Scratch:
    """An empty folder in the system's folder for temporary files, until it is closed."""

    def __init__(self) -> None:
        clear_scratch()
        self._home, self._lock = _locked_folder()
        self.folder = self._home / "work"
        self.folder.mkdir()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, kind: type[BaseException] | None, error: object, where: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        shutil.rmtree(self._home, ignore_errors=True)


def clear_scratch() -> None:
    """Remove what killed processes left."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Anybody may put something there; what is one's own nobody else can change.
        if not _own_folder(home):
            continue
        lock = FileLock(home / _LOCK, timeout=0)
        try:
            lock.acquire()
        except (Timeout, OSError):
            continue
        shutil.rmtree(home, ignore_errors=True)
        lock.release()


def _locked_folder() -> tuple[Path, FileLock]:
    """A new folder whose lock is held; another one where somebody took it for a left one before that."""
    while True:
        home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = FileLock(home / _LOCK, timeout=0)
        try:
            lock.acquire()
        except (Timeout, FileNotFoundError):
            continue
        if (home / _LOCK).exists():
            return home, lock
        lock.release()


def _own_folder(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())
