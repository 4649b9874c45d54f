"""Is a difference between two runs, or two groups of repeats, real? The verdict, in words and figures.

One rule decides: 'better' or 'worse' is said where the 95 % interval of the difference leaves out 0, which
is where p < 0.05; everything else is 'open'. Methods, assumptions and sources: docs/insight.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.errors import Damaged, NotFound
from core.insight import verdict_words as say
from core.insight.outcomes import Outcomes, comparable, val_outcomes
from core.insight.repeats import ENDED_EARLY, Group, is_done
from core.insight.seeds import SEEDS_NEEDED, Joined, over_images, over_seeds
from core.insight.significance import Paired, paired, smallest_difference
from core.runs.repeat import group_key
from core.runs.run import RunEntry, no_such_run

Kind = Literal["better", "worse", "open", "incomparable"]


@dataclass(frozen=True)
class Verdict:
    """What a comparison says; differences are after - before, fractions of 1."""

    kind: Kind
    sentence: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str = ""
    images: int = 0
    seeds: tuple[int, int] = (0, 0)
    """Runs that were counted, before and after."""
    smallest: float | None = None
    """The least difference that can be told from chance here."""
    smallest_sentence: str = ""
    scope: Literal["", "networks", "setting"] = ""
    """What it speaks of: these very networks on images of this kind, or their settings whatever the seed."""
    only_before: int | None = None
    """Images that only the run before has right; None where a side has several."""
    only_after: int | None = None
    repeats: bool = False
    """Whether both sides have the same settings, so that only chance can differ."""


@dataclass(frozen=True)
class _Side:
    entries: tuple[RunEntry, ...]
    hits: np.ndarray  # (runs, n) bool
    labels: np.ndarray  # (n,) int64, -1 where unknown
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return Group("", self.entries).name


class _NoVerdict(Exception):
    """Ends a comparison early, with what is said instead."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.verdict = Verdict(kind, sentence)


def judge(before: Sequence[RunEntry], after: Sequence[RunEntry]) -> Verdict:
    """Compare two runs, or two groups of repeats of one recipe each, on their shared val images.

    Each side is taken at its best val epoch. Of several runs on a side those count that are done, one per
    seed; from three on both sides on the verdict is about the settings. Nothing is raised: what stands
    in the way becomes an 'open' or 'incomparable' verdict with its sentence.
    """
    try:
        _check(before, after)
        sides = _side(before), _side(after)
        _check_images(*sides)
        return _compared(*sides)
    except _NoVerdict as end:
        return end.verdict


def _check(before: Sequence[RunEntry], after: Sequence[RunEntry]) -> None:
    """Whether these runs may be compared at all."""
    if not before or not after:
        raise _NoVerdict("incomparable", "Not compared: one side has no run.")
    for entry in {entry.id for entry in before} & {entry.id for entry in after}:
        raise _NoVerdict("incomparable", f"Not compared: run {entry} stands on both sides.")
    statuses = []
    for side in (before, after):
        readable = [entry for entry in side if entry.status is not None]
        if not readable:
            gone = not side[0].run.folder.is_dir()
            why = no_such_run(side[0].id) if gone else side[0].damaged
            raise _NoVerdict("incomparable", f"Not compared: {why}")
        if len({group_key(entry) for entry in readable}) > 1:
            raise _NoVerdict(
                "incomparable",
                "Not compared: the runs of one side are no repeats of one recipe on the same images, so "
                "their mean says nothing of a setting.",
            )
        statuses.append(readable[0].status)
    first, second = statuses
    apart = comparable(first, second) if first and second else ""
    if apart:
        raise _NoVerdict("incomparable", apart)


def _side(entries: Sequence[RunEntry]) -> _Side:
    """The runs of a side that count, with their answers."""
    notes: list[str] = []
    chosen = tuple(entries) if len(entries) == 1 else Group("", tuple(entries)).counted
    if not chosen:
        name = Group("", tuple(entries)).name
        raise _NoVerdict("open", f"None of the {len(entries)} runs of '{name}' is done yet.")
    found: list[tuple[RunEntry, Outcomes]] = []
    problems: list[str] = []
    for entry in chosen:
        if entry.status is None or entry.status.best is None:
            raise _NoVerdict("open", f"'{entry.name}' has no whole epoch yet: there is nothing to judge.")
        try:
            found.append((entry, val_outcomes(entry.run)))
        except (NotFound, Damaged) as error:
            problems.append(str(error))
    if not found:
        raise _NoVerdict("incomparable", f"Not compared: {problems[0]}")
    if len(found) < len(entries):
        notes.append(_left_out(entries, len(found), problems))
    if len({len(outcomes.predicted) for _, outcomes in found}) > 1:
        raise _NoVerdict("incomparable", _OTHER_NUMBER)
    labels = found[0][1].labels
    return _Side(
        entries=tuple(entry for entry, _ in found),
        hits=np.stack([outcomes.hits for _, outcomes in found]),
        labels=labels,
        notes=tuple(notes),
    )


_OTHER_NUMBER = "Not compared: these runs answered for different numbers of val images."


def _left_out(entries: Sequence[RunEntry], used: int, problems: Sequence[str]) -> str:
    undone = sum(not is_done(entry) for entry in entries)
    why = []
    if undone:
        why.append(f"{undone} not done")
    if problems:
        why.append(f"{len(problems)} without answers that can be read")
    twice = len(entries) - used - undone - len(problems)
    if twice:
        why.append(f"{twice} with a seed that counts already")
    name = Group("", tuple(entries)).name
    return f"Of the {len(entries)} runs of '{name}', {used} count ({', '.join(why)})."


def _check_images(before: _Side, after: _Side) -> None:
    if before.hits.shape[1] != after.hits.shape[1]:
        raise _NoVerdict("incomparable", _OTHER_NUMBER)
    known = (before.labels >= 0) & (after.labels >= 0)
    if (before.labels != after.labels)[known].any():
        raise _NoVerdict(
            "incomparable", "Not compared: the true classes of the val images are not the same in both runs."
        )
    if before.hits.shape[1] < 2 and len(before.hits) + len(after.hits) > 2:
        raise _NoVerdict("open", say.one_image())


def _compared(before: _Side, after: _Side) -> Verdict:
    seeds = (len(before.hits), len(after.hits))
    same = group_key(before.entries[0]) == group_key(after.entries[0])
    names = _names(before, after)
    images = before.hits.shape[1]
    weigh = _one_each if seeds == (1, 1) else _several
    verdict, found = weigh(before, after, names, same)
    verdict = replace(verdict, images=images, seeds=seeds, repeats=same)
    waiting = [
        (entry, names[at], names[1 - at])
        for at, side in enumerate((before, after))
        for entry in side.entries
        if entry.state in ("queued", "running", "stopping")
    ]
    for entry, name, other in waiting[:1]:
        assert entry.status
        sentence = say.still_training(name, entry.status.epoch, entry.status.epochs, found, other)
        verdict = replace(verdict, kind="open", sentence=sentence)
    notes = [*before.notes, *after.notes]
    for side, name in zip((before, after), names, strict=True):
        if len(side.entries) == 1:
            notes += _unfinished(side.entries[0], name)
    return replace(verdict, sentence=" ".join([verdict.sentence, *notes]))


def _unfinished(entry: RunEntry, name: str) -> list[str]:
    status = entry.status
    if status is None or entry.state not in ENDED_EARLY or is_done(entry):
        return []
    how = ENDED_EARLY[entry.state]
    return [f"'{name}' {how} after epoch {status.epoch} of {status.epochs}; its best until then is compared."]


def _one_each(before: _Side, after: _Side, names: say.Names, same: bool) -> tuple[Verdict, Paired | Joined]:
    found = paired(before.hits[0], after.hits[0])
    changed = found.only_before + found.only_after
    smallest = smallest_difference(found.n, changed=changed)
    if before.hits.all() and after.hits.all():
        sentence = say.all_right_sentence(names, found.n)
    else:
        sentence = say.networks_sentence(found, names, (1, 1), same=same)
    verdict = Verdict(
        kind=kind_of(found),
        sentence=sentence,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        method=found.method,
        smallest=min(1.0, smallest.shown),
        smallest_sentence=say.smallest_sentence(smallest, found.n, changed=changed),
        scope="networks",
        only_before=found.only_before,
        only_after=found.only_after,
    )
    return verdict, found


def _several(before: _Side, after: _Side, names: say.Names, same: bool) -> tuple[Verdict, Paired | Joined]:
    seeds = (len(before.hits), len(after.hits))
    enough = min(seeds) >= SEEDS_NEEDED
    found = (over_seeds if enough else over_images)(before.hits, after.hits)
    if enough:
        sentence = say.setting_sentence(found, names, same=same)
        degrees = f"{found.degrees:.1f} degrees of freedom"
        method = f"Welch's t over seeds joined with the error of the val images, {degrees}"
    else:
        sentence = say.networks_sentence(found, names, seeds, same=same)
        method = "paired t over the val images of each image's mean difference"
    verdict = Verdict(
        kind=kind_of(found),
        sentence=sentence,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        method=method,
        smallest=min(1.0, found.smallest.shown),
        smallest_sentence=say.smallest_sentence(found.smallest, found.n, over=say.seeds_words(seeds)),
        scope="setting" if enough else "networks",
    )
    return verdict, found


def kind_of(found: Paired | Joined) -> Literal["better", "worse", "open"]:
    """The one rule: where the interval leaves out 0."""
    if found.low <= 0 <= found.high:
        return "open"
    return "better" if found.low > 0 else "worse"


def _names(before: _Side, after: _Side) -> say.Names:
    """What to call the sides; two of one name by the ends of their ids too."""
    names = before.name, after.name
    if names[0] != names[1]:
        return names
    ends = (min(entry.id for entry in side.entries)[-4:] for side in (before, after))
    first, second = (f"{name} ({end})" for name, end in zip(names, ends, strict=True))
    return first, second


def smallest_by_accuracy(images: int, accuracy: float) -> str:
    """What so many val images can show at this accuracy, before any two networks were compared on them."""
    return say.smallest_sentence(smallest_difference(images, accuracy), images)
