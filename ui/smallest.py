"""How small a difference the images can show at all: the sentence beside every comparison.

What it is computed with brings scipy along, and is imported when the first sentence is made.
"""

import statistics
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from core.insight.outcomes import comparable
from core.runs import RunEntry, Status
from ui.overfit_marks import images_behind

if TYPE_CHECKING:
    from core.insight.significance import Paired

MOST_SPLITS = 3
"""Of more val splits in one list those with the most runs are told."""
SMALLEST_OF_TWO = "Two runs that agree on most images can show less: their verdict says how little."
"""What belongs beside `smallest_of_splits`."""
_TRIES = 3
"""Runs of a split that are asked how many val images it has."""


def smallest_seen(found: "Paired", split: str = "val") -> str:
    """Of two networks that were compared on the images of a split: by the images that they disagree on."""
    from core.insight.significance import smallest_difference
    from core.insight.verdict_words import smallest_sentence

    changed = found.only_before + found.only_after
    smallest = smallest_difference(found.n, changed=changed)
    return smallest_sentence(smallest, found.n, changed=changed, split=split)


@lru_cache(maxsize=500)
def smallest_expected(images: int | None, accuracy: float | None) -> str:
    """Before any two networks were compared: by their accuracy. '' where it or the number of val images is
    not known."""
    if not images or accuracy is None:
        return ""
    from core.insight.verdict import smallest_by_accuracy

    return smallest_by_accuracy(images, accuracy)


def smallest_between(before: RunEntry, after: RunEntry) -> str:
    """Of two runs, as their verdict has it; without answers for single images what can be expected. '' where
    the two are not compared."""
    if before.status is None or after.status is None or comparable(before.status, after.status):
        return ""
    from core.insight.verdict import judge

    said = judge([before], [after]).smallest_sentence
    best = after.status.best
    return said or smallest_expected(images_behind(after.run, after.status), best and best.val_accuracy)


def smallest_of_splits(entries: Sequence[RunEntry]) -> list[str]:
    """For each val split on which several of these runs were judged, what can be expected at the middle of
    their best accuracies; with the data set's name where there are several splits."""
    judged: dict[tuple[str, str], list[tuple[RunEntry, Status, float]]] = {}
    for entry in entries:
        if (status := entry.status) and status.best:
            split = (status.dataset_fingerprint, status.split_fingerprint)
            judged.setdefault(split, []).append((entry, status, status.best.val_accuracy))
    several = sorted((runs for runs in judged.values() if len(runs) > 1), key=len, reverse=True)
    told = []
    for runs in several[:MOST_SPLITS]:
        known = (images_behind(entry.run, status) for entry, status, _ in runs[:_TRIES])
        accuracy = statistics.median(value for _, _, value in runs)
        if said := smallest_expected(next(filter(None, known), None), accuracy):
            told.append(f"{runs[0][1].dataset}: {said}" if len(several) > 1 else said)
    return told
