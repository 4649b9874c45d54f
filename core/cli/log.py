"""The tracebacks of faults of ours, in a small file beside the runs; standard error has one sentence."""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from core.workspace import find_workspace

MOST_BYTES = 500_000
"""From here on the file is put aside, over the one before it."""
_MOST_OF_ONE = 50_000


def keep_traceback(error: BaseException) -> Path | None:
    """Add the error to the log and return its path, or None where it cannot be written."""
    path = find_workspace().runs / ".log" / "plateau.log"
    at = datetime.now(UTC).isoformat(timespec="seconds")
    text = "".join(traceback.format_exception(error))[-_MOST_OF_ONE:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.is_symlink():
            return None
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.replace(path.with_name("plateau.1.log"))
        # What stands there may be somebody else's link or pipe: neither followed nor waited for.
        careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | careful, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{at} {' '.join(sys.argv)[:1000]}\n{text}\n")
    except OSError:
        return None
    return path
