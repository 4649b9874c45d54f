"""One thread for a computation, so that a training beside it keeps the other cores."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class OneThread:
    """Entered by any number of threads, also nested: each computes with one thread inside and with the
    normal number afterwards.

    torch.set_num_threads holds for the calling thread and for all that start later. A thread that
    starts while another one is inside would take its 1 for the normal number and put back that;
    so the normal number is noted once, when the first one enters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._normal = 1
        self._mine = threading.local()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Compute with one thread until the end of the block."""
        if getattr(self._mine, "inside", False):
            yield
            return
        with self._lock:
            if self._inside == 0:
                self._normal = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1)
        self._mine.inside = True
        try:
            yield
        finally:
            self._mine.inside = False
            with self._lock:
                self._inside -= 1
                torch.set_num_threads(self._normal)
