"""What one open Live page costs the server: `python -m benchmarks.live_tick [--epochs N]`.

A run with N epochs is made and held as a trainer would hold it; a headless Chromium opens its Live
page on a real server. Printed is the server process's CPU time per tick (one a second), with the
page open less without it, in which nothing trains.
"""

import argparse
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.served_app import cpu_by_thread, served
from core.data import ImportOptions, Library, ShapesSource
from core.recipe import DataSettings, Recipe
from core.runs import Run, RunStore
from core.runs.lock import hold
from core.runs.rows import append_row
from core.runs.status import Live, write_status
from tests.browser.chromium import find_chromium


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    call = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, data = Path(folder, "runs"), Path(folder, "data")
        info = Library(data).import_dataset(
            ShapesSource(images=200, image_size=28), "shapes", ImportOptions()
        )
        recipe = Recipe(data=DataSettings(name="shapes"), epochs=2 * call.epochs)
        run = RunStore(runs).create(recipe, info, queue=False)
        make_running(run, call.epochs)
        with hold(run.lock_path, busy="held"):
            idle, ticking = measure(runs, data, run.id, call.seconds)
    print(f"epochs shown: {call.epochs}")
    print(f"server CPU without a page: {idle * 1000:.1f} ms per second")
    print(f"server CPU with Live open: {ticking * 1000:.1f} ms per second")
    print(f"one tick: {(ticking - idle) * 1000:.1f} ms")


def make_running(run: Run, epochs: int) -> None:
    """Rows and a status such as a trainer leaves in the middle of a run."""
    for epoch in range(1, epochs + 1):
        level = 1 - 1 / (epoch + 1)
        row = {
            "epoch": epoch,
            "lr": 0.1 * (1 - epoch / (2 * epochs)),
            "train/loss": 2.3 * (1 - level) + 0.1,
            "train/accuracy": 0.9 * level,
            "train/clean_accuracy": 0.95 * level,
            "train/clean_loss": 2.2 * (1 - level) + 0.1,
            "val/loss": 2.4 * (1 - level) + 0.3,
            "val/accuracy": 0.8 * level,
            "seconds": 2.0,
            "elapsed_s": 2.0 * epoch,
            "images_per_s": 2000.0,
        }
        append_row(run.folder / "epochs.jsonl", row)
    status = run.status()
    status.state, status.epoch = "running", epochs
    status.live = Live(
        epoch=epochs + 1,
        step=5,
        steps=50,
        phase="training",
        train_loss=0.5,
        train_accuracy=0.8,
        lr=0.05,
        images_per_s=2000.0,
    )
    write_status(run.folder, status)


def measure(runs: Path, data: Path, run_id: str, seconds: int) -> tuple[float, float]:
    """Seconds of CPU per second of a real server: without a page, and with Live open."""
    with served(runs, data) as (address, process):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"{address}/live?run={run_id}")
            page.wait_for_selector(".vega-embed")
            time.sleep(5)
            ticking = cpu_per_second(process, seconds)
            browser.close()
        time.sleep(5)
        idle = cpu_per_second(process, seconds)
    return idle, ticking


def cpu_per_second(process: int, seconds: int) -> float:
    """CPU seconds that a process uses per second."""
    before, began = cpu_by_thread(process)[0], time.monotonic()
    time.sleep(seconds)
    return (cpu_by_thread(process)[0] - before) / (time.monotonic() - began)


if __name__ == "__main__":
    main()
