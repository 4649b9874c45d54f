"""A link to any page works as the first request after the server's start."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.servers import ServerStarter
from tests.browser.walk import expect_no_failure

PAGES = {
    "data": "Data",
    "new_run": "New run",
    "live": "Live",
    "compare": "Compare",
    "inspect": "Inspect",
    "classify": "Classify",
    "diary": "Diary",
}


@pytest.mark.parametrize(("address", "title"), PAGES.items())
def test_first_request(address: str, title: str, page: Page, starter: ServerStarter, tmp_path: Path) -> None:
    server = starter.start(tmp_path)
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    try:
        page.goto(f"{server.url}/{address}")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        navigation = page.get_by_test_id("stSidebarNav")
        for other in PAGES.values():
            expect(navigation.get_by_role("link", name=other, exact=True)).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect_no_failure(page)
        # The server is asked where it is, and not below the page's address first.
        assert refused == []
        # An empty Compare has no table yet; its code is fetched all the same.
        fetched = page.locator('link[rel="modulepreload"][href*="/DataFrame."]')
        expect(fetched).to_have_count(1 if address == "compare" else 0)
    finally:
        server.stop()


def test_the_bare_address_of_an_empty_app_leads_to_data(
    page: Page, starter: ServerStarter, tmp_path: Path
) -> None:
    server = starter.start(tmp_path)
    try:
        page.goto(server.url)
        expect(page.get_by_role("button", name="Make the shapes set")).to_be_visible()
        assert page.url == f"{server.url}/data"
    finally:
        server.stop()
