"""What a run's rows say: where it was best, how far it overfits, when it will be done."""

from core.insight.curves import (
    best_row,
    gaps,
    has_average,
    lr_changes,
    number,
    overfit_gap,
    seconds_left,
    thin,
)

__all__ = [
    "best_row",
    "gaps",
    "has_average",
    "lr_changes",
    "number",
    "overfit_gap",
    "seconds_left",
    "thin",
]
