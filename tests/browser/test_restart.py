"""The app is killed while it trains, and started again: the run is offered, and ends as it would have."""

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.runs import Run, RunStore
from tests.browser.servers import Server, start_server
from tests.browser.test_main_job import wait_for_state
from tests.browser.walk import expect_no_failure, open_page
from tests.unit import tiny

pytestmark = pytest.mark.timeout(180)

EPOCHS = 60
TIMES = ("seconds", "elapsed_s", "images_per_s")


def queued(folder: Path, name: str) -> Run:
    library = Library(folder / "data")
    if not library.list():
        source = ShapesSource(classes=2, images=120, image_size=28)
        library.import_dataset(source, tiny.DATASET, ImportOptions())
    recipe = tiny.recipe(epochs=EPOCHS, augmentations=tiny.AUGMENTATIONS, scheduler={"kind": "cosine"})
    return RunStore(folder / "runs").create(recipe, library.open(tiny.DATASET).info, name=name)


def curve(run: Run) -> list[dict[str, object]]:
    lines = (run.folder / "epochs.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def kill_while_it_trains(server: Server, run: Run) -> int:
    """SIGKILL the app in the middle; returns the epochs that were done."""
    until = time.monotonic() + 60
    while run.status().epoch < 3:
        assert time.monotonic() < until, run.status()
        time.sleep(0.02)
    server.kill()
    status = run.status()
    assert status.state == "interrupted"
    assert 3 <= status.epoch < EPOCHS
    return status.epoch


def test_a_killed_app_offers_its_run_at_the_next_start_and_one_click_resumes(
    page: Page, tmp_path: Path
) -> None:
    whole = queued(tmp_path, "whole")
    server = start_server(tmp_path)
    try:
        wait_for_state(server, whole.id, "finished")
        run = queued(tmp_path, "cut short")
        done = kill_while_it_trains(server, run)
        server = start_server(tmp_path)
        open_page(page, f"{server.url}/data")
        expect(page.get_by_text(f"cut short was interrupted after epoch {done} of {EPOCHS}.")).to_be_visible()
        page.get_by_role("button", name="Resume", exact=True).click()
        expect(page.get_by_text("cut short goes on.")).to_be_visible()
        expect(page.get_by_text("was interrupted after epoch")).to_have_count(0)
        wait_for_state(server, run.id, "finished")
        assert curve(run) == curve(whole)
        assert len(curve(run)) == EPOCHS
        expect_no_failure(page)
    finally:
        server.stop()


def test_asked_to_it_resumes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAU_RESUME", "auto")
    run = queued(tmp_path, "cut short")
    server = start_server(tmp_path)
    try:
        kill_while_it_trains(server, run)
        server = start_server(tmp_path)
        wait_for_state(server, run.id, "finished")
        assert [row["epoch"] for row in curve(run)] == list(range(1, EPOCHS + 1))
    finally:
        server.stop()
