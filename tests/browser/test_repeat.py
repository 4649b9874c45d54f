"""Repeats in a browser: one click queues them, they appear, and they train."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.recipe import Recipe
from core.runs import RunStore
from tests.browser.servers import Server
from tests.browser.test_main_job import wait_for_state
from tests.browser.walk import expect_no_failure, open_page, set_number, settled
from tests.unit import tiny
from ui.repeat import DOUBLE_CLICK_S

pytestmark = pytest.mark.timeout(180)


def queued(server: Server, recipe: Recipe, name: str) -> str:
    """The id of a run that waits for the app to train it."""
    library = Library(server.data)
    if not library.list():
        source = ShapesSource(classes=2, images=120, image_size=28)
        library.import_dataset(source, tiny.DATASET, ImportOptions())
    return RunStore(server.runs).create(recipe, library.open(tiny.DATASET).info, name=name).id


def run_named(server: Server, name: str) -> str:
    return next(entry.id for entry in RunStore(server.runs).list() if entry.name == name)


def names(server: Server) -> list[str]:
    return sorted(entry.name for entry in RunStore(server.runs).list())


def test_one_click_on_repeat_queues_the_other_seeds_and_they_train(server: Server, page: Page) -> None:
    run = queued(server, tiny.recipe(seed=0), "narrow")
    wait_for_state(server, run, "finished")
    open_page(page, f"{server.url}/compare?runs={run}")
    page.get_by_role("button", name="Repeat × 2", exact=True).click()
    expect(page.get_by_text("Queued: narrow again, seeds 1 and 2.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"3 of 3 runs"))).to_be_visible()
    assert names(server) == ["narrow", "narrow, seed 1", "narrow, seed 2"]
    page.get_by_role("button", name="Open seed 1").click()
    page.wait_for_url(re.compile(rf"/live.*run={run_named(server, 'narrow, seed 1')}"))
    for entry in RunStore(server.runs).list():
        wait_for_state(server, entry.id, "finished")
    results = {
        (path / "recipe.json").read_text(): json.loads((path / "status.json").read_text())["best"]
        for path in server.runs.iterdir()
        if (path / "recipe.json").exists()
    }
    assert len(results) == 3 and all(results.values())
    expect_no_failure(page)


def test_a_double_click_queues_once_and_a_number_just_typed_counts(server: Server, page: Page) -> None:
    run = queued(server, tiny.recipe(seed=0, epochs=3), "long")
    wait_for_state(server, run, "finished")
    open_page(page, f"{server.url}/compare?runs={run}")
    # Without Enter: the click takes the number with it.
    page.get_by_role("spinbutton", name="More seeds").fill("1")
    page.get_by_role("button", name="Repeat × 2", exact=True).click()
    expect(page.get_by_text("Queued: long again, seed 1.")).to_be_visible()
    page.wait_for_timeout(1000 * DOUBLE_CLICK_S)
    page.get_by_role("button", name="Repeat × 1", exact=True).dblclick(delay=100)
    expect(page.get_by_text("Queued: long again, seed 2.")).to_be_visible()
    page.wait_for_timeout(1000 * DOUBLE_CLICK_S)
    settled(page)
    assert [name for name in names(server) if "long" in name] == ["long", "long, seed 1", "long, seed 2"]
    expect_no_failure(page)


def test_a_launch_with_repeats_queues_them_all(server: Server, page: Page) -> None:
    queued(server, tiny.recipe(seed=0), "there is a data set")
    open_page(page, f"{server.url}/new_run?data={tiny.DATASET}")
    before = len(names(server))
    set_number(page, re.compile("^Epochs"), "1")
    set_number(page, re.compile("^Seeds"), "3")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/live\?run="))
    assert len(names(server)) == before + 3
    expect_no_failure(page)
