"""The app on a port of its own, for a benchmark; and what its process has used of the CPU."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLOSED = re.compile(
    r"Exception in ASGI application(?:(?!Exception in ASGI application).)*?"
    r"^starlette\.websockets\.WebSocketDisconnected: [^\n]*$",
    re.DOTALL | re.MULTILINE,
)
"""What Streamlit logs where a session is closed at the moment in which it says something."""
CLOSE_S = 40
"""The app ends a training before it ends itself."""


@contextmanager
def served(runs: Path, data: Path) -> Iterator[tuple[str, int]]:
    """The app on a free port with these folders: its address and its process. Ended at the end."""
    port = free_port()
    environment = os.environ | {"PLATEAU_RUNS": str(runs), "PLATEAU_DATA": str(data)}
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    log_path = runs.parent / "app.log"
    with log_path.open("wb") as log:
        # In a session of its own: Ctrl-C reaches it through here, once.
        app = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}", app.pid
        if "Traceback" in (said := CLOSED.sub("", log_path.read_text(errors="replace"))):
            raise SystemExit(f"the app met an error:\n{said[-4000:]}")
    finally:
        app.terminate()
        try:
            app.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(address: str) -> None:
    """Wait until the server answers."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def cpu_by_thread(process: int) -> tuple[float, dict[int, float]]:
    """User and system time so far of a process and of each of its threads (Linux)."""
    threads = {}
    for folder in Path(f"/proc/{process}/task").iterdir():
        # A thread may end while this is read.
        with suppress(OSError):
            threads[int(folder.name)] = cpu_seconds(folder / "stat")
    return cpu_seconds(Path(f"/proc/{process}/stat")), threads


def cpu_seconds(stat: Path) -> float:
    """User and system time in a `stat` file of /proc."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
