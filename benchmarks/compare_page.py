"""How fast Compare is with many runs, in a real browser, beside Streamlit's own floor.

    python -m benchmarks.compare_page [--runs 1000] [--rounds 5] [--json]

Made are so many runs of 100 epochs (many_runs.py); served are Plateau and three tiny Streamlit apps: a
table of as many rows, a chart of ten lines, two pages and a box to tick. In every round each figure is
taken of both, in turn: in a browser with empty caches, and in one that has been there before. Times are
taken inside the page (page_times.py). Printed are medians, and what Plateau takes more than the floor.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from benchmarks.floor_apps import KINDS, floor_app
from benchmarks.machine import cpu_name
from benchmarks.many_runs import make_workspace
from benchmarks.page_times import (
    ARGUMENTS,
    VIEW,
    cells,
    click_row,
    done_s,
    lines_s,
    open_page,
    settle,
    table_s,
    watched,
)
from benchmarks.served_app import served
from core.runs import RunStore
from tests.browser.chromium import find_chromium

PICKED = 10
WARM_VISITS = 3
"""After so many visits a browser has the scripts and their compiled code in its cache."""
GOALS = {
    "table, fresh browser": 0.3,
    "table, returning browser": 0.3,
    "link to 10 runs, fresh browser": 0.3,
    "link to 10 runs, returning browser": 0.3,
}
"""Seconds above the floor."""
LIMITS = {"click to redrawn chart": 0.4, "switching to the page": 0.7}
"""Seconds."""


@dataclass
class Times:
    """Seconds of Plateau and of the floor, by what was measured; and of single interactions."""

    plateau: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    floor: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    interactions: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Places:
    """Addresses of what is measured."""

    app: str
    table: str
    chart: str
    pages: str
    runs: int
    newest: tuple[str, ...]
    """The ids of the runs at the table's top."""

    def compare(self, picked: int = 0) -> str:
        """The page with so many runs selected."""
        return f"{self.app}/compare" + (f"?runs={','.join(self.newest[:picked])}" if picked else "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print figures for a program")
    call = parser.parse_args()
    # So that what was started is ended, whoever ends this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plateau-compare-")))
        made, wrote_s = make_workspace(folder, call.runs, call.epochs)
        app, process = stack.enter_context(served(folder / "runs", folder / "data"))
        newest = tuple(entry.id for entry in RunStore(folder / "runs").list()[:PICKED])
        table, chart, pages = (stack.enter_context(floor_app(folder, kind, call.runs)) for kind in KINDS)
        playwright = stack.enter_context(sync_playwright())
        memory = {"after the start": resident_mb(process)}
        places = Places(app, table, chart, pages, call.runs, newest)
        times = measure(playwright, places, call.rounds, folder, memory, process)
        memory["at the end"] = resident_mb(process)
    report = {
        "runs": len(made),
        "written_s": wrote_s,
        "memory_mb": memory,
        "plateau": times.plateau,
        "floor": times.floor,
        "interactions": times.interactions,
    }
    print(json.dumps(report, indent=1) if call.json else _text(report))


def measure(
    playwright: Playwright, places: Places, rounds: int, folder: Path, memory: dict[str, float], process: int
) -> Times:
    """All times, in turn."""
    times = Times()
    with _browser(playwright) as browser:
        # The first visit loads the server's own modules: that is the app at rest.
        with _fresh(browser) as context:
            settle(open_page(context, f"{places.app}/classify"))
            memory["at rest"] = resident_mb(process)
            for address in (places.table, places.chart, f"{places.pages}/table", places.compare(2)):
                settle(open_page(context, address))
        for _ in range(rounds):
            with _fresh(browser) as context:
                _first_sights(context, places, times, "fresh browser")
    with _returning(playwright, folder / "browser", places) as context:
        for _ in range(rounds):
            _first_sights(context, places, times, "returning browser")
        for _ in range(rounds):
            _by_click(context, places, times)
            _by_switching(context, places, times)
        for _ in range(rounds):
            _interactions(context, places, times)
    return times


def resident_mb(process: int) -> float:
    """Memory of a process in MB of 1,000,000 bytes (Linux)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("the app is gone")


@contextmanager
def _browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
    yield browser
    browser.close()


@contextmanager
def _fresh(browser: Browser) -> Iterator[BrowserContext]:
    """Empty caches."""
    context = watched(browser.new_context(viewport=VIEW))  # type: ignore[arg-type]
    yield context
    context.close()


@contextmanager
def _returning(playwright: Playwright, folder: Path, places: Places) -> Iterator[BrowserContext]:
    """A browser that was closed after some visits, and opened again."""

    def opened() -> BrowserContext:
        return playwright.chromium.launch_persistent_context(
            folder,
            executable_path=find_chromium(),
            args=ARGUMENTS,
            viewport=VIEW,  # type: ignore[arg-type]
        )

    context = watched(opened())
    for _ in range(WARM_VISITS):
        for address in (places.compare(PICKED), places.table, places.chart, f"{places.pages}/table"):
            page = open_page(context, address)
            settle(page)
            page.close()
    context.close()
    context = watched(opened())
    yield context
    context.close()


def _first_sights(context: BrowserContext, places: Places, times: Times, browser: str) -> None:
    """From a navigation to the table, and to ten curves."""
    for side, address in ((times.floor, places.table), (times.plateau, places.compare())):
        page = open_page(context, address)
        side[f"table, {browser}"].append(table_s(page))
        if side is times.plateau:
            _check_table(page)
        page.close()
    # Of so many runs Plateau draws val, until one asks for train.
    for side, address in ((times.floor, places.chart), (times.plateau, places.compare(PICKED))):
        page = open_page(context, address)
        side[f"link to {PICKED} runs, {browser}"].append(lines_s(page, PICKED))
        page.close()


def _check_table(page: Page) -> None:
    """Whether what stood there was the runs, with best val and its epoch."""
    found = cells(page)
    if not any("%" in text for text in found) or not any("my_net" in text for text in found):
        raise SystemExit(f"the table does not show the runs: {found[:40]}")


def _by_click(context: BrowserContext, places: Places, times: Times) -> None:
    """One more run is selected."""
    page = open_page(context, f"{places.pages}/click")
    settle(page)
    page.evaluate("window.startAtNextClick()")
    page.get_by_text("ten", exact=True).click()
    times.floor["click to redrawn chart"].append(lines_s(page, PICKED))
    page.close()
    page = open_page(context, places.compare(PICKED - 1))
    settle(page)
    click_row(page, PICKED - 1)
    times.plateau["click to redrawn chart"].append(lines_s(page, PICKED))
    page.close()


def _by_switching(context: BrowserContext, places: Places, times: Times) -> None:
    """From another page by the navigation."""
    both = (
        (times.floor, places.pages, "table"),
        (times.plateau, f"{places.app}/classify", "Compare"),
    )
    for side, address, name in both:
        page = open_page(context, address)
        settle(page)
        page.evaluate("window.startAtNextClick()")
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
        side["switching to the page"].append(table_s(page))
        page.close()


def _interactions(context: BrowserContext, places: Places, times: Times) -> None:
    """What a person does on the page, each until nothing changes any more."""
    page = open_page(context, places.compare(PICKED))
    settle(page)

    def take(name: str, act: Callable[[], object], *, typed: bool = False) -> None:
        page.evaluate("window.startNow()" if typed else "window.startAtNextClick()")
        act()
        times.interactions[name].append(done_s(page))

    def text(words: str) -> Callable[[], object]:
        def act() -> None:
            page.get_by_role("textbox", name="Find").fill(words)
            page.get_by_role("textbox", name="Find").press("Enter")

        return act

    def press(role: str, name: str) -> Callable[[], object]:
        return lambda: page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]

    take("find by a word", text("sgd"), typed=True)
    take("find by a setting", text("lr<0.01"), typed=True)
    take("find all again", text(""), typed=True)
    take("loss instead of accuracy", press("radio", "Loss"))
    take("over time", press("radio", "Time"))
    take("a run less", lambda: click_row(page, 0))
    take("a run more", lambda: click_row(page, 0))
    take("groups: scatter of ten", press("radio", "Groups"))
    take("groups: scatter of all", press("radio", f"In the table ({places.runs})"))
    take("groups: parallel coordinates", press("radio", "Parallel coordinates"))
    take("lineage", press("radio", "Lineage"))
    take("deselect all", press("button", "Deselect all"))
    take("curves again", press("radio", "Curves"))
    page.close()
    page = open_page(context, places.compare(2))
    settle(page)
    take("what changed, is it real", press("radio", "What changed"))
    page.close()


def _text(report: dict) -> str:
    lines = [
        f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}",
        f"{report['runs']} runs written in {report['written_s']:.1f} s",
        "memory of the server: " + ", ".join(f"{k} {v:.0f} MB" for k, v in report["memory_mb"].items()),
        f"{'seconds, medians':38}{'Plateau':>9}{'floor':>9}{'more':>9}{'goal':>16}",
    ]
    for name, values in report["plateau"].items():
        ours, floor = statistics.median(values), statistics.median(report["floor"][name])
        goal = f"+{GOALS[name]} at most" if name in GOALS else f"{LIMITS[name]} at most"
        lines.append(f"{name:38}{ours:9.2f}{floor:9.2f}{ours - floor:+9.2f}{goal:>16}")
    every = sorted(value for values in report["interactions"].values() for value in values)
    if every:
        slow = every[min(len(every) - 1, round(0.95 * len(every)))]
        lines.append(f"{len(every)} interactions: 95 % within {slow:.2f} s (goal 1.00)")
        lines += [f"  {name}: {statistics.median(v):.2f} s" for name, v in report["interactions"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
