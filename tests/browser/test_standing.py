"""What a page shows stands from its first frame on where it will stay."""

import json

import pytest
from playwright.sync_api import Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.runs import RunStore
from tests.browser.servers import Server
from tests.browser.walk import expect_no_failure, open_page
from tests.pages.made_runs import make_run

pytestmark = pytest.mark.timeout(180)
CHART = '[data-testid="stVegaLiteChart"]'
TITLE, LEFT, RIGHT = "h1", ".st-key-room_live_charts", ".st-key-live_loss_charts"


@pytest.fixture
def runs(server: Server) -> list[str]:
    library, store = Library(server.data), RunStore(server.runs)
    if not library.list():
        library.import_dataset(ShapesSource(images=200, image_size=28), "shapes", ImportOptions())
    info = library.open("shapes").info
    return [make_run(store, info=info, settings={"seed": seed}).id for seed in range(3)]


def watch(page: Page, *spots: str) -> None:
    """From now on, each spot's top and height are written down in every frame in which it is there."""
    page.add_init_script(
        f"""window.seen = {{}};
        const look = () => {{
          for (const spot of {json.dumps(spots)}) {{
            const box = document.querySelector(spot)?.getBoundingClientRect();
            if (box) (window.seen[spot] ??= []).push([box.top, box.height]);
          }}
          requestAnimationFrame(look);
        }};
        look();"""
    )


def moved_px(page: Page, spot: str) -> tuple[float, float]:
    """By how much the spot's top moved at most, and how much its height changed."""
    tops, heights = zip(*page.evaluate("(spot) => window.seen[spot]", spot), strict=True)
    assert len(tops) > 5
    return max(tops) - min(tops), max(heights) - min(heights)


def test_lives_charts_have_their_room_before_they_are_drawn(
    server: Server, page: Page, runs: list[str]
) -> None:
    watch(page, TITLE, LEFT, RIGHT)
    open_page(page, f"{server.url}/live?run={runs[0]}")
    expect(page.locator(f"{CHART} .marks")).to_have_count(4)
    page.wait_for_timeout(300)
    assert moved_px(page, TITLE)[0] <= 1
    assert moved_px(page, LEFT)[1] <= 2 and moved_px(page, RIGHT)[1] <= 2
    expect_no_failure(page)


def test_the_curves_of_a_link_stand_where_they_stay_while_the_page_comes_around_them(
    server: Server, page: Page, runs: list[str]
) -> None:
    watch(page, TITLE, CHART)
    open_page(page, f"{server.url}/compare?runs={','.join(runs[:2])}")
    expect(page.get_by_role("radio", name="Learning rate")).to_be_visible()
    expect(page.get_by_role("button", name="Deselect all")).to_be_visible()
    page.wait_for_timeout(300)
    assert moved_px(page, TITLE)[0] <= 1 and moved_px(page, CHART)[0] <= 3
    expect_no_failure(page)
