"""What a session has read of the runs it shows: plain rows, and the byte to go on from."""

from typing import Any

import streamlit as st

from core.insight import thin
from core.insight.row_notes import rows_notes
from core.runs import START, Run
from core.runs.rows import RowsRead

_KEY = "live_read"
PART_BYTES = 4_000_000
"""A long file is read in parts, so that no more than one of them is in memory at a time."""
MOST_ROWS = 20_000
"""Of longer runs a session keeps about half as many rows, thinned as for drawing: each has its own."""
Read = dict[str, Any]
"""'epochs' and 'steps': rows; 'epochs_at' and 'steps_at': the cursor behind them; 'epochs_damaged' and
'steps_damaged': how many lines could not be read; 'drawn': the epochs thinned for drawing;
'notes': what is missing from them, in sentences."""


def read_new(run: Run, *, steps: bool = False) -> Read:
    """All rows of a run read so far, with what came since the last call.

    Of the steps only those of the epoch under way are kept: the others have become epochs.
    """
    read = _seen().setdefault(run.id, _nothing())
    if _take_epochs(read, run):
        read["drawn"] = thin(read["epochs"])
        read["notes"] = rows_notes(read["epochs"], read["epochs_damaged"])
    if steps:
        _take(read, "steps", run.steps(_cursor(read["steps_at"])))
    done = read["epochs"][-1]["epoch"] if read["epochs"] else 0
    read["steps"] = [row for row in read["steps"] if row["epoch"] > done]
    return read


def _take_epochs(read: Read, run: Run) -> bool:
    """Add the epochs that came, part by part; whether anything changed."""
    changed, whole_part = False, True
    while whole_part:
        before = read["epochs_at"][1]
        found = run.epochs(_cursor(read["epochs_at"]), PART_BYTES)
        changed |= _take(read, "epochs", found)
        whole_part = found.cursor[1] - (0 if found.restarted else before) >= PART_BYTES
        if len(read["epochs"]) > MOST_ROWS:
            read["epochs"] = [dict(row) for row in thin(read["epochs"], MOST_ROWS // 2)]
    return changed


def keep_only(run_ids: list[str]) -> None:
    """Forget the rows of all other runs."""
    seen = _seen()
    for run_id in [known for known in seen if known not in run_ids]:
        del seen[run_id]


def _seen() -> dict[str, Read]:
    seen: dict[str, Read] = st.session_state.setdefault(_KEY, {})
    return seen


def _nothing() -> Read:
    read: Read = {"drawn": [], "notes": []}
    for name in ("epochs", "steps"):
        read |= {name: [], f"{name}_at": list(START), f"{name}_damaged": 0}
    return read


def _cursor(stored: list[int]) -> tuple[int, int]:
    return stored[0], stored[1]


def _take(read: Read, name: str, found: RowsRead) -> bool:
    """Add what was found; whether anything changed."""
    if found.restarted:
        read[name], read[f"{name}_damaged"] = [], 0
    read[f"{name}_damaged"] += found.damaged
    read[name] = [*read[name], *found.rows]
    read[f"{name}_at"] = list(found.cursor)
    return found.restarted or bool(found.rows) or bool(found.damaged)
