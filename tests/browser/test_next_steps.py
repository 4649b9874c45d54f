"""A run that ended, in a browser: its card, a suggestion that opens the form, a click in the tree."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.insight.lineage import lineage
from core.insight.overfit import overfit_marks
from core.runs import Run, RunStore
from tests.browser.servers import Server
from tests.browser.walk import expect_no_failure, open_page, settled, standing
from tests.pages.made_runs import make_run

pytestmark = pytest.mark.timeout(180)
SMOOTH = {"loss": {"label_smoothing": 0.1}, "epochs": 40}


@pytest.fixture
def pair(server: Server) -> tuple[Run, Run]:
    """A run and its child, both finished."""
    library, store = Library(server.data), RunStore(server.runs)
    if not library.list():
        library.import_dataset(ShapesSource(images=200, image_size=28), "shapes", ImportOptions())
    info = library.open("shapes").info
    parent = make_run(store, name="old", info=info, settings={"epochs": 40})
    child = make_run(store, name="new", info=info, parent=parent.id, level=0.9, settings=SMOOTH)
    return parent, child


def test_the_card_says_what_changed_and_what_it_did(
    server: Server, page: Page, pair: tuple[Run, Run]
) -> None:
    open_page(page, f"{server.url}/live?run={pair[1].id}")
    expect(page.get_by_text("clean test", exact=True)).to_be_visible()
    table = page.get_by_test_id("stTable")
    expect(table.filter(has_text="Label smoothing")).to_be_visible()
    before, after = (max(row["val/accuracy"] for row in run.epochs().rows) for run in pair)
    change = f"{(after - before) * 100:+.1f} points"
    expect(table.filter(has_text="Best val accuracy")).to_contain_text(change)
    images = Library(server.data).open("shapes").info.counts["val"]
    [opened] = [mark for mark in overfit_marks(pair[1].epochs().rows, images) if mark.kind == "gap"]
    expect(page.get_by_text(opened.sentence)).to_be_visible()
    expect_no_failure(page)


def test_a_suggestion_opens_the_form_with_its_change(
    server: Server, page: Page, pair: tuple[Run, Run]
) -> None:
    open_page(page, f"{server.url}/live?run={pair[1].id}")
    standing(page.get_by_role("button", name="Set it up").first).click()
    page.wait_for_url(re.compile("/new_run"))
    settled(page)
    expect(page.get_by_role("textbox", name="Why this run?")).to_have_value(
        re.compile("^Add horizontal flip")
    )
    changed = page.get_by_test_id("stTable").filter(has_text="Horizontal flip")
    expect(changed).to_contain_text("Shift")
    expect_no_failure(page)


def test_a_click_in_the_tree_goes_to_the_run(server: Server, page: Page, pair: tuple[Run, Run]) -> None:
    open_page(page, f"{server.url}/compare?view=lineage")
    nodes = lineage(RunStore(server.runs).list())
    row = next(at for at, node in enumerate(nodes) if pair[1].id in {e.id for e in node.group.entries})
    tree = page.get_by_test_id("stDataFrame").last
    tree.scroll_into_view_if_needed()
    # Its cells are drawn on a canvas: rows of equal height below the line of names.
    box = tree.bounding_box()
    assert box
    page.mouse.click(box["x"] + 60, box["y"] + box["height"] * (row + 1.5) / (len(nodes) + 1))
    page.wait_for_url(re.compile(f"/live.*run={nodes[row].entry.id}"))
    expect(page.get_by_role("heading", name=re.compile("^new"))).to_be_visible()
    expect_no_failure(page)
