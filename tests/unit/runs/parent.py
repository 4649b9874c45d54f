"""Trains one run in a process of its own, to be killed meanwhile: `-m tests.unit.runs.parent RUNS DATA RUN`.

Prints that process's id.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from core.data import Library
from core.runs import RunStore
from core.runs.launch import train_in_process

_Popen = subprocess.Popen


def start(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
    """As subprocess.Popen, and say which process it is."""
    process = _Popen(*arguments, **options)
    sys.stdout.write(f"{process.pid}\n")
    sys.stdout.flush()
    return process


def main(runs: str, data: str, run_id: str) -> None:
    """Train the run, which lasts until somebody ends this."""
    subprocess.Popen = start  # type: ignore[assignment, misc]
    store = RunStore(Path(runs))
    train_in_process(store.get(run_id), store, Library(Path(data)), "cpu", closing=lambda: False, threads=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
