"""What is missing from a run's curves, in sentences."""

from collections.abc import Sequence

from core.insight.curves import gaps
from core.runs.packed_rows import ReadRow

EPOCHS_NAMED = 5


def rows_notes(rows: Sequence[ReadRow], damaged: int) -> list[str]:
    """Lines that cannot be read, and values that are no numbers; empty where all is well."""
    notes = []
    if damaged:
        lines = "1 line" if damaged == 1 else f"{damaged} lines"
        notes.append(f"{lines} of epochs.jsonl cannot be read; the curves leave out what stood there.")
    missing = gaps(rows)
    if missing:
        where = ", ".join(f"{key} in {_epochs(epochs)}" for key, epochs in missing.items())
        notes.append(f"Gaps in the curves: not a finite number is {where}.")
    return notes


def _epochs(epochs: Sequence[int]) -> str:
    shown = ", ".join(map(str, epochs[:EPOCHS_NAMED]))
    more = len(epochs) - EPOCHS_NAMED
    return f"epoch {shown}" + (f" and {more} more" if more > 0 else "")
