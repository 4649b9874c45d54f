"""What a run's rows say: where it was best, how far it overfits, when it will be done."""

from core.insight.curves import best_row, lr_changes, overfit_gap, seconds_left, thin

__all__ = ["best_row", "lr_changes", "overfit_gap", "seconds_left", "thin"]
