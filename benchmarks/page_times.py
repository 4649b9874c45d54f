"""Times of pages in a real Chromium, taken inside the page: from the navigation or the click to the
frame in which a table's text or a chart's lines stand on the screen."""

import json
import time
from typing import Any

from playwright.sync_api import BrowserContext, Page

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
VIEW = {"width": 1440, "height": 900}
WAIT_MS = 60_000
QUIET_MS = 400
"""A page that did not change for so long, and whose script does not run, is done."""

WATCH = """
(() => {
  const seen = { table: null, lines: {}, from: 0, changed: 0 };
  window.watched = seen;
  // Text in a data grid's rows: pixels that stand out from the first one, below the header.
  const readable = () => {
    const canvas = document.querySelector('[data-testid="stMain"] [data-testid="stDataFrame"] canvas');
    if (!canvas || canvas.width < 300 || canvas.height < 150) return false;
    const { data } = canvas.getContext('2d').getImageData(60, 60, 600, 80);
    let ink = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (Math.abs(data[at] - data[0]) + Math.abs(data[at + 1] - data[1]) > 150) ink += 1;
    }
    return ink > 150;
  };
  const lines = () => [...document.querySelectorAll('[data-testid="stVegaLiteChart"] .mark-line path')]
    .filter((path) => (path.getAttribute('d') || '').length > 100).length;
  const look = () => {
    const now = performance.now();
    if (seen.table === null && readable()) seen.table = now;
    const count = lines();
    if (!(count in seen.lines)) seen.lines[count] = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const start = () => { seen.table = null; seen.lines = {}; seen.from = performance.now(); };
  window.startAtNextClick = () =>
    window.addEventListener('pointerdown', start, { capture: true, once: true });
  window.startNow = start;
  document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver((found) => {
      const main = document.querySelector('[data-testid="stMain"]');
      if (main && found.some((one) => main.contains(one.target))) seen.changed = performance.now();
    }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  });
})();
"""


def watched(context: BrowserContext) -> BrowserContext:
    """The context, with the observer in each of its pages."""
    context.add_init_script(WATCH)
    context.set_default_timeout(WAIT_MS)
    return context


def table_s(page: Page) -> float:
    """Seconds until the table's text stood there."""
    page.wait_for_function("() => window.watched.table !== null")
    return _seconds(page, "window.watched.table")


def lines_s(page: Page, count: int) -> float:
    """Seconds until the charts had so many lines."""
    page.wait_for_function(f"() => {json.dumps(str(count))} in window.watched.lines")
    return _seconds(page, f"window.watched.lines[{count}]")


def done_s(page: Page) -> float:
    """Seconds until the page had changed for the last time, with its script at rest."""
    page.wait_for_function(
        f"""() => document.querySelector('[data-test-script-state="notRunning"]') &&
            !document.querySelector('[data-testid="stMain"] [data-stale="true"]') &&
            performance.now() - Math.max(window.watched.from, window.watched.changed) > {QUIET_MS}"""
    )
    return max(0.0, _seconds(page, "window.watched.changed"))


def _seconds(page: Page, what: str) -> float:
    return float(page.evaluate(f"() => ({what} - window.watched.from) / 1000"))


def open_page(context: BrowserContext, address: str) -> Page:
    """A tab at this address, from when on it is watched."""
    page = context.new_page()
    page.goto(address, wait_until="commit")
    return page


def settle(page: Page) -> None:
    """Until nothing changes any more."""
    page.wait_for_selector('[data-test-script-state="notRunning"]', state="attached")
    done_s(page)
    time.sleep(0.2)


def cells(page: Page) -> list[str]:
    """The texts of the first table's visible cells, as a screen reader finds them."""
    page.wait_for_selector('[data-testid="stDataFrame"] canvas table [role="gridcell"]', state="attached")
    found: Any = page.locator('[data-testid="stDataFrame"]').first.locator('canvas [role="gridcell"]')
    return [str(text) for text in found.all_inner_texts()]


def click_row(page: Page, row: int) -> None:
    """Click the box in front of a table's row, and start the watch with it."""
    box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    assert box
    page.evaluate("window.startAtNextClick()")
    page.mouse.click(box["x"] + 20, box["y"] + 35 * (row + 1) + 17)
