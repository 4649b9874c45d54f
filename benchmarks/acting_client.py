"""Sessions that do something: they press buttons, upload files, and look at what comes.

A session of session_client.py with hands. Source: the messages in streamlit/proto, and the routes of
streamlit/web/server.
"""

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs, FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from benchmarks.session_client import XSRF_COOKIE, Session, SessionFailed

S = TypeVar("S", bound=Session)
WAIT_S = 120.0


class ActingSession(Session):
    """One tab of a browser, with somebody before it."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.buttons: dict[str, str] = {}
        """The ids of the buttons that ever came, by their label."""
        self.uploaders: dict[str, str] = {}
        self.html: list[str] = []
        """What came as HTML, in order."""
        self.charts = 0
        self.largest = 0
        """Bytes of the largest message."""
        self._id = ""
        self._uploads: dict[str, FileUploaderState] = {}
        self._pressed = ""
        self._numbers = count(1)
        self._urls: asyncio.Queue[list[FileURLs]] = asyncio.Queue()

    async def press(self, label: str) -> None:
        """Press a button, and wait until the page is drawn anew."""
        drawn = self.drawn
        self._pressed = self.buttons[label]
        await self._ask()
        self._pressed = ""
        await self.until(lambda: self.drawn > drawn)

    async def clear_caches(self) -> None:
        """What the menu's 'Clear cache' asks for."""
        assert self._socket is not None
        await self._socket.send(BackMsg(clear_cache=True).SerializeToString())

    async def upload(self, label: str, files: Mapping[str, bytes]) -> None:
        """Give files to the uploader with this label, and wait until the page is drawn anew."""
        assert self._socket is not None
        names = list(files)
        request = FileURLsRequest(request_id=str(next(self._numbers)), file_names=names, session_id=self._id)
        await self._socket.send(BackMsg(file_urls_request=request).SerializeToString())
        places = await asyncio.wait_for(self._urls.get(), WAIT_S)
        loop = asyncio.get_running_loop()
        for name, place in zip(names, places, strict=True):
            await loop.run_in_executor(None, self._put, place.upload_url, name, files[name])
        infos = [
            UploadedFileInfo(name=name, size=len(files[name]), file_id=place.file_id, file_urls=place)
            for name, place in zip(names, places, strict=True)
        ]
        self._uploads[self.uploaders[label]] = FileUploaderState(uploaded_file_info=infos)
        drawn = self.drawn
        await self._ask()
        await self.until(lambda: self.drawn > drawn)

    async def until(self, is_so: Callable[[], object], within_s: float = WAIT_S) -> None:
        """Wait for something to come. Raises SessionFailed where it does not, or what ended the session."""
        until = time.monotonic() + within_s
        while not is_so():
            if self.running is not None and self.running.done():
                self.running.result()
            if time.monotonic() > until:
                raise SessionFailed(f"What was waited for did not come within {within_s:.0f} s.")
            await asyncio.sleep(0.02)

    def _put(self, path: str, name: str, content: bytes) -> None:
        """Send one file as a browser's form does."""
        boundary = "plateau-form-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content
        request = urllib.request.Request(
            f"{self.origin}{path}", body + f"\r\n--{boundary}--\r\n".encode(), method="PUT"
        )
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        request.add_header("Cookie", f"{XSRF_COOKIE}={self._cookie}")
        request.add_header("X-Xsrftoken", self._cookie)
        request.add_header("Origin", self.origin)
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            answer.read()

    def _widget_states(self) -> WidgetStates:
        states = [
            WidgetState(id=widget, file_uploader_state_value=state) for widget, state in self._uploads.items()
        ]
        if self._pressed:
            states.append(WidgetState(id=self._pressed, trigger_value=True))
        return WidgetStates(widgets=states)

    def _take(self, message: ForwardMsg) -> None:
        self.largest = max(self.largest, message.ByteSize())
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._id = message.new_session.initialize.session_id
        elif kind == "file_urls_response":
            self._urls.put_nowait(list(message.file_urls_response.file_urls))
        super()._take(message)

    def _take_delta(self, message: ForwardMsg) -> None:
        super()._take_delta(message)
        delta = self._cached.resolve(message).delta
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        match element.WhichOneof("type"):
            case "button":
                self.buttons[element.button.label] = element.button.id
            case "file_uploader":
                self.uploaders[element.file_uploader.label] = element.file_uploader.id
            case "html":
                self.html.append(element.html.body)
            case "vega_lite_chart":
                self.charts += 1


@asynccontextmanager
async def opened(address: str, within_s: float = WAIT_S) -> AsyncIterator[ActingSession]:
    """A session whose page has been drawn; closed at the end. Raises SessionFailed where it fails."""
    async with open_session(ActingSession(address), within_s) as session:
        yield session


@asynccontextmanager
async def open_session(session: S, within_s: float = WAIT_S) -> AsyncIterator[S]:
    """Let a session run within the block, its page drawn once. Raises what ended it."""
    task = session.running = asyncio.create_task(session.run())
    try:
        until = time.monotonic() + within_s
        while not session.drawn:
            if task.done():
                task.result()
            if time.monotonic() > until:
                raise SessionFailed(f"A page did not come within {within_s:.0f} s.")
            await asyncio.sleep(0.02)
        yield session
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
