"""Pure functions over the rows of epochs.jsonl, as the pages draw them."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]

POINTS = 500
"""More points than this a curve on a page cannot show."""
CURVES = (
    "val/accuracy",
    "val/ema_accuracy",
    "train/accuracy",
    "train/clean_accuracy",
    "val/loss",
    "val/ema_loss",
    "train/loss",
    "train/clean_loss",
    "lr",
)
EXTREMES_OF = ("val/accuracy", "val/loss", "train/loss")
"""Curves whose peaks and dips a thinned curve keeps."""
BEND = 0.01
"""Share of the learning rate by which it must leave the straight line of its neighbours to count."""


def number(row: Row, key: str) -> float | None:
    """The value as a finite number, or None."""
    value = row.get(key)
    if type(value) is float:  # nearly always; thousands of them are asked for at a time
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def gaps(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Where a curve has a gap: per key, the epochs whose value is there but is no finite number."""
    found: dict[str, list[int]] = {}
    for row in rows:
        for key in CURVES:
            if row.get(key) is not None and number(row, key) is None:
                found.setdefault(key, []).append(row["epoch"])
    return found


def has_average(rows: Sequence[Row]) -> bool:
    """Whether the average of the weights (EMA) was evaluated in any of these epochs."""
    return any(number(row, "val/ema_accuracy") is not None for row in rows)


def overfit_gap(row: Row) -> float | None:
    """Clean train accuracy minus val accuracy; None where one of them is missing."""
    clean, val = number(row, "train/clean_accuracy"), number(row, "val/accuracy")
    return None if clean is None or val is None else clean - val


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row with the highest val accuracy, the first of equals; None where there is none."""
    return max(
        (row for row in rows if number(row, "val/accuracy") is not None),
        key=lambda row: row["val/accuracy"],
        default=None,
    )


def lr_changes(rows: Sequence[Row]) -> set[int]:
    """Positions at which the learning rate jumps or bends, and the ones just before.

    A step counts however small where the learning rate stood still before or after it. On a smooth
    curve (a cosine changes in every epoch) only what a straight line would miss counts.
    """
    lrs = [number(row, "lr") for row in rows]
    found: set[int] = set()
    for at in range(1, len(lrs)):
        here, before = lrs[at], lrs[at - 1]
        if here == before:
            continue
        if here is None or before is None:
            found |= {at - 1, at}
            continue
        still_before = at >= 2 and lrs[at - 2] == before
        still_after = at + 1 < len(lrs) and lrs[at + 1] == here
        if still_before or still_after:
            found |= {at - 1, at}
        if at + 1 < len(lrs):
            after = lrs[at + 1]
            if after is not None and abs(after - 2 * here + before) > BEND * max(after, here, before):
                found |= {at - 1, at, at + 1}
    return found


def thin(rows: Sequence[Row], limit: int = POINTS) -> list[Row]:
    """About `limit` rows that draw the same curves, in order.

    First, last and best row, every change of the learning rate (`lr_changes`), and in each stretch
    the rows with the highest and lowest accuracy and losses are kept, and where one of these is no
    finite number its gap with the rows around it. More than `limit` come back where more than that must
    be kept.
    """
    if len(rows) <= limit:
        return list(rows)
    keep = {0, len(rows) - 1} | lr_changes(rows)
    best = best_row(rows)
    if best is not None:
        keep.add(next(at for at, row in enumerate(rows) if row is best))
    per_stretch = 2 * len(EXTREMES_OF)
    stretches = max(1, (limit - len(keep)) // per_stretch)
    edges = [round(at * len(rows) / stretches) for at in range(stretches + 1)]
    for start, end in pairwise(edges):
        keep |= _extremes(rows, start, end)
    return [rows[at] for at in sorted(keep)]


def _extremes(rows: Sequence[Row], start: int, end: int) -> set[int]:
    """Where in rows[start:end] each of the curves is highest and lowest."""
    found: set[int] = set()
    for key in EXTREMES_OF:
        values = [(value, at) for at in range(start, end) if (value := number(rows[at], key)) is not None]
        if values:
            found |= {min(values)[1], max(values)[1]}
        if len(values) < end - start:
            found |= _gap_edges(rows, key, start, end)
    return found


def _gap_edges(rows: Sequence[Row], key: str, start: int, end: int) -> set[int]:
    """Where in rows[start:end] a value is there but no finite number: the first and the last of each such
    stretch, with the row beside it, so that no line is drawn across."""
    found: set[int] = set()
    for at in range(start, end):
        if rows[at].get(key) is None or number(rows[at], key) is not None:
            continue
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(rows) and number(rows[beside], key) is not None:
                found |= {at, beside}
    return found


def seconds_left(
    rows: Sequence[Row], *, done: int, epochs: int, inside: float, elapsed_s: float
) -> float | None:
    """Time to the end, from the last epochs' own times; None before anything can be said.

    `done` whole epochs of `epochs`, and the share `inside` of the one under way. In the first epoch
    the time since the start is all there is to go by.
    """
    left = epochs - done - inside
    recent = [value for row in rows[-5:] if (value := number(row, "seconds")) is not None]
    if recent:
        return max(0.0, left * statistics.median(recent))
    if done == 0 and inside > 0 and elapsed_s > 0:
        return max(0.0, left * elapsed_s / inside)
    return None
