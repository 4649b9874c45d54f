"""Crash points, enumerated: `python -m tests.faults.points [--every N] [SCENARIO ...]`.

A scenario is carried out again and again; the first time it fails at its first change of the disk, then
at its second, until it comes to its end. A point is what lies before a change, and for a write its
middle as well. Three faults:

- `kill`: the process is killed (a forked child, SIGKILL: nothing is cleaned up);
- `full`: the disk has no room from this point on;
- `broken`: this one change fails with an input/output error.
"""

import argparse
import errno
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import torch

from core.data import ImportOptions, Library, ShapesSource
from core.errors import PlateauError
from tests.faults.layer import GROWING, Change, Watcher, watched
from tests.faults.scenarios import ACTS, SHAKEN, TRAININGS, Place, Reported, Scenario
from tests.unit import tiny

Fault = Literal["kill", "full", "broken"]
FAULTS: tuple[Fault, ...] = ("kill", "full", "broken")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where thousands of runs are written: what a killed process leaves is the same in memory, and soon there."""


class _At(Watcher):
    """Does something at the n-th point."""

    def __init__(self, point: int) -> None:
        self.left, self.reached = point, ""

    def before(self, change: Change) -> None:
        for half in (False, True) if change.kind == "write" else (False,):
            self.left -= 1
            if self.left == 0:
                self.reached = f"{change.kind} {'half ' if half else ''}{change.path.name}"
                if half:
                    change.half()
                self.act(change)

    def act(self, change: Change) -> None:
        raise NotImplementedError


class _Kill(_At):
    def act(self, change: Change) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class _Full(_At):
    """No room any more, from this point to the end."""

    def before(self, change: Change) -> None:
        if self.left <= 0 and change.kind in GROWING:
            self.act(change)
        super().before(change)

    def act(self, change: Change) -> None:
        if change.kind in GROWING:
            raise OSError(errno.ENOSPC, "No space left on device", str(change.path))


class _Broken(_At):
    def act(self, change: Change) -> None:
        raise OSError(errno.EIO, "Input/output error", str(change.path))


@dataclass
class Figures:
    """What an enumeration went through."""

    points: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def fork(work: Callable[[Callable[[str, int], None]], None]) -> tuple[int, Reported]:
    """Do the work in a child; its wait status, and what it reported before its end."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            work(lambda what, number: void(os.write(writing, f"{what} {number}\n".encode())))
            code = 0
        except BaseException as error:  # noqa: BLE001  nothing of the parent may run in its child
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = [line.rsplit(" ", 1) for line in pipe if line.endswith("\n")]
    return os.waitpid(child, 0)[1], {what: int(number) for what, number in lines}


def void(_: object) -> None:
    """For a call whose result is of no use."""


@contextmanager
def workplace(library: Library) -> Iterator[Callable[[str], Place]]:
    """Gives places by name, all of them in one temporary folder that goes in the end."""
    folder = Path(tempfile.mkdtemp(prefix="plateau-faults-", dir=MEMORY))
    try:
        yield lambda name: Place(folder / name, library)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def small_library(folder: Path) -> Library:
    """24 drawn shapes in 2 classes."""
    library = Library(folder)
    library.import_dataset(ShapesSource(classes=2, images=24, image_size=28), tiny.DATASET, ImportOptions())
    return library


def one_point(scenario: Scenario, place: Place, fault: Fault, point: int) -> tuple[bool, str, Reported]:
    """Carry the scenario out with a fault at this point: whether it was reached, where, what was said."""
    if fault == "kill":
        marks = place.folder / "reached"
        watcher = _Kill(point)

        def work(report: Callable[[str, int], None]) -> None:
            with watched(place.folder, watcher):
                scenario.act(place, report)

        status, reported = fork(work)
        assert not marks.exists()
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"point {point}: the child fell"
        return os.WIFSIGNALED(status), f"point {point}", reported
    said: Reported = {}
    failing = _Full(point) if fault == "full" else _Broken(point)
    try:
        with watched(place.folder, failing):
            scenario.act(place, said.__setitem__)
    except (OSError, PlateauError):
        pass
    return bool(failing.reached), failing.reached, said


def enumerate_points(
    scenario: Scenario,
    library: Library,
    fault: Fault,
    points: Iterable[int] | None = None,
    seen: Callable[[int, str], None] = lambda point, where: None,
) -> Figures:
    """Every point of `points` (all of them by default) until the scenario completes without a fault.

    Raises AssertionError where something does not hold.
    """
    began, figures = time.monotonic(), Figures()
    with workplace(library) as place, tiny.quick_collections():
        template = place("template")
        scenario.prepare(template)
        whole = _copy(template, place("whole"))
        scenario.act(whole, lambda what, number: None)
        expected = scenario.settle(whole, {})
        for point in points or count(1):
            here = _copy(template, place(f"at-{point}"))
            reached, where, reported = one_point(scenario, here, fault, point)
            try:
                found = scenario.settle(here, reported)
                assert found == expected, "the end differs from that of an uninterrupted run"
            except Exception as error:
                raise AssertionError(f"{scenario.name}, {fault} at {point} ({where}): {error!r}") from error
            shutil.rmtree(here.folder)
            if not reached:
                break
            figures.points += 1
            figures.kinds[where.split(" ")[0]] += 1
            seen(point, where)
    figures.seconds = time.monotonic() - began
    return figures


def _copy(template: Place, place: Place) -> Place:
    shutil.copytree(template.folder, place.folder, symlinks=True)
    return place


def main(arguments: list[str]) -> None:
    """Print one line per scenario and fault."""
    parser = argparse.ArgumentParser(description="fail at every change of the disk in turn")
    parser.add_argument("scenarios", nargs="*", help="names; all of them by default")
    parser.add_argument("--every", type=int, default=1, help="try each N-th point only")
    parser.add_argument("--fault", choices=FAULTS, action="append")
    chosen = parser.parse_args(arguments)
    known = {scenario.name for scenario in (*TRAININGS, *SHAKEN, *ACTS)}
    if unknown := set(chosen.scenarios) - known:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    torch.set_num_threads(1)
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        library = small_library(Path(folder))
        for scenario in (*TRAININGS, *SHAKEN, *ACTS):
            if chosen.scenarios and scenario.name not in chosen.scenarios:
                continue
            for fault in chosen.fault or FAULTS:
                figures = enumerate_points(scenario, library, fault, count(1, chosen.every))
                total += figures.points
                sys.stdout.write(
                    f"{scenario.name:24}{fault:8}{figures.points:5} points{figures.seconds:7.1f} s\n"
                )
                sys.stdout.flush()
    sys.stdout.write(f"{total} points, nothing lost\n")


if __name__ == "__main__":
    main(sys.argv[1:])
