"""No change of the disk goes past the layer, in none of the scenarios that the crash points are made of."""

import builtins
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.data import Library
from tests.faults.layer import KINDS, Change, Watcher, watched
from tests.faults.scenarios import ACTS, SHAKEN, TRAININGS, Place, Scenario
from tests.unit import tiny

Named = tuple[str, tuple[str, ...]]
"""A kind of change, and the paths that it is about, those within the folder."""
AUDITED: dict[str, tuple[str, tuple[tuple[int, int | None], ...]]] = {
    "os.mkdir": ("mkdir", ((0, 2),)),
    "os.remove": ("remove", ((0, 1),)),
    "os.rmdir": ("remove", ((0, 1),)),
    "os.rename": ("rename", ((0, 2), (1, 3))),
    "os.link": ("link", ((0, 2), (1, 3))),
    "os.symlink": ("symlink", ((1, 2),)),
    "os.truncate": ("truncate", ((0, None),)),
    "os.chmod": ("chmod", ((0, 2),)),
    "os.utime": ("utime", ((0, 3),)),
}
"""Python's name of an event; ours; where among its arguments the paths and their folders' descriptors are.
Those of the last four kinds the layer doesn't know, so that any of them is one too many."""
PROCESSES = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")
"""Another process would not be watched."""


class Audit:
    """What Python's own audit tells of changes below a folder. A hook stays for good: there is one."""

    def __init__(self) -> None:
        self.folder, self.named = "", list[Named]()

    @contextmanager
    def listening(self, folder: Path) -> Iterator[None]:
        self.folder, self.named = f"{folder.resolve()}{os.sep}", []
        try:
            yield
        finally:
            self.folder = ""

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.folder:
            return
        if event in PROCESSES:
            self.named.append((event, ()))
        elif event == "open":
            self._opened(*arguments)
        elif event in AUDITED:
            kind, places = AUDITED[event]
            paths = [self._path(arguments[at], folder and arguments[folder]) for at, folder in places]
            if kind != "remove" or os.path.lexists(paths[0]):
                self._name(kind, paths)

    def _opened(self, path: object, mode: object, flags: object) -> None:
        assert isinstance(flags, int)
        there = self._path(path, None)
        created = flags & os.O_CREAT and not os.path.lexists(there)
        if set(mode) & set("wax+") if isinstance(mode, str) else created or flags & os.O_TRUNC:
            self._name("create", [there])

    def _name(self, kind: str, paths: list[str]) -> None:
        if inside := tuple(path for path in paths if path.startswith(self.folder)):
            self.named.append((kind, inside))

    def _path(self, path: object, descriptor: object) -> str:
        if isinstance(path, int):
            return os.fspath(Path(f"/proc/self/fd/{path}").readlink())
        text = os.fsdecode(path)  # type: ignore[arg-type]
        if isinstance(descriptor, int) and descriptor >= 0:
            text = os.fspath(Path(f"/proc/self/fd/{descriptor}").readlink() / text)
        return os.path.abspath(text)  # noqa: PTH100  (a Path here would resolve links)


class Seen(Watcher):
    """What the layer tells; and that between two of its changes the folder stays as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.changes = folder, list[Change]()
        self.tree = self.look()
        self.between: list[str] = []
        """After which changes the folder became another one; an error raised at once may be caught."""

    def look(self) -> dict[Path, tuple[int, ...]]:
        """Every path, and of the files also what changes with their content."""
        found = {}
        for path in self.folder.rglob("*"):
            stat = path.lstat()
            found[path] = (stat.st_ino, stat.st_size, stat.st_mtime_ns) if path.is_file() else (stat.st_ino,)
        return found

    def before(self, change: Change) -> None:
        self.compare()
        self.changes.append(change)

    def after(self, change: Change) -> None:
        self.tree = self.look()

    def compare(self) -> None:
        """Note where the folder is no longer as the last change left it."""
        if self.look() != self.tree:
            self.between.append(f"{self.changes[-1]}" if self.changes else "the beginning")

    def named(self) -> list[Named]:
        """The changes of which Python's audit tells too; of writes and flushes it does not."""
        return [
            (change.kind, tuple(str(path) for path in (change.path, change.target) if path))
            for change in self.changes
            if change.kind not in ("write", "fsync")
        ]


@pytest.fixture(scope="module")
def audit() -> Audit:
    made = Audit()
    sys.addaudithook(made)
    return made


def kinds_seen(folder: Path, audit: Audit, act: Callable[[], object]) -> set[str]:
    """Act, and raise AssertionError where a change is not seen; the kinds of those that are."""
    seen = Seen(folder.resolve())
    with audit.listening(folder), watched(folder, seen):
        act()
    seen.compare()
    assert not seen.between
    assert audit.named == seen.named()
    return {change.kind for change in seen.changes}


@pytest.mark.parametrize("scenario", (*TRAININGS, *SHAKEN, *ACTS), ids=lambda scenario: scenario.name)
def test_no_change_goes_past_the_layer(
    scenario: Scenario, tmp_path: Path, library: Library, audit: Audit
) -> None:
    """Python's own audit names what the layer names, path by path, and nothing changes in between."""
    place = Place(tmp_path / "place", library)
    with tiny.quick_collections():
        scenario.prepare(place)
        kinds = kinds_seen(place.folder, audit, lambda: scenario.act(place, lambda what, number: None))
    assert kinds == set(KINDS) if scenario.name == "train" else kinds and kinds <= set(KINDS)
    assert (builtins.open, io.open) == (open, open), "the layer is gone after the block"


UNSEEN = {name: getattr(os, name) for name in ("mkdir", "rename", "unlink")}
"""Python's own functions, which the layer replaces while it watches."""


def _write_by_number(file: Path) -> None:
    number = os.open(file, os.O_WRONLY)
    os.write(number, b"b")
    os.close(number)


def _remove_by_folder(file: Path) -> None:
    number = os.open(file.parent, os.O_RDONLY)
    UNSEEN["unlink"](file.name, dir_fd=number)
    os.close(number)


PAST: dict[str, Callable[[Path], object]] = {
    "a new folder": lambda file: UNSEEN["mkdir"](file.with_name("b")),
    "a rename": lambda file: UNSEEN["rename"](file, file.with_name("b")),
    "a rename out of the folder": lambda file: UNSEEN["rename"](file, file.parent.with_name("b")),
    "a removal by the folder's number": _remove_by_folder,
    "a write by the file's number": _write_by_number,
    "a link": lambda file: file.with_name("b").symlink_to(file),
    "a cut": lambda file: os.truncate(file, 0),
    "other rights": lambda file: file.chmod(0o600),
    "compiled code": lambda file: save_file({"a": np.zeros(1)}, file.with_name("b")),
    "another process": lambda file: subprocess.run(["true"], check=True),
}


@pytest.mark.parametrize("act", PAST.values(), ids=PAST.keys())
@pytest.mark.parametrize("then", [True, False], ids=["then a change that is seen", "then nothing"])
def test_a_change_past_the_layer_is_found(
    act: Callable[[Path], object], then: bool, tmp_path: Path, audit: Audit
) -> None:
    file = tmp_path / "folder" / "a"
    file.parent.mkdir()
    file.write_text("a")

    def acts() -> None:
        act(file)
        if then:
            file.with_name("c").write_text("c")

    with pytest.raises(AssertionError):
        kinds_seen(file.parent, audit, acts)
    assert kinds_seen(file.parent, audit, lambda: file.with_name("d").mkdir()) == {"mkdir"}
