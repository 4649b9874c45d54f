"""Runs of one recipe on one data set that differ by their seed: a group of repeats.

What a group says of its recipe comes from whole trainings only, and from each seed once: the best of
three epochs is not the best of forty, and a seed trained twice shows nothing that once did not.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.insight.parents import age
from core.runs.names import name_without_seed
from core.runs.repeat import group_key, seed_of
from core.runs.run import RunEntry
from core.runs.status import ACTIVE

SEEDS_NEEDED = 3
"""Seeds on each side before anything is said of a setting: below that their spread is a guess."""


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed alone, in the order in which they were given; perhaps only one."""

    key: str
    """The same for the same group, whatever else is listed."""
    entries: tuple[RunEntry, ...]

    @property
    def first(self) -> RunEntry:
        """The run that was made first, which the others usually repeat."""
        return min(self.entries, key=age)

    @property
    def name(self) -> str:
        """A run's own name; several go by the name of the first that can be read, without its seed."""
        readable = [entry for entry in self.entries if entry.status]
        name = min(readable or self.entries, key=age).name
        return name if len(self.entries) == 1 else name_without_seed(name)

    @cached_property
    def counted(self) -> tuple[RunEntry, ...]:
        """The runs behind mean and spread: those that are done, one per seed, the oldest of each."""
        by_seed: dict[int | str, RunEntry] = {}
        for entry in sorted(self.entries, key=age):
            if is_done(entry):
                by_seed.setdefault(_seed(entry), entry)
        chosen = {entry.id for entry in by_seed.values()}
        return tuple(entry for entry in self.entries if entry.id in chosen)

    @property
    def n(self) -> int:
        """How many seeds are behind `mean` and `spread`; at most as many as there are entries."""
        return len(self.counted)

    @property
    def expected(self) -> int:
        """How many seeds count, or will once what waits or trains is done."""
        to_come = ("queued", *ACTIVE)
        return len({_seed(entry) for entry in self.entries if is_done(entry) or entry.state in to_come})

    @property
    def mean(self) -> float | None:
        """Of the best val accuracies; None while no run is done."""
        return statistics.fmean(self._accuracies) if self.counted else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation of the best val accuracies; None for n < 2."""
        return statistics.stdev(self._accuracies) if self.n > 1 else None

    @property
    def _accuracies(self) -> list[float]:
        return [
            entry.status.best.val_accuracy for entry in self.counted if entry.status and entry.status.best
        ]


def _seed(entry: RunEntry) -> int | str:
    """A run whose seed cannot be read has one of its own."""
    seed = seed_of(entry)
    return entry.id if seed is None else seed


def groups(entries: Sequence[RunEntry]) -> list[Group]:
    """The entries by group, each group where its first entry stands.

    Which belong together says core.runs.repeat.group_key; a damaged run is a group of its own.
    """
    found: dict[str, list[RunEntry]] = {}
    for entry in entries:
        found.setdefault(group_key(entry), []).append(entry)
    return [Group(key, tuple(members)) for key, members in found.items()]


ENDED_EARLY = {"stopped": "was stopped", "interrupted": "was interrupted", "failed": "failed"}
"""What is said of a run that ended before its last epoch."""


def is_done(entry: RunEntry) -> bool:
    """Whether all epochs that were asked for are done, and val was measured."""
    status = entry.status
    return status is not None and status.best is not None and status.epoch >= status.epochs
