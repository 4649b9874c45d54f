"""Training from a shell: in this process when the device is free, else by whoever gets to it."""

import time
from collections.abc import Callable

from core.data import Library
from core.errors import Busy
from core.runs.lock import hold
from core.runs.run import Run
from core.runs.status import ACTIVE, Status
from core.runs.store import RunStore
from core.runs.training import train
from core.train import Event, resolve_device

POLL_S = 0.3


def train_or_follow(
    store: RunStore,
    library: Library,
    run: Run,
    *,
    closing: Callable[[], bool],
    listener: Callable[[Event], None],
    follow: Callable[[Status], None],
) -> Status:
    """Wait until the queued run has ended, and train it here if nobody else does.

    A running app may take the run out of the queue first: then `follow` gets its status a few
    times a second. If it is trained here, `listener` gets the loop's events. Returns the status at
    the end, or the present one once `closing` says so.
    """
    device = resolve_device(run.recipe().device)
    busy = f"another run trains on {device}"
    while not closing():
        status = run.status()
        if status.state == "queued":
            try:
                with hold(store.device_lock(device), wait_s=0.0, busy=busy):
                    if run.status().state != "queued":
                        continue  # stopped, or trained by somebody else, a moment ago
                    store.leave_queue(run)
                    return train(run, library, closing=closing, listener=listener)
            except Busy:
                pass
        elif status.state not in ACTIVE:
            return status
        follow(status)
        time.sleep(POLL_S)
    return run.status()
