"""Trains one run in a process of its own: what core.runs.launch starts, as a file and with the folders,
the run and the device as arguments.

Whoever started it holds the other end of standard input and never writes to it: its end says that the
app closes, or is gone, however that came. So it is listened to before torch is loaded, which takes
seconds: everything of ours is imported further down.
"""

import argparse
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.data import Library
    from core.runs.store import RunStore

# How the process ends; anything else is an accident. How the run ended stands in its status.
TRAINED = 0
BUSY = 10
"""Somebody else has the run or the device."""
NOT_QUEUED = 11
"""The run does not wait to be trained, or is not there any more."""
CLOSED = 12
"""The app was closed before anything had begun; the run waits as before."""

CLOSING_S = 15.0
"""How long a training may take to stop once the app closes."""


def main(arguments: list[str]) -> int:
    """Train the run that the arguments name; returns the exit status."""
    faulthandler.enable()
    closing, begun = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: closing.set())
    threading.Thread(target=_listen, args=(closing, begun), daemon=True).start()
    call = _read(arguments)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from core.data import Library
    from core.runs.store import RunStore

    begun.set()
    if closing.is_set():
        return CLOSED
    store, library = RunStore(call.runs), Library(call.data)
    return train_one(call.run, store, library, call.device, closing=closing.is_set, threads=call.threads)


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for folder in ("runs", "data"):
        parser.add_argument(folder, type=Path)
    for name in ("run", "device"):
        parser.add_argument(name)
    parser.add_argument("threads", type=int)
    return parser.parse_args(arguments)


def _listen(closing: threading.Event, begun: threading.Event) -> None:
    """Wait for the end of standard input, and see to it that this process ends soon after."""
    # Not sys.stdin: a thread that waits in its buffer would break the interpreter's end.
    while os.read(0, 1024):
        pass
    closing.set()
    if not begun.is_set():
        os._exit(CLOSED)
    time.sleep(CLOSING_S)
    # Stuck in a step: the run's lock becomes free, and its last checkpoint is whole.
    os._exit(1)


def train_one(
    run_id: str,
    store: "RunStore",
    library: "Library",
    device: str,
    *,
    closing: Callable[[], bool],
    threads: int,
) -> int:
    """Train the run while holding its device; returns how that ended, as an exit status.

    The device is held here and not by the app: it stays so if the app is killed, until this process
    has ended.
    """
    from core.errors import Busy, NotFound
    from core.runs.store import owned
    from core.runs.training import DeviceBroken, NotQueued, train

    try:
        run = store.get(run_id)
        with store.hold_device(device):
            train(run, library, closing=closing, claimed=lambda: store.leave_queue(run), threads=threads)
    except Busy:
        return BUSY
    except (NotQueued, NotFound):
        return NOT_QUEUED
    except DeviceBroken:
        # Broken for this process only, which is about to end.
        with owned(run) as status:
            status.hint = "Resume it: it goes on in a new process, from its last whole epoch."
    return TRAINED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
