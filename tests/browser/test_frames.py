"""A page of another site that shows the app within itself."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from playwright.sync_api import Page, expect

from tests.browser.servers import Server
from tests.browser.walk import open_page
from tests.http_site import http_site


@pytest.fixture
def other_site(server: Server) -> Iterator[str]:
    """A page with the app in a frame, under another name and port."""

    class Around(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<h1>Win a prize</h1><iframe name="app" src="{server.url}/data">'.encode())

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    with http_site(Around) as port:
        yield f"http://localhost:{port}"


def test_another_sites_page_cannot_show_the_app(server: Server, page: Page, other_site: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(other_site)
    expect(page.get_by_role("heading", name="Win a prize")).to_be_visible()
    frame = page.frame("app")
    assert frame is not None
    frame.wait_for_load_state()
    assert any("frame-ancestors 'self'" in text for text in said)
    assert frame.get_by_test_id("stApp").count() == 0
    open_page(page, f"{server.url}/data")
    expect(page.get_by_test_id("stApp")).to_be_visible()
