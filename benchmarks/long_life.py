"""Does the app hold out? `python -m benchmarks.long_life [sessions] [runs] [rows]`; all three by default.

- `sessions`: `--sessions` sessions, some at a time, each opens Classify, uploads two images of its own and
  reads the answers. In `--rounds` rounds, each followed by the two minutes after which Streamlit forgets a
  closed session: what a round leaves behind must not grow from round to round.
- `runs`: `--runs` short runs, one after the other, in one server process.
- `rows`: one run with `--rows` epochs, on Live while it trains, and on Compare beside another, in
  `--rounds` rounds, each followed by the same two minutes.

Printed are memory, open files and threads of the server's process; of `rows` also times and the largest
message, which Streamlit limits. Each part has an app of its own. Status 1 where a session failed, where
memory, open files or threads rise after the first half, or where a message is too large.
"""

import argparse
import asyncio
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from benchmarks.acting_client import ActingSession, opened
from benchmarks.live_tick import make_running
from benchmarks.process_size import Size, size_of
from benchmarks.served_app import served
from benchmarks.session_client import SessionFailed
from benchmarks.sessions import quarters, risen
from core.data import DatasetInfo, ImportOptions, Library, ShapesSource
from core.models import MyNet
from core.recipe import DataSettings, Recipe
from core.runs import Run, RunStore, train
from core.runs.lock import hold
from core.runs.rows import read_rows

PARTS = ("sessions", "runs", "rows")
LONG_S = 600.0
"""A page of a million rows may take so long; that it does is among the figures."""
FORGOTTEN_S = 20.0
"""So long after its time a closed session is surely gone: Streamlit looks once in a while."""


@dataclass(frozen=True)
class Place:
    """An app that runs, its folders, and a data set."""

    url: str
    process: int
    store: RunStore
    library: Library
    info: DatasetInfo

    def size(self) -> Size:
        return size_of(self.process)

    def recipe(self, epochs: int, seed: int = 0) -> Recipe:
        return Recipe(
            data=DataSettings(name=self.info.name),
            architecture=MyNet(blocks=1, width=8),
            epochs=epochs,
            device="cpu",
            seed=seed,
        )


@contextmanager
def place(images: int = 400) -> Iterator[Place]:
    """An app in a folder of its own that goes in the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plateau-long-")))
        library, store = Library(folder / "data"), RunStore(folder / "runs")
        info = library.import_dataset(ShapesSource(images=images, image_size=28), "shapes", ImportOptions())
        store.folder.mkdir()
        url, process = stack.enter_context(served(store.folder, library.folder))
        yield Place(url, process, store, library, info)


def picture(number: int, side: int = 160) -> bytes:
    """A PNG that no other number has."""
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


async def classify(address: str, number: int) -> None:
    """One session: it uploads two images and gets both answered. Raises SessionFailed."""
    async with opened(address) as session:
        await session.until(lambda: "Images" in session.uploaders)
        files = {f"mine-{number}-{part}.png": picture(2 * number + part) for part in range(2)}
        await session.upload("Images", files)
        await session.until(lambda: all(any(name in body for body in session.html) for name in files), 30.0)


async def upload_sessions(address: str, first: int, sessions: int, at_once: int) -> None:
    """Sessions with uploads, so many at a time."""
    places = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with places:
            await classify(address, number)

    await asyncio.gather(*(one(number) for number in range(first, first + sessions)))


def measure_sessions(call: argparse.Namespace) -> list[str]:
    """The part `sessions`; which goals it misses."""
    per_round = max(1, call.sessions // call.rounds)
    with place() as here:
        run = here.store.create(here.recipe(2), here.info, queue=False)
        train(run, here.library)
        address = f"{here.url}/classify?run={run.id}"
        print(f"sessions with uploads, {call.at_once} at a time\n  {'before any':26}{here.size()}")
        sizes = []
        for number in range(call.rounds):
            began = time.monotonic()
            asyncio.run(upload_sessions(address, number * per_round, per_round, call.at_once))
            took_s, done = time.monotonic() - began, (number + 1) * per_round
            print(f"  {f'after {done} sessions':26}{here.size()}; {took_s:.0f} s", flush=True)
            sizes.append(when_forgotten(here, call.forget))
    return risen(*quarters(sizes))


def when_forgotten(here: Place, forget_s: int) -> Size:
    """The server's size when it holds nothing any more of the sessions that closed; printed."""
    time.sleep(forget_s + FORGOTTEN_S)
    size = here.size()
    print(f"  {'when they are forgotten':26}{size}", flush=True)
    return size


def train_in_a_row(here: Place, runs: int, epochs: int, seen: Callable[[int, Size], None]) -> None:
    """Queue so many runs, and tell of the server's size after each."""
    waiting = [here.store.create(here.recipe(epochs, seed), here.info) for seed in range(runs)]
    for number, run in enumerate(waiting, start=1):
        until = time.monotonic() + 120
        while (status := run.status()).state != "finished":
            if status.state == "failed" or time.monotonic() > until:
                raise SystemExit(f"run {number} is {status.state}: {status.message}")
            time.sleep(0.02)
        seen(number, here.size())


def measure_runs(call: argparse.Namespace) -> list[str]:
    """The part `runs`; which goals it misses."""
    sizes: list[Size] = []
    shown = {1, 5, *range(10, call.runs + 1, 10), call.runs // 2, call.runs}
    with place() as here:
        print(f"runs in a row, {call.epochs} epochs each\n  {'before any':26}{here.size()}")

        def tell(number: int, size: Size) -> None:
            sizes.append(size)
            if number in shown:
                print(f"  {f'after {number} runs':26}{size}", flush=True)

        train_in_a_row(here, call.runs, call.epochs, tell)
    return risen(*quarters(sizes))


def write_many_rows(run: Run, rows: int) -> None:
    """A run in training with so many epochs behind it, rows as a trainer writes them."""
    make_running(run, 2)
    path = run.folder / "epochs.jsonl"
    pattern = json.loads(path.read_text().splitlines()[-1])
    noise = np.random.default_rng(0).normal(0, 0.01, rows).round(5).tolist()
    with path.open("w", encoding="ascii") as file:
        for epoch in range(1, rows + 1):
            level = 0.6 - 0.4 / (1 + epoch / 1000) + noise[epoch - 1]
            pattern |= {"epoch": epoch, "val/accuracy": level, "elapsed_s": 2.0 * epoch}
            file.write(json.dumps(pattern) + "\n")
    status = run.status()
    status.state, status.epoch, status.epochs = "running", rows, 2 * rows
    if status.live:
        status.live.epoch = rows + 1
    (run.folder / "status.json").write_text(status.model_dump_json())


@dataclass(frozen=True)
class Shown:
    """A page with a long run on it."""

    first_s: float
    """Until the page stood."""
    tick_s: float
    """Between two renewals."""
    largest: int
    """Bytes of the largest message."""


async def look(address: str, ticks: int) -> Shown:
    """Open a page, let it renew itself so often, and see what came. Raises SessionFailed."""
    began = time.monotonic()
    async with opened(address, LONG_S) as session:
        await session.until(lambda: session.charts, LONG_S)
        first_s = time.monotonic() - began
        began, before = time.monotonic(), _ticks(session)
        if ticks:
            await session.until(lambda: _ticks(session) >= before + ticks, LONG_S)
        return Shown(first_s, (time.monotonic() - began) / max(1, ticks), session.largest)


def _ticks(session: ActingSession) -> int:
    return max((part.ticks for part in session.fragments.values()), default=0)


def look_at_pages(here: Place, run: Run, other: Run, limit: int) -> list[str]:
    """Live with a run that trains, then Compare with it and another; which messages are too large."""
    missed: list[str] = []
    for name, page, ticks in (
        ("Live, while it trains", f"live?run={run.id}", 5),
        ("Compare with another", f"compare?runs={run.id},{other.id}", 0),
    ):
        shown = asyncio.run(look(f"{here.url}/{page}", ticks))
        if shown.largest > limit:
            missed.append(f"{name}: a message of {shown.largest / 1e6:.0f} MB")
        tick = f"a tick every {shown.tick_s:.1f} s; " if ticks else ""
        print(
            f"  {name:26}{here.size()}; there after {shown.first_s:.1f} s; {tick}largest message "
            f"{shown.largest / 1e3:.0f} kB, {shown.largest / limit:.2%} of the limit",
            flush=True,
        )
    return missed


def measure_rows(call: argparse.Namespace) -> list[str]:
    """The part `rows`; which goals it misses."""
    limit = int(st.get_option("server.maxMessageSize")) * 1_000_000
    sizes: list[Size] = []
    missed: list[str] = []
    with place() as here:
        other = here.store.create(here.recipe(2), here.info, queue=False)
        train(other, here.library)
        run = here.store.create(here.recipe(2), here.info, queue=False)
        with hold(run.lock_path, busy="held"):
            write_many_rows(run, call.rows)
            size = (run.folder / "epochs.jsonl").stat().st_size
            began = time.monotonic()
            read = len(read_rows(run.folder / "epochs.jsonl").rows)
            print(
                f"one run with {read} rows, {size / 1e6:.0f} MB; read in {time.monotonic() - began:.1f} s\n"
                f"  {'before any page':26}{here.size()}",
                flush=True,
            )
            for _ in range(call.rounds):
                missed += look_at_pages(here, run, other, limit)
                sizes.append(when_forgotten(here, call.forget))
    return missed + risen(*quarters(sizes))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--forget", type=int, default=120, help="seconds until a closed one is forgotten")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=3, help="of each of these runs")
    parser.add_argument("--rows", type=int, default=1_000_000)
    call = parser.parse_args()
    if call.rounds < 4 or call.runs < 4:
        parser.error("--rounds and --runs must be at least 4: the second quarter is compared with the last")
    if unknown := set(call.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    # The app takes it from the environment.
    os.environ["STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL"] = str(call.forget)
    measures = {"sessions": measure_sessions, "runs": measure_runs, "rows": measure_rows}
    missed = []
    try:
        for part in call.parts or PARTS:
            missed += [f"{part}: {what}" for what in measures[part](call)]
    except SessionFailed as error:
        print(f"a session failed: {error}")
        return 1
    print("\n".join(f"goal missed: {what}" for what in missed) or "all goals reached")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
