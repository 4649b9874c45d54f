"""Where a run's curves say that more training does not help: marks on the curves, a sentence each.

All of it is read off one run's own rows. 'Noise' is the sampling error of an accuracy measured on so
many images: one standard error, sqrt(a (1 - a) / n).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from core.errors import PlateauError
from core.insight.curves import CURVES, Row, number, overfit_gap
from core.runs.run import Run
from core.train import open_tensors
from core.words import lr, percent

MarkKind = Literal["gap", "levelled", "collapse", "missing"]

LABELS: dict[MarkKind, str] = {
    "gap": "gap opens",
    "levelled": "val levels off",
    "collapse": "lr collapsed",
    "missing": "no number",
}
"""What stands on the chart."""

GAP = 0.05
"""A gap of fewer points is not worth a mark, however little noise there is."""
NEAR_ZERO = 0.01
"""Share of its peak under which a learning rate counts as collapsed."""
TO_COME = 1 / 3
"""Share of the epochs that must be left for a collapse to be too early."""
IDLE_EPOCHS = 3
"""And so many epochs: a short schedule comes down to nothing in its last one, as it should."""
_LOSSES = tuple(key for key in CURVES if key.endswith("loss"))
LEVEL_EPOCHS = 3
LEVEL_SHARE = 0.1
"""So many epochs, and this share of all done, must follow before val counts as levelled off."""
Z = 1.96


@dataclass(frozen=True)
class Mark:
    """Something that begins at an epoch."""

    epoch: int
    kind: MarkKind
    sentence: str
    """'' where another one says it: what is missing from the curves is told curve by curve."""

    @property
    def label(self) -> str:
        return LABELS[self.kind]


def missing_mark(rows: Sequence[Row]) -> Mark | None:
    """Where a loss is no finite number for the first time; its curve has a gap there."""
    for row in rows:
        if any(row.get(key) is not None and number(row, key) is None for key in _LOSSES):
            return Mark(row["epoch"], "missing", "")
    return None


def overfit_marks(rows: Sequence[Row], val_images: int | None, epochs: int | None = None) -> list[Mark]:
    """What the curves say about overfitting, by epoch.

    `val_images` is how many images are behind an accuracy (clean train is measured on as many); where
    it is not known, only what needs no noise is said. `epochs` is how many were asked for; without it
    the last row's epoch is the end.
    """
    found = [
        _gap_opens(rows, val_images),
        _levels_off(rows, val_images),
        lr_collapse(rows, val_images, epochs),
    ]
    return sorted((mark for mark in found if mark is not None), key=lambda mark: mark.epoch)


def val_images(run: Run) -> int | None:
    """How many val images are behind the run's accuracies, from the stored answers of its best epoch;
    None where they cannot be read."""
    from safetensors import SafetensorError

    try:
        best = run.status().best
        if best is None:
            return None
        path = run.folder / "predictions" / f"val-{best.epoch:04d}.safetensors"
        with open_tensors(path, "np") as file:
            return int(file.get_slice("predicted").get_shape()[0])
    except (SafetensorError, OSError, PlateauError, IndexError):
        return None


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy measured on so many images: sqrt(a (1 - a) / n)."""
    share = min(1.0, max(0.0, accuracy))
    return math.sqrt(share * (1 - share) / images)


def gap_error(row: Row, images: int | None) -> float:
    """Standard error of the gap at an epoch: of a difference of two accuracies on different images; 0
    where it is not known."""
    clean, val = number(row, "train/clean_accuracy"), number(row, "val/accuracy")
    if clean is None or val is None or not images:
        return 0.0
    return math.hypot(standard_error(clean, images), standard_error(val, images))


def _gap_opens(rows: Sequence[Row], images: int | None) -> Mark | None:
    """The epoch from which on clean train stays ahead of val by more than noise and by 5 points."""
    known = [(row, gap) for row in rows if (gap := overfit_gap(row)) is not None]
    first = None
    for row, gap in reversed(known):
        if gap <= max(GAP, Z * gap_error(row, images)):
            break
        first = row
    if first is None:
        return None
    last, gap = known[-1]
    clean, val = percent(number(last, "train/clean_accuracy")), percent(number(last, "val/accuracy"))
    shares = f"clean train {clean}, val {val}"
    if first is last:
        said = f"At epoch {first['epoch']} clean train is ahead of val by {gap * 100:.1f} points ({shares})."
        return Mark(first["epoch"], "gap", said)
    begin = f"From epoch {first['epoch']} on clean train stays ahead of val:"
    grew = f"{(overfit_gap(first) or 0.0) * 100:.1f} points there, {gap * 100:.1f} at epoch {last['epoch']}"
    return Mark(first["epoch"], "gap", f"{begin} {grew} ({shares}).")


def _levels_off(rows: Sequence[Row], images: int | None) -> Mark | None:
    """The first epoch within one standard error of the best (the one-standard-error rule: Breiman et al.
    1984, Classification and Regression Trees), where enough epochs followed."""
    known = [(row["epoch"], value) for row in rows if (value := number(row, "val/accuracy")) is not None]
    if not images or len(known) < 2:
        return None
    best_epoch, best = max(known, key=lambda item: (item[1], -item[0]))
    noise = standard_error(best, images)
    first, level = next(item for item in known if item[1] >= best - noise)
    last = known[-1][0]
    if last - first < max(LEVEL_EPOCHS, LEVEL_SHARE * last):
        return None
    begin = f"Val stopped improving beyond noise at epoch {first} ({percent(level)}):"
    if first == best_epoch:
        return Mark(first, "levelled", f"{begin} no later epoch was better.")
    within = f"within one standard error ({noise * 100:.1f} points on {images:,} images)"
    best_words = f"the best, {percent(best)} at epoch {best_epoch}, is {within}"
    return Mark(first, "levelled", f"{begin} {best_words}.")


def lr_collapse(rows: Sequence[Row], images: int | None = None, epochs: int | None = None) -> Mark | None:
    """The epoch from which on the learning rate stays under 1 % of its peak, if that was too early: a
    third of the epochs (and 3 of them) was still to come, or the gap grew on by more than noise."""
    lrs = [(row, value) for row in rows if (value := number(row, "lr")) is not None]
    if not lrs:
        return None
    peaks = list(accumulate((value for _, value in lrs), max))
    at = len(lrs)
    while at > 0 and lrs[at - 1][1] < NEAR_ZERO * peaks[at - 1]:
        at -= 1
    if at == len(lrs):
        return None
    epoch, end = lrs[at][0]["epoch"], epochs or rows[-1]["epoch"]
    to_come, grown = end - epoch + 1, _growth(rows, epoch, images)
    begin = f"From epoch {epoch} on the learning rate is under 1 % of its peak of {lr(peaks[at])}"
    if to_come >= max(IDLE_EPOCHS, TO_COME * end):
        return Mark(epoch, "collapse", f"{begin}, with {to_come} of {end} epochs to come.")
    if grown is not None:
        return Mark(epoch, "collapse", f"{begin}, and the gap still grew by {grown * 100:.1f} points.")
    return None


def _growth(rows: Sequence[Row], epoch: int, images: int | None) -> float | None:
    """By how much the gap grew from an epoch to the end; None where that is no more than noise."""
    known = [(row, gap) for row in rows if row["epoch"] >= epoch and (gap := overfit_gap(row)) is not None]
    if len(known) < 2 or not images:
        return None
    grown = known[-1][1] - known[0][1]
    noise = math.hypot(gap_error(known[0][0], images), gap_error(known[-1][0], images))
    return grown if grown > Z * noise else None
