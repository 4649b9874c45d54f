"""The queue and its background threads: one run at a time per device, trained by the thread itself or
in a process that the thread waits for (launch.py).

The queue itself lies on disk (RunStore.queue); these threads only take from it. Several servers on
one folder may each run one: a device's lock and a run's lock decide who trains what.
"""

import logging
import sys
import threading
import time
from contextlib import ExitStack, suppress

import torch

from core.data import Library
from core.errors import Busy, Damaged, PlateauError
from core.runs.launch import LAUNCHERS, Launcher, default_launcher
from core.runs.lock import hold
from core.runs.resuming import default_resuming, resume_by_itself
from core.runs.run import Run
from core.runs.status import ACTIVE
from core.runs.store import RunStore, now, owned
from core.runs.training import DeviceBroken, NotQueued
from core.train import available_devices, resolve_device

POLL_S = 0.3
PUT_OFF_S = 10.0
"""How long a run waits that could not be begun because of its disk."""
LEFT_BEHIND_S = 60.0
"""So long after the start a training process may still come to its end whose app was killed."""
SWITCH_INTERVAL_S = 5e-4
"""How long one Python thread may keep the interpreter while others wait. The default of 5 ms lets
a busy page slow a training loop of many small operations to a crawl."""

_log = logging.getLogger("plateau.queue")


class JobQueue:
    """Background threads that train what waits in the store, one per device."""

    def __init__(self, store: RunStore, library: Library) -> None:
        self.store, self.library = store, library
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._switch_interval_s = sys.getswitchinterval()
        self._cpu_threads = torch.get_num_threads()
        self._launcher: Launcher = "thread"
        self._put_off: dict[str, float] = {}
        """Runs that the disk refused, and when (by the monotonic clock) they are tried again."""
        self._elsewhere: list[Run] = []
        """Runs that somebody else trained at the start, where interrupted ones resume by themselves."""
        self._started_at = 0.0

    def start(self) -> list[Run]:
        """Recover what a crash left, then start to train. Returns the runs found interrupted; with
        PLATEAU_RESUME=auto they are resumed.

        Raises BadInput where PLATEAU_LAUNCHER or PLATEAU_RESUME has an unknown value.
        """
        self._launcher, resuming = default_launcher(), default_resuming()
        self.store.folder.mkdir(parents=True, exist_ok=True)
        interrupted = self.store.recover()
        self._started_at = time.monotonic()
        if resuming == "auto":
            self._elsewhere = [entry.run for entry in self.store.list() if entry.state in ACTIVE]
            resume_by_itself(self.store, interrupted)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        for device in available_devices():
            thread = threading.Thread(target=self._work, args=(device,), name=f"train-{device}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return interrupted

    def close(self, timeout_s: float = 20.0) -> None:
        """Ask the training runs to stop, and wait for them. They are left as interrupted."""
        self._closing.set()
        for thread in self._threads:
            thread.join(timeout_s)
        sys.setswitchinterval(self._switch_interval_s)

    def _work(self, device: str) -> None:
        """One device's thread: take the next run that waits for it, train it, and so on."""
        with ExitStack() as held:
            serving = False
            while not self._closing.wait(POLL_S):
                serving = serving or self._serve(held, device)
                if not self._work_once(device):
                    return

    def _serve(self, held: ExitStack, device: str) -> bool:
        """Say that this device's queue is looked after; one of several apps says so for all."""
        try:
            held.enter_context(hold(self.store.server_lock(device), wait_s=0.0, busy="served"))
        except (Busy, OSError):
            return False
        return True

    def _work_once(self, device: str) -> bool:
        """Train the next run, if there is one. False when the device can train no more."""
        try:
            self._take_over()
            run = self._next(device)
            if run is not None:
                self._train(run, device)
        except DeviceBroken as error:
            _log.error("%s The queue of %s waits for a new start of the app.", error, device)
            return False
        except Exception:  # noqa: BLE001  a thread that dies would leave the queue standing
            _log.exception("the queue of %s met an unexpected error and goes on", device)
            self._closing.wait(2.0)
        return True

    def _take_over(self) -> None:
        """Resume what the process of an app that was killed trained on, once it has let go of it.

        Only soon after the start: what somebody interrupts later, in a shell perhaps, was meant to be.
        """
        if time.monotonic() - self._started_at > LEFT_BEHIND_S:
            self._elsewhere = []
        for run in self._elsewhere:
            if not run.is_alive():
                self._elsewhere = [other for other in self._elsewhere if other != run]
                resume_by_itself(self.store, [run])

    def _next(self, device: str) -> Run | None:
        for run in self.store.queue():
            if self._put_off.get(run.id, 0.0) > time.monotonic():
                continue
            try:
                if self._is_for(run, device):
                    return run
            except Busy:
                continue
            except OSError as error:
                self._put_off_for_now(run, error)
        return None

    def _is_for(self, run: Run, device: str) -> bool:
        """Whether a run of the queue is to be trained on this device now."""
        if run.is_alive():
            return False
        try:
            if run.status().state == "queued":
                return resolve_device(run.recipe().device) == device
            self.store.leave_queue(run)
        except Busy:
            return False
        except PlateauError as error:
            # Its device does not exist here, or its recipe cannot be read: say so on the run.
            if device == available_devices()[-1]:
                self._refuse(run, str(error))
        return False

    def _put_off_for_now(self, run: Run, error: OSError) -> None:
        """Not even its state could be read or written: it waits on, and no other run waits for it."""
        _log.warning("run %s could not be begun and waits on: %s", run.id, error)
        self._put_off[run.id] = time.monotonic() + PUT_OFF_S

    def _refuse(self, run: Run, message: str) -> None:
        _log.warning("run %s: %s", run.id, message)
        # A damaged status cannot be changed, and says so itself.
        with suppress(Damaged), owned(run) as status:
            status.state, status.message, status.ended_at = "failed", message, now()
            status.hint = "Clone the run and change this setting."
        self.store.leave_queue(run)

    def _train(self, run: Run, device: str) -> None:
        try:
            chosen = run.recipe().launcher
            launch = LAUNCHERS[self._launcher if chosen == "auto" else chosen]
            closing = self._closing.is_set
            launch(run, self.store, self.library, device, closing=closing, threads=self._cpu_threads)
        except NotQueued:
            self.store.leave_queue(run)
        except Busy:
            # Another process trains on this device, or has this run: look again later.
            self._closing.wait(1.0)
        except OSError as error:
            self._put_off_for_now(run, error)
        except Exception:
            # Whatever it was, it must not come again and again while others wait behind it.
            self.store.leave_queue(run)
            raise
