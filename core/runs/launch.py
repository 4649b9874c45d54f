"""How the queue trains a run: in a thread of the app, or in a process of its own.

Both call the same `train(run)` and leave the same folder. A launcher returns when the run has ended, and
raises Busy where somebody else has the run or its device, NotQueued where it does not wait any more.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from core.data import Library
from core.errors import BadInput, Busy, Damaged, NotFound
from core.runs.child import BUSY, CLOSED, CLOSING_S, NOT_QUEUED, TRAINED
from core.runs.lock import is_held
from core.runs.log import run_log
from core.runs.run import Run
from core.runs.status import ACTIVE, read_status
from core.runs.store import DEVICE_BUSY, RunStore, now, owned
from core.runs.training import NotQueued, train

Launcher = Literal["thread", "process"]
VARIABLE = "PLATEAU_LAUNCHER"
POLL_S = 0.1
LAST_WORDS_BYTES = 20_000
"""How much of what a dying process printed is kept."""
RESUME = "Resume it: it goes on from its last whole epoch."

_log = logging.getLogger("plateau.queue")


def default_launcher(environment: Mapping[str, str] = os.environ) -> Launcher:
    """Where runs train whose recipe leaves it open: as PLATEAU_LAUNCHER says, else in a thread.

    Raises BadInput for an unknown value.
    """
    match environment.get(VARIABLE) or "thread":
        case "thread":
            return "thread"
        case "process":
            return "process"
        case other:
            raise BadInput.at(
                VARIABLE, other, "must be 'thread' or 'process'", "set it to one of them, or not at all"
            )


class Launch(Protocol):
    """What a launcher needs to train a run on a device, and what tells it that the app closes."""

    def __call__(
        self,
        run: Run,
        store: RunStore,
        library: Library,
        device: str,
        *,
        closing: Callable[[], bool],
        threads: int,
    ) -> None: ...


def train_in_thread(
    run: Run, store: RunStore, library: Library, device: str, *, closing: Callable[[], bool], threads: int
) -> None:
    """Train in the caller's own thread. Raises DeviceBroken too."""
    with store.hold_device(device):
        train(run, library, closing=closing, claimed=lambda: store.leave_queue(run), threads=threads)


def train_in_process(
    run: Run, store: RunStore, library: Library, device: str, *, closing: Callable[[], bool], threads: int
) -> None:
    """Train in a new process and wait for it. However that ends, the run's status says so."""
    # Asked first: a process costs seconds only to find that out.
    if is_held(store.device_lock(device)):
        raise Busy(DEVICE_BUSY)
    try:
        with tempfile.TemporaryFile() as said:
            code = _run(_command(run, store, library, device, threads), said, closing)
            last_words = _last_words(said)
    except OSError as error:
        message = f"The training process could not be started: {error.strerror or error}."
        _put_down(run, store, message, RESUME)
        return
    if code == BUSY:
        raise Busy(DEVICE_BUSY)
    if code == NOT_QUEUED:
        raise NotQueued(f"Run {run.id} does not wait any more.")
    if code not in (TRAINED, CLOSED):
        _put_down(run, store, *_sentences(code, closing()), last_words, closing=closing())


LAUNCHERS: dict[Launcher, Launch] = {"thread": train_in_thread, "process": train_in_process}


def _command(run: Run, store: RunStore, library: Library, device: str, threads: int) -> list[str]:
    # -P: the file's own folder has modules with such names as `lock` and `log`.
    program = [sys.executable, "-P", str(Path(__file__).with_name("child.py"))]
    folders = [str(store.folder.resolve()), str(library.folder.resolve())]
    return [*program, *folders, run.id, device, str(threads)]


def _run(command: list[str], said: IO[bytes], closing: Callable[[], bool]) -> int:
    """Start the process and wait for its end; returns its exit status, negative for a signal.

    Its standard input ends when the app closes or dies. In a session of its own, Ctrl-C in the app's
    terminal does not reach it but through the app.
    """
    asked_at: float | None = None
    with subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdin
        while (code := process.poll()) is None:
            if asked_at is None and closing():
                asked_at = time.monotonic()
                process.stdin.close()
            if asked_at is not None and time.monotonic() - asked_at > CLOSING_S:
                process.kill()
            time.sleep(POLL_S)
    return code


def _put_down(
    run: Run, store: RunStore, message: str, hint: str, last_words: str = "", *, closing: bool = False
) -> None:
    """Leave the run as interrupted where its process could not do so itself."""
    # Whoever holds the run in spite of all is its owner now; a damaged status says so itself.
    with suppress(Busy, Damaged, NotFound), owned(run) as status:
        state = read_status(run.folder).state
        if state == "queued" and closing:
            return
        if state not in ("queued", *ACTIVE):
            return  # the process had done its work, and fell at its very end
        status.state, status.live, status.ended_at = "interrupted", None, now()
        status.message, status.hint = message, hint
        _log.warning("run %s: %s", run.id, message)
        with run_log(run.folder / "train.log") as log:
            log.error("%s", f"{message}\n{last_words}".strip())
    store.leave_queue(run)


def _sentences(code: int, closing: bool) -> tuple[str, str]:
    """Message and hint of a run whose process is gone."""
    if closing:
        return "The app was closed, and the training process did not stop by itself.", RESUME
    message = f"The training process ended unexpectedly ({_fate(code)})."
    if "SIGKILL" in message:
        return message, f"The system ends processes like this when memory runs out. {RESUME}"
    return message, f"train.log in the run's folder has the details. {RESUME}"


def _fate(code: int) -> str:
    names: dict[Any, str] = {known.value: known.name for known in signal.Signals}
    if code >= 0:
        return f"exit status {code}"
    return f"signal {-code}, {names[-code]}" if -code in names else f"signal {-code}"


def _last_words(said: IO[bytes]) -> str:
    """The end of what the process printed: Python's traceback, or that of faulthandler."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - LAST_WORDS_BYTES))
    return said.read().decode("utf-8", "replace").strip()
