"""Power loss: what a disk may hold when the power goes, replayed: `python -m tests.faults.power [--mixes N]`.

A recorder writes down what a training changes and what it flushes. Before each change the power may go.
What was flushed (fsync of a file: its content; fsync of a folder: the names in it) is on the disk then;
of everything else any part may be: a content whole, old, empty, torn or zeros in its end, and of the
changed names in a folder any choice. That is more than a journaling file system allows itself, and all
that POSIX does.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import torch

from core.data import Library
from tests.faults.layer import Change, Watcher, watched
from tests.faults.points import Figures, small_library, workplace
from tests.faults.scenarios import ACTS, SHAKEN, TRAININGS, Place, Reported, Scenario, by_name
from tests.faults.setups import Outcome
from tests.unit import tiny

Loss = Literal["everything", "names", "contents", "nothing", "mixed"]
LOSSES: tuple[Loss, ...] = ("everything", "names", "contents", "nothing")
"""What of the unflushed is lost; 'mixed' draws it for each name and content."""


@dataclass(eq=False)
class _Node:
    """A file or folder, whatever it is called."""

    path: Path
    folder: bool
    content: bytes = b""
    flushed: bytes = b""
    stamp: tuple[int, int] = (0, 0)
    names: dict[str, "_Node"] = field(default_factory=dict)
    flushed_names: dict[str, "_Node"] = field(default_factory=dict)
    pending: list[tuple[str, "_Node | None"]] = field(default_factory=list)
    """Names that were given and taken since the last flush, in order; a rename is two in one."""


class Recorder(Watcher):
    """The tree below a folder, with what of it is flushed."""

    def __init__(self, folder: Path, lost: Callable[["Recorder", Change], None]) -> None:
        self.root, self.lost = self._scan(folder), lost
        self.folder = folder

    def _scan(self, path: Path) -> _Node:
        node = _Node(path, path.is_dir())
        if node.folder:
            node.names = {child.name: self._scan(child) for child in path.iterdir()}
            node.flushed_names = dict(node.names)
        else:
            node.content = node.flushed = path.read_bytes()
        return node

    def _node(self, path: Path) -> _Node:
        node = self.root
        for part in path.relative_to(self.folder).parts:
            node = node.names[part]
        return node

    def before(self, change: Change) -> None:
        """Here the power may go."""
        self.read(self.root)
        self.lost(self, change)

    def read(self, node: _Node) -> None:
        """Take in what was written since the last look."""
        if node.folder:
            for child in node.names.values():
                self.read(child)
            return
        found = node.path.stat()
        stamp = (found.st_size, found.st_mtime_ns)
        if stamp != node.stamp:
            node.stamp, node.content = stamp, node.path.read_bytes()

    def after(self, change: Change) -> None:
        """Keep the tree as the folder is now."""
        if change.kind == "fsync":
            self._flush(self._node(change.path))
            return
        folder = self._node(change.path.parent)
        name = change.path.name
        match change.kind:
            case "create" | "mkdir":
                if name not in folder.names:
                    self._give(folder, name, _Node(change.path, change.kind == "mkdir"))
            case "remove":
                self._take(folder, name)
            case "rename" | "link":
                assert change.target
                node = folder.names[name]
                if change.kind == "rename":
                    self._take(folder, name)
                    self._move(node, change.target)
                self._give(self._node(change.target.parent), change.target.name, node)

    def _give(self, folder: _Node, name: str, node: _Node) -> None:
        folder.names[name] = node
        folder.pending.append((name, node))

    def _take(self, folder: _Node, name: str) -> None:
        del folder.names[name]
        folder.pending.append((name, None))

    def _move(self, node: _Node, path: Path) -> None:
        node.path = path
        for name, child in node.names.items():
            self._move(child, path / name)

    def _flush(self, node: _Node) -> None:
        self.read(node)
        node.flushed = node.content
        node.flushed_names, node.pending = dict(node.names), []


def lay_out(node: _Node, path: Path, loss: Loss, rng: random.Random) -> None:
    """Write what the disk holds after the loss."""
    if not node.folder:
        path.write_bytes(_content(node, loss, rng))
        return
    path.mkdir()
    for name, child in _names(node, loss, rng).items():
        lay_out(child, path / name, loss, rng)


def _names(node: _Node, loss: Loss, rng: random.Random) -> dict[str, _Node]:
    if loss in ("contents", "nothing"):
        return node.names
    names = dict(node.flushed_names)
    if loss == "mixed":
        for name, child in node.pending:
            if rng.random() < 0.5:
                continue
            if child is None:
                names.pop(name, None)
            else:
                names[name] = child
    return names


def _content(node: _Node, loss: Loss, rng: random.Random) -> bytes:
    if loss in ("names", "nothing") or node.content == node.flushed:
        return node.content
    if loss in ("everything", "contents"):
        return node.flushed
    kept = len(node.flushed) if node.content.startswith(node.flushed) else 0
    torn = rng.randint(kept, len(node.content))
    zeros = bytes(len(node.content) - torn)
    return rng.choice((node.flushed, node.content, node.content[:torn], node.content[:torn] + zeros))


def lose_power(
    scenario: Scenario, library: Library, mixes: int = 3, every: int = 1, seed: int = 0
) -> Figures:
    """Let the power go before every `every`-th change, in each way of LOSSES and in `mixes` drawn ones.

    Raises AssertionError where something does not hold.
    """
    began, figures, rng = time.monotonic(), Figures(), random.Random(seed)
    reported: Reported = {}
    points = count()
    with workplace(library) as place, tiny.quick_collections():
        template = place("template")
        scenario.prepare(template)
        whole = place("whole")
        shutil.copytree(template.folder, whole.folder)
        scenario.act(whole, lambda what, number: None)
        expected = scenario.settle(whole, {})
        disks: list[tuple[Place, Reported, str]] = []

        def lost(recorder: Recorder, change: Change) -> None:
            point = next(points)
            if point % every:
                return
            figures.points += 1
            for number, loss in enumerate([*LOSSES, *["mixed"] * mixes]):
                disk = place(f"lost-{point}-{number}")
                lay_out(recorder.root, disk.folder, loss, rng)  # type: ignore[arg-type]
                where = f"before {change.kind} {change.path.name}, lost: {loss}"
                disks.append((disk, dict(reported), where))

        with watched(template.folder, Recorder(template.folder.resolve(), lost)):
            scenario.act(template, reported.__setitem__)
        for disk, known, where in _different(disks):
            try:
                found = scenario.settle(disk, known)
                if isinstance(found, Outcome) and isinstance(expected, Outcome):
                    found = found.without_more_than(expected)
                assert found == expected, "the end differs from that of an uninterrupted run"
            except Exception as error:
                raise AssertionError(f"{scenario.name}, {where}: {error!r}") from error
            figures.kinds[where.rsplit(" ", 1)[1]] += 1
    figures.seconds = time.monotonic() - began
    return figures


def _different(disks: list[tuple[Place, Reported, str]]) -> Iterator[tuple[Place, Reported, str]]:
    """Each disk once: many losses leave the same."""
    seen = set()
    for disk, known, where in disks:
        files = sorted(path for path in disk.folder.rglob("*"))
        key = tuple(
            (str(path.relative_to(disk.folder)), path.read_bytes() if path.is_file() else None)
            for path in files
        )
        told = tuple(sorted(known.items()))
        if hash((key, told)) not in seen:
            seen.add(hash((key, told)))
            yield disk, known, where
        shutil.rmtree(disk.folder, ignore_errors=True)


def main(arguments: list[str]) -> None:
    """Print one line per scenario."""
    parser = argparse.ArgumentParser(description="lose power before every change of the disk")
    parser.add_argument("scenarios", nargs="*", help="names; all of them by default")
    parser.add_argument("--mixes", type=int, default=10, help="drawn losses per point")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    disks = 0
    with tempfile.TemporaryDirectory() as folder:
        library = small_library(Path(folder))
        names = [scenario.name for scenario in (*TRAININGS, *SHAKEN, *ACTS)]
        for name in chosen.scenarios or names:
            figures = lose_power(by_name(name), library, chosen.mixes, chosen.every, chosen.seed)
            disks += sum(figures.kinds.values())
            sys.stdout.write(
                f"{name:24}{figures.points:5} points{sum(figures.kinds.values()):7} different disks"
                f"{figures.seconds:8.1f} s\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"{disks} disks, nothing acknowledged lost\n")


if __name__ == "__main__":
    main(sys.argv[1:])
