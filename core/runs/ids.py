"""Ids of runs: by time and architecture; the end tells one from what was made elsewhere."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_STAMP = "%Y%m%d-%H%M%S"


def free_id(kind: str, taken: Iterable[str]) -> str:
    """An id for a run of this architecture, whatever the `taken` names are.

    Runs are listed by their ids, so the time in it is later than in any other's, whatever the clock
    says.
    """
    # Below ":" are names that begin with a digit, and hidden ones, which come before all of those.
    stamp = _stamp_after(max((name for name in taken if name < ":"), default="")[:15])
    return f"{stamp}-{kind.replace('_', '-')}-{secrets.token_hex(2)}"


def _stamp_after(last: str) -> str:
    """The time now, UTC, or a second after the last one where the clock has not come so far."""
    stamp = datetime.now(UTC).strftime(_STAMP)
    if stamp > last:
        return stamp
    try:
        return (datetime.strptime(last, _STAMP) + timedelta(seconds=1)).strftime(_STAMP)
    except (ValueError, OverflowError):
        return stamp
