"""The verdict in a browser: two runs or two groups in a link, their sentence, its chart, how it is judged."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.insight.verdict import judge
from core.runs import RunEntry, RunStore
from tests.browser.servers import Server
from tests.browser.walk import expect_no_failure, open_page
from tests.pages.made_runs import data_info
from tests.unit.insight.judged_runs import hits_of, judged_run

pytestmark = pytest.mark.timeout(120)

N = 1500
DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


@pytest.fixture
def store(server: Server) -> Iterator[RunStore]:
    store = RunStore(server.runs)
    yield store
    for entry in store.list():
        store.delete(entry.run)


def open_verdict(server: Server, page: Page, *runs: RunEntry) -> Locator:
    """Follow a link to these runs; the panel of their verdict."""
    open_page(page, f"{server.url}/compare?runs={','.join(run.id for run in runs)}&view=changed")
    panel = page.get_by_test_id("stVerticalBlock").filter(has_text="Is it real?").last
    expect(panel).to_be_visible()
    return panel


def badge(panel: Locator) -> Locator:
    return panel.locator(".stMarkdownBadge")


def chart_of(panel: Locator) -> Locator:
    return panel.locator(".vega-embed canvas, .vega-embed svg")


def expect_chart(panel: Locator) -> None:
    """It is drawn, and wide enough to be read."""
    expect(chart_of(panel)).to_have_count(1)
    expect(chart_of(panel)).to_be_visible()
    box = chart_of(panel).bounding_box()
    assert box and box["width"] > 300 and box["height"] > 80


def test_a_link_to_two_runs_shows_whether_their_difference_is_real(
    server: Server, page: Page, store: RunStore
) -> None:
    hits = hits_of(N, 900, 60, 100)
    before = judged_run(store, hits[0], name="without dropout")
    after = judged_run(store, hits[1], name="with dropout", settings=DROPOUT)
    found = judge([before], [after])
    panel = open_verdict(server, page, before, after)
    expect(badge(panel)).to_contain_text("better")
    expect(panel.get_by_role("heading", name=found.sentence)).to_be_visible()
    expect(panel.get_by_text(found.smallest_sentence)).to_be_visible()
    expect_chart(panel)
    panel.get_by_role("button", name="How this is judged").click()
    told = page.get_by_role("dialog")
    expect(told.get_by_text("Tango's score interval for paired shares")).to_be_visible()
    expect(told.get_by_text("McNemar 1947, Psychometrika 12:153")).to_be_attached()
    expect_no_failure(page)


def test_two_groups_of_three_seeds_are_judged_as_settings(
    server: Server, page: Page, store: RunStore
) -> None:
    rng = np.random.default_rng(0)
    sides = [
        [judged_run(store, rng.random(N) < share, seed=seed, settings=settings) for seed in range(3)]
        for share, settings in ((0.5, None), (0.7, DROPOUT))
    ]
    found = judge(*sides)
    assert (found.kind, found.scope) == ("better", "setting")
    panel = open_verdict(server, page, *sides[0], *sides[1])
    expect(panel.get_by_text("said of the setting, whatever the seed")).to_be_visible()
    expect(panel.get_by_role("heading", name=found.sentence)).to_be_visible()
    expect(panel.get_by_test_id("stTable")).to_contain_text("3 and 3")
    expect_chart(panel)
    expect_no_failure(page)


def test_a_difference_that_may_be_chance_is_open_and_its_chart_is_there(
    server: Server, page: Page, store: RunStore
) -> None:
    hits = hits_of(N, 900, 60, 62)
    before, after = judged_run(store, hits[0]), judged_run(store, hits[1], settings=DROPOUT)
    panel = open_verdict(server, page, before, after)
    expect(badge(panel)).to_contain_text("open")
    expect(panel.get_by_text("that does not say that there is none")).to_be_visible()
    expect_chart(panel)
    expect_no_failure(page)


def test_runs_on_other_images_are_not_compared_and_have_no_chart(
    server: Server, page: Page, store: RunStore
) -> None:
    before, after = hits_of(N, 900, 60, 100)
    panel = open_verdict(
        server, page, judged_run(store, before), judged_run(store, after, info=data_info("faces"))
    )
    expect(badge(panel)).to_contain_text("not comparable")
    expect(panel.get_by_text("these runs saw different data sets (shapes and faces)")).to_be_visible()
    expect(chart_of(panel)).to_have_count(0)
    expect_no_failure(page)
