"""The app as a server of its own: started as a person does, or out of a process that has torch loaded."""

import multiprocessing
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.served_app import ROOT, free_port

START_S = 60
END_S = 30
LIBRARIES = ["core.runs", "core.classify", "altair", "pandas", "streamlit.web.cli"]
"""What a server takes seconds to load, and what has nothing of a server's in it."""


@dataclass
class Server:
    """A running app with folders of its own."""

    url: str
    runs: Path
    data: Path
    process: "subprocess.Popen[bytes] | BaseProcess"

    def kill(self) -> None:
        """End it as the system does when it has to."""
        self.process.kill()
        self._wait()

    def stop(self) -> None:
        """End the app, and wait until its port is free."""
        self.process.terminate()
        try:
            self._wait()
        except subprocess.TimeoutExpired:
            self.kill()

    def _wait(self) -> None:
        if isinstance(self.process, subprocess.Popen):
            self.process.wait(END_S)
            return
        self.process.join(END_S)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("streamlit", END_S)


def start_server(folder: Path) -> Server:
    """Start the app as a person does, with runs and data below `folder`."""
    port = free_port()
    environment = os.environ | _folders(folder)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *_arguments(port)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    return _started(folder, port, process)


class ServerStarter:
    """Starts servers that need not load torch and Streamlit first, which would take each of them seconds:
    they are forked from one process that has done so, and has nothing of the app itself."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(LIBRARIES)

    def start(self, folder: Path) -> Server:
        """A server with runs and data below `folder`."""
        port = free_port()
        arguments = (_arguments(port), _folders(folder), folder / "server.log")
        process = self._context.Process(target=_serve, args=arguments)
        process.start()
        return _started(folder, port, process)


def _serve(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """What `python -m streamlit run` does, in a process that has it loaded already."""
    from streamlit.web import cli

    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = arguments
    cli.main(prog_name="streamlit")


def _arguments(port: int) -> list[str]:
    return ["streamlit", "run", "streamlit_app.py", "--server.port", str(port)]


def _folders(folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return {"PLATEAU_RUNS": str(folder / "runs"), "PLATEAU_DATA": str(folder / "data")}


def _started(folder: Path, port: int, process: "subprocess.Popen[bytes] | BaseProcess") -> Server:
    """The server once it answers."""
    server = Server(f"http://127.0.0.1:{port}", folder / "runs", folder / "data", process)
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    server.stop()
    raise RuntimeError((folder / "server.log").read_text())
