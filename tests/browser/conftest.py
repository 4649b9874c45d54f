"""A real server and a real Chromium for each test file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.servers import Server, ServerStarter

ARTIFACTS = Path(__file__).parent / "artifacts"
SLOW_MS = 30_000
"""Two cores may be training while a page is drawn."""


@pytest.fixture(scope="session")
def starter() -> ServerStarter:
    """Starts servers quickly."""
    return ServerStarter()


@pytest.fixture(scope="module")
def server(starter: ServerStarter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, with empty folders."""
    running = starter.start(tmp_path_factory.mktemp("app"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    executable = find_chromium()
    assert executable, "no Chromium: `make browser` installs one"
    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab; a screenshot of it is kept when the test fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(SLOW_MS)
    yield tab
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        ARTIFACTS.mkdir(exist_ok=True)
        tab.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixtures see whether their test failed."""
    report = yield
    if report.when == "call":
        item.report_call = report  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]
