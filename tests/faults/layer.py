"""A layer between a program and its disk: every change of a file below one folder passes through here,
where it is counted, fails, kills the process or is written down.

`watched(folder, watcher)` replaces the functions with which Python changes files (open, write, fsync,
rename, mkdir, unlink, rmdir, link).
"""

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

Kind = Literal["create", "write", "fsync", "rename", "mkdir", "remove", "link"]
KINDS: tuple[Kind, ...] = ("create", "write", "fsync", "rename", "mkdir", "remove", "link")
GROWING: tuple[Kind, ...] = ("create", "write", "fsync", "mkdir", "link")
"""What needs room on a disk."""


@dataclass(frozen=True)
class Change:
    """One change that is about to be made."""

    kind: Kind
    path: Path
    target: Path | None = None
    """The new name, in a rename or a link."""
    half: Callable[[], object] = lambda: None
    """Makes a part of the change, as a crash in its middle would leave it."""


class Watcher:
    """Sees every change; what `before` raises is raised where the change was asked for."""

    def before(self, change: Change) -> None:
        """Called ahead of a change."""

    def after(self, change: Change) -> None:
        """Called when it is made."""


@dataclass
class _Layer:
    folder: str
    watcher: Watcher

    def inside(self, path: Any) -> Path | None:
        """The path where it lies in the watched folder."""
        if isinstance(path, int) or path is None:
            return None
        text = os.path.abspath(os.fspath(path))  # noqa: PTH100  (a Path here would resolve links)
        return Path(text) if f"{text}{os.sep}".startswith(self.folder) else None

    def change(self, change: Change, real: Callable[[], Any]) -> Any:
        self.watcher.before(change)
        result = real()
        self.watcher.after(change)
        return result

    def simple(self, kind: Kind, real: Callable[..., Any]) -> Callable[..., Any]:
        """For functions whose first argument is the path that changes."""

        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            inside = self.inside(_with_folder(path, options.get("dir_fd")))
            if inside is None or (kind == "remove" and not os.path.lexists(inside)):
                return real(path, *arguments, **options)
            return self.change(Change(kind, inside), lambda: real(path, *arguments, **options))

        return call

    def renaming(self, kind: Kind, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, **options: Any) -> Any:
            inside = self.inside(source)
            if inside is None:
                return real(source, target, **options)
            change = Change(kind, inside, self.inside(target))
            return self.change(change, lambda: real(source, target, **options))

        return call

    def fsync(self, real: Callable[[int], None]) -> Callable[[Any], None]:
        def call(descriptor: Any) -> None:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            inside = self.inside(Path(f"/proc/self/fd/{number}").readlink())
            if inside is None:
                return real(descriptor)
            return self.change(Change("fsync", inside), lambda: real(descriptor))

        return call

    def open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            inside = self.inside(file) if set(mode) & set("wax+") else None
            if inside is None:
                return real(file, mode, *arguments, **options)
            opened = self.change(Change("create", inside), lambda: real(file, mode, *arguments, **options))
            return _File(opened, inside, self)

        return call

    def os_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, flags: int, *arguments: Any, **options: Any) -> Any:
            inside = self.inside(path) if flags & os.O_CREAT else None
            if inside is None or inside.exists():
                return real(path, flags, *arguments, **options)
            return self.change(Change("create", inside), lambda: real(path, flags, *arguments, **options))

        return call


class _File:
    """An open file whose writes are watched."""

    def __init__(self, file: Any, path: Path, layer: _Layer) -> None:
        self._file, self._path, self._layer = file, path, layer

    def write(self, data: Any) -> Any:
        def half() -> None:
            whole = data if isinstance(data, str) else bytes(memoryview(data).cast("B"))
            self._file.write(whole[: len(whole) // 2])
            self._file.flush()

        def flushed() -> Any:
            # At once, so that what was watched is what a killed process leaves.
            written = self._file.write(data)
            self._file.flush()
            return written

        return self._layer.change(Change("write", self._path, half=half), flushed)

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _with_folder(path: Any, descriptor: int | None) -> Any:
    """shutil.rmtree names files by an open folder."""
    if descriptor is None:
        return path
    return Path(f"/proc/self/fd/{descriptor}").readlink() / os.fsdecode(path)


@contextmanager
def watched(folder: Path, watcher: Watcher) -> Iterator[None]:
    """Within the block every change below `folder` goes through the watcher."""
    layer = _Layer(f"{folder.resolve()}{os.sep}", watcher)
    with ExitStack() as patches:

        def replace(owner: Any, name: str, new: Any) -> None:
            patches.enter_context(patch.object(owner, name, new))

        opening = layer.open(builtins.open)
        replace(os, "fsync", layer.fsync(os.fsync))
        replace(os, "open", layer.os_open(os.open))
        for name in ("rename", "replace"):
            replace(os, name, layer.renaming("rename", getattr(os, name)))
        replace(os, "link", layer.renaming("link", os.link))
        for name in ("unlink", "remove", "rmdir"):
            replace(os, name, layer.simple("remove", getattr(os, name)))
        replace(os, "mkdir", layer.simple("mkdir", os.mkdir))
        replace(builtins, "open", opening)
        replace(io, "open", opening)
        yield
