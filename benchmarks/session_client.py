"""Sessions on a running app without a browser, at a small part of a browser's CPU time.

    python -m benchmarks.session_client http://127.0.0.1:8501/live?run=... [--sessions 3] [--seconds 20]

To the server each session is a browser's tab: it fetches the cookie, opens the app's WebSocket, asks for
the page, and asks for every fragment again as often as the server says (`AutoRerun`: the browser keeps
that clock). Nothing is drawn, no images and scripts are fetched, and widgets stay as they are. The line
'measuring' is printed once every session has its page and it has settled, and after `--seconds` what the
sessions received, as JSON; with `--repeat` so for every line on standard input, with new sessions each
time. A session that fails or stands still ends the program with a sentence and status 1. Source: the
messages in streamlit/proto, and what Streamlit's own frontend answers to them.
"""

import argparse
import asyncio
import json
import resource
import sys
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

XSRF_COOKIE = "_streamlit_xsrf"
OPEN_S = 60.0
"""A page's first drawing may take as long as this beside a training."""
STILL_S = 15.0
"""A session without an answer for so long stands still."""


class SessionFailed(Exception):
    """A session was refused, got an error to show, or stands still; the message says which."""


@dataclass
class Fragment:
    """A part of the page that renews itself, and what came of it."""

    interval_s: float
    asked: int = 0
    """How often the session asked for it."""
    ticks: int = 0
    """How often the server answered with the whole of it; fewer where several requests became one."""
    changes: Counter[str] = field(default_factory=Counter)
    """How many elements came with a new content, by kind: metric, progress, vega_lite_chart, ..."""
    text: str = ""
    """The newest progress bar's text."""


class Session:
    """One tab of a browser, as the server sees it."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.fragments: dict[str, Fragment] = {}
        """What each fragment of the page as last drawn received, by its id."""
        self.messages = self.bytes = self.drawn = 0
        """Messages and bytes received, and how often the page came as a whole."""
        self.answered_at = 0.0
        self.running: asyncio.Task[None] | None = None
        """`run`, by whom it was begun; done where the session has ended."""
        self._address = address
        self._page_name = parts.path.strip("/")
        self._query = parts.query
        self._page_hash = ""
        self._clocks: dict[str, asyncio.Task[None]] = {}
        self._contents: dict[tuple[int, ...], str] = {}
        self._cached = _Cache()
        self._cookie = ""
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Open the page and keep it open until cancelled. Raises SessionFailed."""
        loop = asyncio.get_running_loop()
        self.answered_at = loop.time()
        socket = f"{self.origin.replace('http', 'ws', 1)}/_stcore/stream"
        try:
            cookie = await loop.run_in_executor(None, _fetch_cookie, self.origin, self._address)
            self._cookie = cookie
            async with connect(
                socket,
                origin=self.origin,  # type: ignore[arg-type]
                additional_headers={"Cookie": f"{XSRF_COOKIE}={cookie}"} if cookie else None,
                subprotocols=["streamlit", cookie or "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
                max_size=None,
                # The server pings; a browser only answers.
                ping_interval=None,
                open_timeout=OPEN_S,
            ) as self._socket:
                await self._ask()
                async for payload in self._socket:
                    self.bytes += len(payload)
                    self._take(ForwardMsg.FromString(payload))
            raise SessionFailed("The server closed the session.")
        except (OSError, InvalidHandshake, ConnectionClosed) as error:
            raise SessionFailed(f"The session was cut off or refused: {error}") from error
        finally:
            self._stop_clocks(list(self._clocks))

    async def _ask(self, fragment_id: str = "") -> None:
        """Ask for the page, or for one fragment of it."""
        assert self._socket is not None
        state = ClientState(
            query_string=self._query,
            page_script_hash=self._page_hash,
            page_name="" if self._page_hash else self._page_name,
            fragment_id=fragment_id,
            is_auto_rerun=bool(fragment_id),
            widget_states=self._widget_states(),
            cached_message_hashes=self._cached.hashes(),
            context_info=ContextInfo(
                timezone="UTC", locale="en-GB", url=self._address, is_embedded=False, color_scheme="light"
            ),
        )
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    def _widget_states(self) -> WidgetStates:
        """What the widgets hold; here they stay as they are."""
        return WidgetStates()

    def _take(self, message: ForwardMsg) -> None:
        """Do what a browser does with this message, short of drawing."""
        self.messages += 1
        kind = message.WhichOneof("type")
        if kind in ("delta", "ref_hash"):
            self._take_delta(message)
        elif kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self._stop_clocks(list(self._clocks))
                self._cached.most_runs = message.new_session.config.max_cached_message_age
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._start_clock(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._stop_clocks(message.stop_auto_rerun.fragment_ids)
        elif kind == "script_finished":
            self._finished(message)
        elif kind == "page_not_found":
            raise SessionFailed("The app says 'page not found'.")
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            raise SessionFailed(message.session_event.script_compilation_exception.message)

    def _take_delta(self, message: ForwardMsg) -> None:
        """An element that is new, that changed, or that is the same again."""
        delta = self._cached.resolve(message).delta
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type") or ""
        if kind == "exception":
            raise SessionFailed(f"The page shows an exception: {element.exception.message}")
        if kind == "alert" and element.alert.format == Alert.ERROR:
            raise SessionFailed(f"The page shows an error: {element.alert.body}")
        place, content = tuple(message.metadata.delta_path), message.ref_hash or message.hash
        changed, self._contents[place] = self._contents.get(place) != content, content
        fragment = self.fragments.get(delta.fragment_id)
        if fragment is not None:
            fragment.changes[kind] += changed
            if kind == "progress":
                fragment.text = element.progress.text

    def _finished(self, message: ForwardMsg) -> None:
        status = message.script_finished
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise SessionFailed("The app's script could not be compiled.")
        fragment_ids = list(message.metadata.run.fragment_ids)
        # As in a browser: after a run that is to be done again at once nothing is forgotten.
        if status != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._cached.after_run(fragment_ids)
        self.answered_at = asyncio.get_running_loop().time()
        if status == ForwardMsg.FINISHED_SUCCESSFULLY:
            self.drawn += 1
        elif status == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            for fragment_id in fragment_ids:
                if fragment_id in self.fragments:
                    self.fragments[fragment_id].ticks += 1

    def _start_clock(self, fragment_id: str, interval_s: float) -> None:
        known = self.fragments.get(fragment_id)
        if fragment_id in self._clocks and known and known.interval_s == interval_s:
            return
        self._stop_clocks([fragment_id])
        fragment = self.fragments.setdefault(fragment_id, Fragment(interval_s))
        fragment.interval_s = interval_s
        self._clocks[fragment_id] = asyncio.create_task(self._keep_asking(fragment_id, fragment))

    async def _keep_asking(self, fragment_id: str, fragment: Fragment) -> None:
        """The browser's setInterval: it waits for no answer, and makes up for no missed time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        # A closed connection is the receiving side's to report.
        with suppress(ConnectionClosed):
            while True:
                due = max(due + fragment.interval_s, loop.time())
                await asyncio.sleep(due - loop.time())
                fragment.asked += 1
                await self._ask(fragment_id)

    def _stop_clocks(self, fragment_ids: Any) -> None:
        for fragment_id in list(fragment_ids):
            clock = self._clocks.pop(fragment_id, None)
            if clock is not None:
                clock.cancel()


class _Cache:
    """Large messages that the server need not send twice: it names them by their hash."""

    def __init__(self) -> None:
        self.most_runs = 2
        """After so many runs in which it was of no use a message is forgotten."""
        self._runs = 0
        self._messages: dict[str, tuple[ForwardMsg, int]] = {}

    def hashes(self) -> list[str]:
        return list(self._messages)

    def resolve(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself, or the earlier one that it refers to."""
        if message.WhichOneof("type") == "ref_hash":
            try:
                original, _ = self._messages[message.ref_hash]
            except KeyError as error:
                raise SessionFailed("The server refers to a message that it never sent.") from error
            self._messages[message.ref_hash] = (original, self._runs)
            return original
        if message.metadata.cacheable:
            self._messages[message.hash] = (message, self._runs)
        return message

    def after_run(self, fragment_ids: list[str]) -> None:
        """Forget what has become too old; a fragment's run ages that fragment's messages alone."""
        self._runs += 1
        for known, (message, used) in list(self._messages.items()):
            concerned = not fragment_ids or message.delta.fragment_id in fragment_ids
            if concerned and self._runs - used > self.most_runs:
                del self._messages[known]


def _fetch_cookie(origin: str, address: str) -> str:
    """What a browser fetches before it opens its WebSocket; returns the XSRF token, '' without one."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    for url in (address, f"{origin}/_stcore/health", f"{origin}/_stcore/host-config"):
        with opener.open(url, timeout=OPEN_S) as answer:
            answer.read()
    return next((cookie.value or "" for cookie in jar if cookie.name == XSRF_COOKIE), "")


async def measure(address: str, sessions: int, settle_s: float, seconds: float) -> dict[str, Any]:
    """Open the sessions, and count what they receive in `seconds`. Raises SessionFailed."""
    opened = [Session(address) for _ in range(sessions)]
    tasks = [asyncio.create_task(session.run()) for session in opened]
    loop = asyncio.get_running_loop()
    try:
        until = loop.time() + OPEN_S
        while not all(any(f.ticks for f in session.fragments.values()) for session in opened):
            await _pass_time(tasks, opened, 0.1)
            if loop.time() > until:
                raise SessionFailed(f"A page that renews itself did not come within {OPEN_S:.0f} s.")
        await _pass_time(tasks, opened, settle_s)
        print("measuring", flush=True)
        began, cpu_s, before = loop.time(), _cpu_s(), [_figures(session) for session in opened]
        await _pass_time(tasks, opened, seconds)
        took_s, cpu_s = loop.time() - began, _cpu_s() - cpu_s
        after = [_figures(session) for session in opened]
        received = [_since(new, old) for new, old in zip(after, before, strict=True)]
        return {"seconds": took_s, "cpu_s": cpu_s, "sessions": received}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_time(tasks: list[asyncio.Task[None]], sessions: list[Session], seconds: float) -> None:
    """Wait while the sessions run; raises what ends one of them, and SessionFailed for one that is still."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        done, _ = await asyncio.wait(tasks, timeout=min(1.0, left), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        for session in sessions:
            if session.drawn and loop.time() - session.answered_at > STILL_S:
                raise SessionFailed(f"A session got no answer for {STILL_S:.0f} s.")


def _figures(session: Session) -> dict[str, Any]:
    return {
        "messages": session.messages,
        "bytes": session.bytes,
        "drawn": session.drawn,
        "fragments": {
            name: replace(fragment, changes=Counter(fragment.changes))
            for name, fragment in session.fragments.items()
        },
    }


def _since(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """What came between two looks at a session: counts as differences, texts as they were and are."""
    gained: dict[str, Any] = {key: new[key] - old[key] for key in ("messages", "bytes", "drawn")}
    gained["fragments"] = []
    for name, fragment in new["fragments"].items():
        # One that did not exist before began at nothing.
        earlier = old["fragments"].get(name, Fragment(fragment.interval_s))
        gained["fragments"].append(
            {
                "interval_s": fragment.interval_s,
                "asked": fragment.asked - earlier.asked,
                "ticks": fragment.ticks - earlier.ticks,
                "changes": dict(fragment.changes - earlier.changes),
                "text_before": earlier.text,
                "text": fragment.text,
            }
        )
    return gained


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("address", help="the page's address, such as http://127.0.0.1:8501/live?run=...")
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--settle", type=float, default=3.0, help="seconds between opening and measuring")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--repeat", action="store_true", help="once for every line on standard input")
    call = parser.parse_args()
    try:
        for _ in sys.stdin if call.repeat else ("once",):
            report = asyncio.run(measure(call.address, call.sessions, call.settle, call.seconds))
            print(json.dumps(report), flush=True)
    except SessionFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
