"""A run's own log file."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class _Quiet(logging.FileHandler):
    """A log that cannot be opened, or on a full or failing disk, loses lines and nothing else: neither does
    it end the run, which meets the same disk a moment later, nor does a traceback reach the shell."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; the file is opened with the first one, which may fail as well."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Nothing: see above."""


@contextmanager
def run_log(path: Path) -> Iterator[logging.Logger]:
    """A logger that appends to `path`, closed at the end."""
    log = logging.Logger(f"plateau.run.{path.parent.name}")
    handler = _Quiet(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield log
    finally:
        log.removeHandler(handler)
        with suppress(OSError):
            handler.close()
