"""What open Live pages cost a training.

    python -m benchmarks.ui_load [--pages 3] [--pairs 5] [--seconds 20] [--json]

An app is started with a folder of its own, and its queue trains my_net on drawn shapes on the CPU. In
turn nobody looks, and `--pages` sessions (session_client.py) have the run's Live page open. Printed are
the images/s of both, from the run's own figures: images trained over seconds spent in training, without
the evaluations. Every session must show the run's newest epoch, else the program says so and ends.

Where other programs use the cores too, images/s say little; what then stands is the CPU time of the
pages: that of the app's process less that of the threads that train.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.served_app import cpu_by_thread, served
from core.data import DatasetInfo, ImportOptions, Library, ShapesSource
from core.models import MyNet
from core.recipe import DataSettings, Recipe
from core.runs import Run, RunStore

ROOT = Path(__file__).resolve().parent.parent
EPOCHS = 2000
"""More than are ever trained here."""
TRAINS = 0.05
"""A thread with at least this share of a quiet app's CPU time is one that trains."""


@dataclass(frozen=True)
class Headless:
    """A stretch of the run that nobody looked at."""

    images_per_s: float
    cpu: float
    """CPU seconds per second of the app's process."""


@dataclass(frozen=True)
class Watched:
    """A stretch of the run with its Live page open in several sessions."""

    images_per_s: float
    cpu: float
    pages_cpu: float
    """CPU seconds per second of the app's process outside the threads that train."""
    client_cpu: float
    """CPU seconds per second of all sessions together."""
    ticks_per_s: float
    """How often per second the charts were renewed, in the session where it was least often."""
    kb_per_s: float
    """Received by all sessions together."""
    epochs: int
    """Epochs that ended meanwhile; every session showed them."""
    changes: dict[str, int]
    """Elements that came with a new content, by kind, in all sessions."""


Pair = tuple[Headless, Watched]


def main() -> None:
    """Measure and print."""
    call = _parse()
    # So that what was started is ended, whoever ends this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plateau-load-"))
        runs, data = Path(folder, "runs"), Path(folder, "data")
        source = ShapesSource(images=call.images, image_size=32)
        info = Library(data).import_dataset(source, "shapes", ImportOptions())
        run = RunStore(runs).create(load_recipe(call), info)
        url, process = stack.enter_context(served(runs, data))
        pages = stack.enter_context(Pages(f"{url}/live?run={run.id}", call))
        wait_until_trained(run, epochs=1)
        print(setting(call, info, run), file=sys.stderr if call.json else sys.stdout, flush=True)
        pairs: list[Pair] = []
        for number in range(1, call.pairs + 1):
            pairs.append(measure_pair(Counters(run, info, process), pages, call))
            if not call.json:
                print(line(str(number), *pairs[-1]), flush=True)
    print(json.dumps(_summary(pairs), indent=1) if call.json else total(pairs))
    if not any(watched.epochs for _, watched in pairs):
        raise SystemExit("no epoch ended while the pages were open: take more --seconds or fewer --images")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=3, help="Live pages open at the same time")
    parser.add_argument("--pairs", type=int, default=5, help="how often without and with pages")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    parser.add_argument(
        "--settle", type=float, default=3.0, help="seconds between opening or closing and measuring"
    )
    parser.add_argument("--images", type=int, default=10_000, help="of the data set, all its splits")
    parser.add_argument("--width", type=int, default=32, help="channels of the network's first block")
    parser.add_argument("--launcher", choices=("thread", "process"), default="thread", help="what trains")
    parser.add_argument("--json", action="store_true", help="print figures for a program")
    return parser.parse_args()


def load_recipe(call: argparse.Namespace) -> Recipe:
    return Recipe(
        data=DataSettings(name="shapes"),
        architecture=MyNet(blocks=2, width=call.width),
        epochs=EPOCHS,
        device="cpu",
        launcher=call.launcher,
    )


class Pages:
    """The process of the sessions; a page is open between `open` and the end of `report`."""

    def __init__(self, address: str, call: argparse.Namespace) -> None:
        self._command = [sys.executable, "-m", "benchmarks.session_client", address, "--repeat"]
        self._command += ["--sessions", str(call.pages), "--settle", str(call.settle)]
        self._command += ["--seconds", str(call.seconds)]

    def __enter__(self) -> "Pages":
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def open(self) -> None:
        """Returns when all pages are there and have settled."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("open\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SystemExit("the program of the pages has ended") from error
        if self._said() != "measuring":
            raise SystemExit("the pages could not be measured")

    def report(self) -> dict[str, Any]:
        """Waits until they have been measured, and closes them."""
        return json.loads(self._said())

    def _said(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a page failed")
        return line.strip()


def wait_until_trained(run: Run, epochs: int, most_s: float = 600.0) -> None:
    """Wait until the run has trained so many epochs: what is slow once lies behind it then."""
    until = time.monotonic() + most_s
    while (status := run.status()).epoch < epochs:
        if status.state not in ("queued", "running") or time.monotonic() > until:
            raise SystemExit(f"the run is {status.state} after epoch {status.epoch}: {status.message}")
        time.sleep(0.2)


@dataclass(frozen=True)
class Counters:
    """Where the figures come from."""

    run: Run
    info: DatasetInfo
    process: int

    def read(self) -> "Reading":
        images, train_s = work_done(self.run, self.info)
        status = self.run.status()
        if status.state != "running":
            raise SystemExit(f"the run is {status.state}: {status.message}")
        return Reading(time.monotonic(), images, train_s, status.epoch, *cpu_by_thread(self.process))


@dataclass(frozen=True)
class Reading:
    """What had been done at a moment."""

    at: float
    images: int
    train_s: float
    epoch: int
    cpu_s: float
    threads: dict[int, float]

    def images_per_s(self, before: "Reading") -> float:
        if self.images <= before.images or self.train_s <= before.train_s:
            raise SystemExit("the run did not train on while it was measured: take more --seconds")
        return (self.images - before.images) / (self.train_s - before.train_s)

    def cpu(self, before: "Reading") -> float:
        return (self.cpu_s - before.cpu_s) / (self.at - before.at)

    def trainers(self, before: "Reading") -> set[int]:
        """The threads that train, where nobody looks. The process's first one serves the pages."""
        first, least = min(self.threads), TRAINS * (self.cpu_s - before.cpu_s)
        gains = {thread: used - before.threads.get(thread, 0.0) for thread, used in self.threads.items()}
        return {thread for thread, gain in gains.items() if thread != first and gain >= least}

    def cpu_outside(self, before: "Reading", threads: set[int]) -> float:
        """CPU seconds per second of all other threads, of those too that came and went."""
        inside = sum(self.threads[thread] - before.threads[thread] for thread in threads)
        return (self.cpu_s - before.cpu_s - inside) / (self.at - before.at)


def measure_pair(counters: Counters, pages: Pages, call: argparse.Namespace) -> Pair:
    """The run without pages, then with them."""
    time.sleep(call.settle)
    began = counters.read()
    time.sleep(call.seconds)
    ended = counters.read()
    headless = Headless(ended.images_per_s(began), ended.cpu(began))
    trainers = ended.trainers(began)
    pages.open()
    began = counters.read()
    report = pages.report()
    ended = counters.read()
    sessions, seconds = report["sessions"], report["seconds"]
    ticks = [check_session(session, began.epoch, ended.epoch) for session in sessions]
    changes: Counter[str] = Counter()
    for fragment in (fragment for session in sessions for fragment in session["fragments"]):
        changes.update(fragment["changes"])
    return headless, Watched(
        images_per_s=ended.images_per_s(began),
        cpu=ended.cpu(began),
        pages_cpu=ended.cpu_outside(began, trainers),
        client_cpu=report["cpu_s"] / seconds,
        ticks_per_s=min(ticks) / seconds,
        kb_per_s=sum(session["bytes"] for session in sessions) / 1000 / seconds,
        epochs=ended.epoch - began.epoch,
        changes=dict(changes),
    )


def work_done(run: Run, info: DatasetInfo) -> tuple[int, float]:
    """Images trained and seconds spent in training, by the rows of whole epochs and by the status for
    the epoch under way."""
    status = run.status()
    train, batch_size, live = info.counts["train"], run.recipe().batch_size, status.live
    images, train_s, whole = 0, 0.0, status.epoch
    if live is not None:
        whole = live.epoch - 1
        images = min(live.step * batch_size, train)
        train_s = images / live.images_per_s
    for row in run.epochs().rows:
        if row["epoch"] <= whole:
            images += train
            train_s += train / row["images_per_s"]
    return images, train_s


def check_session(session: dict[str, Any], first_epoch: int, last_epoch: int) -> int:
    """How often the charts of this session were renewed. Ends the program where it was not alive."""
    # The sidebar says the epoch too, but no time.
    live = next((part for part in session["fragments"] if "elapsed" in part["text_before"]), None)
    if live is None:
        raise SystemExit(f"a page does not say how far its run is: {session['fragments']}")
    before, after = _epoch_in(live["text_before"]), _epoch_in(live["text"])
    if live["ticks"] == 0 or not live["changes"].get("progress"):
        raise SystemExit(f"a page stood still: {live}")
    if last_epoch > first_epoch:
        # The page names the epoch under way, and may be a tick behind.
        if after < last_epoch:
            raise SystemExit(f"a page shows epoch {after} when epoch {last_epoch} is done: {live}")
        if (after > before and not live["changes"].get("metric")) or not live["changes"].get(
            "vega_lite_chart"
        ):
            raise SystemExit(f"a page's numbers or charts stood still over an epoch's end: {live}")
    return int(live["ticks"])


def _epoch_in(text: str) -> int:
    found = re.search(r"epoch (\d+) of", text)
    if found is None:
        raise SystemExit(f"a page does not say its epoch: {text!r}")
    return int(found[1])


COLUMNS = ("pair", "headless", "watched", "ratio", "CPU headless", "watched", "pages", "clients", "ticks/s")
WIDTHS = (6, 10, 9, 7, 14, 9, 8, 9, 9)


def setting(call: argparse.Namespace, info: DatasetInfo, run: Run) -> str:
    load, status = ", ".join(f"{value:.1f}" for value in os.getloadavg()), run.status()
    return (
        f"{info.counts['train']} train images of {info.image_size} px; my_net, 2 blocks of {call.width} and "
        f"{2 * call.width} channels, batches of {run.recipe().batch_size}; trained in a {call.launcher}; "
        f"{call.pages} Live pages\n"
        f"{os.cpu_count()} cores, load average {load}, this run's own part included; trained on "
        f"{status.device}, {status.precision}\n"
        "images/s in training; CPU seconds per second of the app, of its pages, of the sessions; "
        "ticks per session\n" + _row(COLUMNS)
    )


def _row(cells: tuple[str, ...]) -> str:
    return "".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True))


def line(name: str, headless: Headless, watched: Watched) -> str:
    return _row(
        (
            name,
            f"{headless.images_per_s:.0f}",
            f"{watched.images_per_s:.0f}",
            f"{watched.images_per_s / headless.images_per_s:.3f}",
            f"{headless.cpu:.2f}",
            f"{watched.cpu:.2f}",
            f"{watched.pages_cpu:.3f}",
            f"{watched.client_cpu:.3f}",
            f"{watched.ticks_per_s:.2f}",
        )
    )


def _ratios(pairs: list[Pair]) -> list[float]:
    return [watched.images_per_s / headless.images_per_s for headless, watched in pairs]


def _summary(pairs: list[Pair]) -> dict[str, Any]:
    return {
        "ratio": statistics.median(_ratios(pairs)),
        "headless": [asdict(headless) for headless, _ in pairs],
        "watched": [asdict(watched) for _, watched in pairs],
    }


def total(pairs: list[Pair]) -> str:
    ratios = _ratios(pairs)

    def median(side: int, name: str) -> float:
        return statistics.median(getattr(pair[side], name) for pair in pairs)

    cells = (
        "median",
        f"{median(0, 'images_per_s'):.0f}",
        f"{median(1, 'images_per_s'):.0f}",
        f"{statistics.median(ratios):.3f}",
        f"{median(0, 'cpu'):.2f}",
        f"{median(1, 'cpu'):.2f}",
        f"{median(1, 'pages_cpu'):.3f}",
        f"{median(1, 'client_cpu'):.3f}",
        f"{median(1, 'ticks_per_s'):.2f}",
    )
    changes: Counter[str] = Counter()
    for _, watched in pairs:
        changes.update(watched.changes)
    return (
        f"{_row(cells)}\n"
        f"ratio: {statistics.median(ratios):.3f}, the median of {len(ratios)} pairs from {min(ratios):.3f} "
        f"to {max(ratios):.3f}\n"
        f"epochs that ended beside open pages and were shown by each: {sum(w.epochs for _, w in pairs)}\n"
        f"new contents in all sessions: {', '.join(f'{kind} {n}' for kind, n in changes.items())}; "
        f"{median(1, 'kb_per_s'):.0f} kB/s"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
