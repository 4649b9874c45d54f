"""The verdict in a browser: two runs in a link, their sentence, its chart and how it is judged."""

import pytest
from playwright.sync_api import Page, expect

from core.insight.verdict import judge
from core.runs import RunStore
from tests.browser.conftest import Server
from tests.browser.walk import expect_no_failure, open_page
from tests.unit.insight.judged_runs import hits_of, judged_run

pytestmark = pytest.mark.timeout(120)

DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


def test_a_link_to_two_runs_shows_whether_their_difference_is_real(server: Server, page: Page) -> None:
    store = RunStore(server.runs)
    hits = hits_of(1500, 900, 60, 100)
    before = judged_run(store, hits[0], name="without dropout")
    after = judged_run(store, hits[1], name="with dropout", settings=DROPOUT)
    found = judge([before], [after])
    open_page(page, f"{server.url}/compare?runs={before.id},{after.id}&view=changed")
    expect(page.get_by_role("heading", name=found.sentence)).to_be_visible()
    expect(page.get_by_text(found.smallest_sentence)).to_be_visible()
    page.get_by_text("How this is judged").click()
    expect(page.get_by_text("Tango's score interval for paired shares")).to_be_visible()
    expect_no_failure(page)
