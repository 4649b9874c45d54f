"""Training from a shell: in this process when the device is free, else by whoever gets to it."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from core.data import Library
from core.errors import BadInput, Busy
from core.runs.lock import hold, is_held
from core.runs.run import Run
from core.runs.status import ACTIVE, Status
from core.runs.store import RunStore
from core.runs.training import NotQueued, train
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

    Where an app looks after the device's queue, the run waits its turn there, and `follow` gets its
    status a few times a second. Else it is trained here as soon as the device is free, and
    `listener` gets the loop's events. Returns the status at the end. Once `closing` says so, a
    waiting run is taken out of the queue, and one that an app trains is left to it.
    """
    device = resolve_device(run.recipe().device)
    busy = f"another run trains on {device}"
    while not closing():
        status = run.status()
        if status.state == "queued" and not is_held(store.server_lock(device)):
            try:
                with hold(store.device_lock(device), wait_s=0.0, busy=busy):
                    claimed = partial(store.leave_queue, run)
                    return train(run, library, closing=closing, listener=listener, claimed=claimed)
            except (Busy, NotQueued):
                pass  # stopped, or trained by somebody else, a moment ago
        elif status.state != "queued" and status.state not in ACTIVE:
            return status
        follow(status)
        time.sleep(POLL_S)
    if run.status().state == "queued":
        with suppress(BadInput, Busy):
            store.stop(run)
    return run.status()
