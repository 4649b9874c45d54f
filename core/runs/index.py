"""All runs of a folder, where only what changed since the last look is read again.

A run's files are replaced in one step, which changes their folder: one look at it tells that nothing
was. A file whose inode, times and size are the same holds what it held. Times are coarse: what changed
in the last moments is read again all the same. Nothing of a run lives here alone: an index that is
dropped costs the next listing its reading, no more.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from core.errors import Damaged, PlateauError
from core.recipe import flatten
from core.runs.run import RUN_ID, Notes, Run, RunEntry
from core.runs.status import ACTIVE, read_status

Stamp = tuple[int, int, int, int] | None
"""A file's inode, modification and change times in ns, and size in bytes; None where there is none."""

WATCHED = ("status.json", "notes.json", "evaluations.json", "recipe.json")
"""What a list shows of a run. The evaluations are not read here; that they changed is told."""
SETTLED_NS = 2_000_000_000
"""A file system's times tick every few ms, a few systems' every 2 s: younger files count as changed."""
LOOK_AGAIN_NS = 10_000_000_000
"""An editor may write into a file in place, which its folder does not show: after so long all files are
looked at again."""

_numbers = count(1)
"""Numbers of all indexes together, so that no two listings share a version."""


@dataclass(frozen=True)
class Listing:
    """Every run, newest first. Statuses and notes are shared between threads: not to be changed."""

    entries: tuple[RunEntry, ...]
    revisions: Mapping[str, int]
    """Per run's id a number that is another one when anything that a list shows of it changed."""
    version: int
    """Another number whenever any run changed, came or went."""


@dataclass
class _Known:
    folder: Stamp
    """None where it changed in the last moments."""
    stamps: tuple[Stamp, ...]
    looked_ns: int
    """When the files themselves were looked at last."""
    entry: RunEntry
    settled: bool
    revision: int


class RunIndex:
    """The listing of one folder of runs. Threads may share one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._settings: dict[str, tuple[Stamp, Mapping[str, Any] | None]] = {}
        self._last: Listing | None = None

    def listing(self) -> Listing:
        """Every run as it is now. A damaged one says so and hides no other.

        Files are looked at each time, read where they changed. Of a run that says it is training the
        lock is tried each time, for a process that is gone changes no file.
        """
        with self._lock:
            before = self._known
            self._known = {name: self._look(name, before.get(name)) for name in self._names()}
            revisions = {name: known.revision for name, known in self._known.items()}
            if self._last is None or revisions != self._last.revisions:
                for gone in before.keys() - self._known.keys():
                    self._settings.pop(gone, None)
                entries = tuple(known.entry for known in self._known.values())
                self._last = Listing(entries, revisions, next(_numbers))
            return self._last

    def find(self, ids: Iterable[str]) -> dict[str, RunEntry]:
        """Those of these runs that there are, as they are now, by their ids: a look at few folders, for what
        cannot wait for a look at all."""
        found = {}
        with self._lock:
            for name in ids:
                path = self.folder / name
                if RUN_ID.fullmatch(name) and (path.is_dir() or path.is_symlink()):
                    known = self._known[name] = self._look(name, self._known.get(name))
                    found[name] = known.entry
        return found

    def settings(self, runs: Iterable[Run]) -> dict[str, Mapping[str, Any]]:
        """The settings of each run as `flatten` gives them, by its id; without those whose recipe
        cannot be read. A recipe is never changed, and so read once."""
        found = {}
        with self._lock:
            for run in runs:
                stamp = _stamp(f"{run.folder}/recipe.json")
                known = self._settings.get(run.id)
                if known is None or known[0] != stamp:
                    known = self._settings[run.id] = (stamp, _read_settings(run))
                if known[1] is not None:
                    found[run.id] = known[1]
        return found

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as found:
                names = [
                    item.name
                    for item in found
                    # A link is not followed, and its entry says so.
                    if RUN_ID.fullmatch(item.name)
                    and (item.is_dir(follow_symlinks=False) or item.is_symlink())
                ]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(names, reverse=True)

    def _look(self, name: str, known: _Known | None) -> _Known:
        """The run as it is now: what is known of it where no file changed, else read."""
        path = f"{self.folder}/{name}"
        now_ns = time.time_ns()
        folder = _stamp(path)
        just_looked = known is not None and 0 <= now_ns - known.looked_ns < LOOK_AGAIN_NS
        if known and known.settled and just_looked and folder and folder == known.folder:
            return known
        if not _are_settled(now_ns, folder):
            folder = None
        stamps = tuple(_stamp(f"{path}/{file}") for file in WATCHED)
        if known and known.settled and stamps == known.stamps:
            return replace(known, folder=folder, looked_ns=now_ns)
        entry = read_entry(known.entry.run if known else Run(self.folder / name))
        settled = _are_settled(now_ns, *stamps) and _stays(entry)
        if known and stamps[2] == known.stamps[2] and entry == known.entry:
            return _Known(folder, stamps, now_ns, known.entry, settled, known.revision)
        return _Known(folder, stamps, now_ns, entry, settled, next(_numbers))


def read_entry(run: Run) -> RunEntry:
    """The run as a list shows it, read from its folder."""
    status = None
    try:
        status = run.status()
        run.check_recipe(status)
        notes, unread = run.read_notes()
        return RunEntry(run, notes, status, lost=tuple(filter(None, (unread, run.read_looks()[1]))))
    except Damaged as error:
        notes = Notes() if run.folder.is_symlink() else run.notes()
        return RunEntry(run, notes, status, damaged=str(error))
    except OSError as error:
        sentence = f"Run {run.id} cannot be read: {error.strerror or error}."
        return RunEntry(run, Notes(), None, damaged=sentence)


def _stays(entry: RunEntry) -> bool:
    """Whether a run stays as it reads while its files do: not where a lock decides, whose holder may
    end without a word, and not where a file could not be read."""
    if entry.status is None or entry.status.state in ACTIVE:
        return False
    # Told so by its own trainer, or taken for it since nobody holds its lock?
    return entry.status.state != "interrupted" or _stored_state(entry.run) == "interrupted"


def _stored_state(run: Run) -> str:
    try:
        return read_status(run.folder).state
    except (Damaged, OSError):
        return ""


def _are_settled(now_ns: int, *stamps: Stamp) -> bool:
    """Whether all of these changed long enough ago for another change to show."""
    return all(stamp is None or now_ns - max(stamp[1], stamp[2]) > SETTLED_NS for stamp in stamps)


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path for each of some thousand files takes as long again)
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _read_settings(run: Run) -> Mapping[str, Any] | None:
    try:
        # A thousand runs have the same hundred paths: one string each for all of them.
        return {sys.intern(path): value for path, value in flatten(run.recipe()).items()}
    except (PlateauError, OSError):
        return None
