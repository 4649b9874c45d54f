"""Pure functions over the rows of epochs.jsonl, as the pages draw them."""

import math
import statistics
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from core.runs.packed_rows import PackedRows, ReadRow

Row = ReadRow

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
    """The row's value as a finite number, or None."""
    return finite(row.get(key))


def finite(value: Any) -> float | None:
    """The value as a finite number, or None."""
    if type(value) is float:  # nearly always; thousands of them are asked for at a time
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def column(rows: Sequence[Row], key: str) -> Sequence[Any]:
    """The value of every row, None where a row has none."""
    return rows.column(key) if isinstance(rows, PackedRows) else [row.get(key) for row in rows]


def numbers(rows: Sequence[Row], key: str) -> Sequence[float | None]:
    """The value of every row as a finite number, or None."""
    values = column(rows, key)
    if isinstance(values, array) and all(map(math.isfinite, values)):
        return values
    return [finite(value) for value in values]


def gaps(rows: Sequence[Row]) -> dict[str, list[int]]:
    """Where a curve has a gap: per key, the epochs whose value is there but is no finite number; the key
    whose gaps begin first comes first."""
    found: dict[str, list[int]] = {}
    for key in CURVES:
        values = column(rows, key)
        places = [at for at, value in enumerate(values) if value is not None and finite(value) is None]
        if places:
            found[key] = places
    epochs = column(rows, "epoch") if found else []
    begin_first = sorted(found, key=lambda key: found[key][0])
    return {key: [epochs[at] for at in found[key]] for key in begin_first}


def has_average(rows: Sequence[Row]) -> bool:
    """Whether the average of the weights (EMA) was evaluated in any of these epochs."""
    return any(finite(value) is not None for value in column(rows, "val/ema_accuracy"))


def overfit_gap(row: Row) -> float | None:
    """Clean train accuracy minus val accuracy; None where one of them is missing."""
    clean, val = number(row, "train/clean_accuracy"), number(row, "val/accuracy")
    return None if clean is None or val is None else clean - val


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row with the highest val accuracy, the first of equals; None where there is none."""
    at = _best_place(rows)
    return None if at is None else rows[at]


def _best_place(rows: Sequence[Row]) -> int | None:
    values = enumerate(numbers(rows, "val/accuracy"))
    known = ((value, -at) for at, value in values if value is not None)
    best = max(known, default=None)
    return None if best is None else -best[1]


def lr_changes(rows: Sequence[Row]) -> set[int]:
    """Positions at which the learning rate jumps or bends, and the ones just before.

    A step counts however small where the learning rate stood still before or after it. On a smooth
    curve (a cosine changes in every epoch) only what a straight line would miss counts.
    """
    lrs = numbers(rows, "lr")
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
    best = _best_place(rows)
    if best is not None:
        keep.add(best)
    per_stretch = 2 * len(EXTREMES_OF)
    stretches = max(1, (limit - len(keep)) // per_stretch)
    edges = [round(at * len(rows) / stretches) for at in range(stretches + 1)]
    for key in EXTREMES_OF:
        values = column(rows, key)
        for start, end in pairwise(edges):
            keep |= _extremes(values, start, end)
    return [rows[at] for at in sorted(keep)]


def _extremes(values: Sequence[Any], start: int, end: int) -> set[int]:
    """Where in values[start:end] a curve is highest and lowest, and where it has a gap."""
    known = [(value, at) for at in range(start, end) if (value := finite(values[at])) is not None]
    found = {min(known)[1], max(known)[1]} if known else set()
    if len(known) < end - start:
        found |= _gap_edges(values, start, end)
    return found


def _gap_edges(values: Sequence[Any], start: int, end: int) -> set[int]:
    """Where in values[start:end] a value is there but no finite number: the first and the last of each such
    stretch, with the row beside it, so that no line is drawn across."""
    found: set[int] = set()
    for at in range(start, end):
        if values[at] is None or finite(values[at]) is not None:
            continue
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(values) and finite(values[beside]) is not None:
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
