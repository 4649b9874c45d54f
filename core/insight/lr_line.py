"""The learning rate of a run for drawing: where it changes from step to step as its schedule gives it,
else as it was written down after each epoch."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from core.insight.curves import number
from core.recipe import Recipe

Line = Sequence[tuple[float, float]]
"""(position in epochs, learning rate)."""

UNKNOWN_STEPS = 100
"""Steps per epoch where nobody can say any more how many there were."""


def lr_line(recipe: Recipe, epochs: int, *, hold_from: int | None = None, images: int = 0) -> Line:
    """The learning rate over `epochs` epochs from the scheduler that ran; empty where it stays the same
    within an epoch, which the run's rows then tell.

    `images` is the size of the train split, 0 where it is not known; `hold_from` as in a run's status.
    """
    if recipe.scheduler.unit != "step" or epochs < 1:
        return ()
    # Only few runs need it, and it takes all of the trainer along.
    from core.optim import lr_curve
    from core.train import steps_per_epoch

    curve = lr_curve(
        recipe.scheduler,
        recipe.warmup,
        recipe.optimizer,
        epochs=epochs,
        steps_per_epoch=max(1, steps_per_epoch(images, recipe.batch_size)) if images else UNKNOWN_STEPS,
        plan=recipe.epochs,
        hold_from=hold_from,
    )
    return (*curve.points, (float(epochs), curve.epochs[-1]))


def lr_rows(rows: Sequence[Mapping[str, Any]], line: Line = ()) -> list[dict[str, Any]]:
    """Rows to draw as straight lines, as far as the epochs in `rows` go: of the `line` where there is
    one, else two per epoch, which make a staircase.

    They have `epoch`, `position` and `lr`, and `elapsed_s` where it is known.
    """
    ends = [(0.0, 0.0)]
    for row in rows:
        epoch, seconds = number(row, "epoch"), number(row, "elapsed_s")
        if epoch is not None and seconds is not None:
            ends.append((epoch, seconds))
    ends.sort()
    places = [epoch for epoch, _ in ends]
    known = [epoch for row in rows if (epoch := number(row, "epoch")) is not None]
    points: list[tuple[float, float | None, int]] = []
    if line and known:
        points += [(at, lr, max(1, ceil(at))) for at, lr in line if at <= known[-1]]
    else:
        for row in rows:
            epoch = number(row, "epoch")
            if epoch is not None:
                points += [(at, number(row, "lr"), int(epoch)) for at in (epoch - 1, epoch)]
    return [
        {"epoch": epoch, "position": at, "lr": lr, "elapsed_s": _between(ends, places, at)}
        for at, lr, epoch in points
    ]


def _between(ends: Sequence[tuple[float, float]], places: Sequence[float], at: float) -> float | None:
    """Seconds since the start at a position, from those at the ends of epochs around it; `ends` in their
    order, whose epochs alone are the `places`."""
    next_at = bisect_left(places, at)
    if next_at == len(ends):
        return None
    before, after = ends[max(0, bisect_right(places, at) - 1)], ends[next_at]
    if after[0] == before[0]:
        return after[1]
    return before[1] + (after[1] - before[1]) * (at - before[0]) / (after[0] - before[0])
