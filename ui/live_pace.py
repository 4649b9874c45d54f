"""How often Live's pages renew themselves: each second, and more rarely where many look on, so that those
who watch take little from a training on the same machine."""

import math
import time
from collections.abc import Callable
from threading import Lock
from uuid import uuid4

import streamlit as st

TICK_S = 1.0
TICKS_PER_S = 6
"""Of all pages together. While the server makes one, a thread that trains mostly waits for its turn."""
LONGEST_S = 10
GONE_S = 5
"""A tick may come late where the machine has much to do."""
_KEY = "live_viewer"


class Viewers:
    """Who looks on, and how often each is drawn. For all sessions of a server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._until: dict[str, float] = {}

    def pace_s(self, viewer: str, pace_s: float) -> float:
        """Seconds from tick to tick, for one who has come at a `pace_s` so far and is here now. Who was
        not for two ticks and some more has gone."""
        with self._lock:
            now = self._clock()
            self._until[viewer] = now + 2 * pace_s + GONE_S
            self._until = {who: until for who, until in self._until.items() if until >= now}
            return min(LONGEST_S, TICK_S * max(1, math.ceil(len(self._until) / TICKS_PER_S)))


@st.cache_resource(show_spinner=False)
def _viewers() -> Viewers:
    return Viewers()


def pace_s(so_far_s: float = TICK_S) -> float:
    """Seconds from tick to tick for this session, whose page is drawn every `so_far_s` seconds now."""
    viewer: str = st.session_state.setdefault(_KEY, uuid4().hex)
    return _viewers().pace_s(viewer, so_far_s)
