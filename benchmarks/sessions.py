"""Twenty sessions on Live while a run trains: `python -m benchmarks.sessions [--sessions 20] [--minutes 10]`.

An app is started with a folder of its own, and its queue trains my_net on drawn shapes on the CPU. First
the training's speed without and with the sessions in turn (`--pairs` times `--seconds` each, as in
ui_load.py). Then all sessions stay on the run's Live page for `--minutes`: none may meet an error or stand
still, each must have been sent the row of every epoch that ended meanwhile, and the server's memory, open
files and threads are looked at every few seconds. Server, training and sessions share this machine's cores.

Status 1 where a goal is missed: a session failed or was not sent an epoch, the training is too slow beside
them, or memory, open files or threads rise.
"""

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.acting_client import open_session
from benchmarks.process_size import Size, size_of
from benchmarks.served_app import served
from benchmarks.session_client import STILL_S, Session, SessionFailed
from benchmarks.ui_load import (
    Counters,
    Headless,
    Pages,
    Watched,
    line,
    load_recipe,
    measure_pair,
    setting,
    total,
    wait_until_trained,
)
from core.data import ImportOptions, Library, ShapesSource
from core.runs import Run, RunStore

GOAL = 0.85
LEVEL_SHARE = 0.05
"""Memory counts as level where its median over later looks is at most so much above that over earlier ones.
Single looks differ by more: a batch or a page holds up to 100 MB for a moment."""
MORE_HANDLES = 6
"""Two sessions that ended a moment ago still hold three handles each."""
MORE_THREADS = 2
"""As many may be at work for a moment."""


class Watching(Session):
    """A tab on Live that notes of which epochs it was sent a row."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.rows: set[int] = set()
        self.texts: set[str] = set()

    def _take_delta(self, message: ForwardMsg) -> None:
        super()._take_delta(message)
        delta = self._cached.resolve(message).delta
        if delta.WhichOneof("type") != "new_element":
            return
        if delta.new_element.WhichOneof("type") == "vega_lite_chart":
            chart = delta.new_element.vega_lite_chart
            for content in (chart.data.data, *(part.data.data for part in chart.datasets)):
                if content:
                    self.rows |= _epochs_in(content)


def _epochs_in(content: bytes) -> set[int]:
    """The run's own epochs in a chart's rows, an Arrow stream."""
    table = pa.ipc.open_stream(content).read_all()
    if not {"role", "epoch"} <= set(table.column_names):
        return set()
    pairs = zip(table["role"].to_pylist(), table["epoch"].to_pylist(), strict=True)
    return {int(epoch) for role, epoch in pairs if role == "this" and epoch is not None}


@dataclass
class Stay:
    """What a stay of all sessions on the page showed."""

    seconds: float = 0.0
    first_epoch: int = 0
    last_epoch: int = 0
    missed: int = 0
    """Epochs that ended meanwhile and that a session was sent no row of, over all sessions."""
    ticks: int = 0
    sizes: list[Size] = field(default_factory=list)
    """The server at the start and at every look."""


async def stay(address: str, process: int, run: Run, sessions: int, seconds: float, every_s: float) -> Stay:
    """Keep the sessions on the page for so long. Raises SessionFailed."""
    found = Stay()
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_session(Watching(address))) for _ in range(sessions)]
        began, found.first_epoch = time.monotonic(), run.status().epoch
        found.sizes.append(size_of(process))
        while (passed := time.monotonic() - began) < seconds:
            await asyncio.sleep(min(1.0, seconds - passed))
            _check_alive(opened, run)
            if time.monotonic() - began >= every_s * len(found.sizes):
                found.sizes.append(size_of(process))
        found.seconds, found.last_epoch = time.monotonic() - began, run.status().epoch
        ended = set(range(found.first_epoch + 1, found.last_epoch + 1))
        # The last one may be a tick behind.
        until = time.monotonic() + STILL_S
        while (missed := sum(len(ended - session.rows) for session in opened)) and time.monotonic() < until:
            await asyncio.sleep(0.2)
        found.missed = missed
        found.ticks = sum(part.ticks for session in opened for part in session.fragments.values())
    return found


def _check_alive(sessions: Sequence[Session], run: Run) -> None:
    now = asyncio.get_running_loop().time()
    still = sum(now - session.answered_at > STILL_S for session in sessions)
    if still:
        raise SessionFailed(f"{still} of {len(sessions)} sessions got no answer for {STILL_S:.0f} s.")
    if (state := run.status().state) != "running":
        raise SessionFailed(f"The run is {state}.")


def main() -> int:
    """Measure and print."""
    call = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plateau-sessions-"))
        runs, data = Path(folder, "runs"), Path(folder, "data")
        source = ShapesSource(images=call.images, image_size=32)
        info = Library(data).import_dataset(source, "shapes", ImportOptions())
        run = RunStore(runs).create(load_recipe(call), info)
        url, process = stack.enter_context(served(runs, data))
        address = f"{url}/live?run={run.id}"
        wait_until_trained(run, epochs=1)
        counters = Counters(run, info, process)
        pairs: list[tuple[Headless, Watched]] = []
        if call.pairs:
            pages = stack.enter_context(Pages(address, call))
            print(setting(call, info, run), flush=True)
        for number in range(1, call.pairs + 1):
            pairs.append(measure_pair(counters, pages, call))
            print(line(str(number), *pairs[-1]), flush=True)
        if pairs:
            print(total(pairs), flush=True)
        try:
            before = counters.read()
            found = asyncio.run(
                stay(address, process, run, call.sessions, 60 * call.minutes, call.sample_seconds)
            )
            speed = counters.read().images_per_s(before)
        except SessionFailed as error:
            print(f"a session failed: {error}")
            return 1
    _print(call, found, speed)
    ratios = [watched.images_per_s / headless.images_per_s for headless, watched in pairs]
    missed = missed_goals(found, ratios)
    print("\n".join(f"goal missed: {what}" for what in missed) or "all goals reached")
    return 1 if missed else 0


def missed_goals(found: Stay, ratios: Sequence[float]) -> list[str]:
    """What does not come up to the goals, in words; `ratios` are of the training's speed, with the sessions
    to without."""
    missed = [f"{found.missed} rows of epochs were not sent"] if found.missed else []
    if ratios and statistics.median(ratios) < GOAL:
        missed.append(f"training speed with the sessions {statistics.median(ratios):.3f}, not {GOAL}")
    return missed + risen(*quarters(found.sizes))


def quarters(sizes: Sequence[Size]) -> tuple[Sequence[Size], Sequence[Size]]:
    """The second quarter of the looks, when all has been used once, and the last one; empty where they are
    too few."""
    quarter = len(sizes) // 4
    return sizes[quarter : 2 * quarter], sizes[len(sizes) - quarter :]


def risen(early: Sequence[Size], late: Sequence[Size]) -> list[str]:
    """What of memory, open files and threads is not level between earlier and later looks, in words."""
    if not early or not late:
        return []
    before, after = (statistics.median(size.rss_mb for size in looks) for looks in (early, late))
    found = []
    if after > before * (1 + LEVEL_SHARE):
        found.append(f"memory rose from {before:.0f} to {after:.0f} MB")
    for name, more in (("handles", MORE_HANDLES), ("threads", MORE_THREADS)):
        least, most = (max(getattr(size, name) for size in looks) for looks in (early, late))
        if most > least + more:
            found.append(f"{name} rose from {least} to {most}")
    return found


def _print(call: argparse.Namespace, found: Stay, speed: float) -> None:
    epochs = found.last_epoch - found.first_epoch
    print(
        f"\n{call.sessions} sessions for {found.seconds:.0f} s: 0 errors, {found.ticks} ticks, {epochs} "
        f"epochs ended, {found.missed} of {epochs * call.sessions} rows missed; {speed:.0f} images/s in "
        "training\n"
        f"load average {', '.join(f'{value:.1f}' for value in os.getloadavg())}\nthe server:"
    )
    per_line = max(1, round(60 / call.sample_seconds))
    for first in range(0, len(found.sizes), per_line):
        looks = found.sizes[first : first + per_line]
        memory = [size.rss_mb for size in looks]
        handles, threads = max(size.handles for size in looks), max(size.threads for size in looks)
        print(
            f"  from {first * call.sample_seconds / 60:4.1f} min {statistics.median(memory):5.0f} MB "
            f"({min(memory):.0f} to {max(memory):.0f}), {handles} handles, {threads} threads"
        )
    early, late = (
        statistics.median([size.rss_mb for size in looks] or [0]) for looks in quarters(found.sizes)
    )
    print(f"memory, median of the second and the last quarter: {early:.0f} and {late:.0f} MB")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long all of them stay")
    parser.add_argument("--pairs", type=int, default=5, help="speed measurements, without and with")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each of these measurements")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds before each of them")
    parser.add_argument("--images", type=int, default=10_000, help="of the data set, all its splits")
    parser.add_argument("--width", type=int, default=32, help="channels of the network's first block")
    parser.add_argument("--launcher", choices=("thread", "process"), default="thread", help="what trains")
    parser.add_argument("--sample-seconds", type=float, default=5.0, help="between two looks at the server")
    call = parser.parse_args()
    call.pages = call.sessions
    return call


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
