"""What a person does with the app, step by step; and pictures to do it with."""

import re
import time
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Error, Locator, Page, expect

CLASSES = {"circle": "ellipse", "square": "rectangle", "cross": "line"}


def draw_folder(folder: Path, per_class: int, size: int = 32) -> None:
    """A folder of class folders with drawn PNG and JPEG files."""
    for label, shape in CLASSES.items():
        (folder / label).mkdir(parents=True)
        for number in range(per_class):
            suffix = "png" if number % 2 else "jpg"
            draw_image(shape, number, size).save(folder / label / f"{number:03d}.{suffix}")


def draw_image(shape: str, number: int, size: int) -> Image.Image:
    """One picture of a shape; place and colours follow from the number."""
    image = Image.new("RGB", (size, size), (number * 37 % 90, number * 11 % 90, number * 53 % 90))
    left, top = 2 + number % 7, 2 + number * 3 % 7
    box = (left, top, left + size // 2, top + size // 2)
    pen = ImageDraw.Draw(image)
    color = (150 + number * 29 % 100, 150 + number * 17 % 100, 150 + number * 7 % 100)
    if shape == "line":
        pen.line(box, fill=color, width=4)
        pen.line((box[2], box[1], box[0], box[3]), fill=color, width=4)
    else:
        getattr(pen, shape)(box, fill=color)
    return image


def settled(page: Page) -> None:
    """Wait until the server has drawn the page to its end."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def open_page(page: Page, address: str) -> None:
    """Go to an address, as a bookmark does."""
    page.goto(address)
    settled(page)


def standing(spot: Locator) -> Locator:
    """What is found, once it stays in its place: charts above it are drawn last, and move it down."""
    before, until = None, time.monotonic() + 30
    while (now := spot.bounding_box()) is None or now != before:
        assert time.monotonic() < until, "it never comes to rest"
        before = now
        time.sleep(0.5)
    return spot


def import_folder(page: Page, url: str, folder: Path, name: str) -> None:
    """Import a folder of class folders on the page Data."""
    open_page(page, f"{url}/data?add=files")
    field = page.get_by_role("textbox", name="Folder or zip")
    field.fill(str(folder))
    field.press("Enter")
    settled(page)
    label = page.get_by_role("textbox", name="Name", exact=True)
    label.fill(name)
    label.press("Enter")
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()


def set_number(page: Page, label: str | re.Pattern[str], value: str) -> None:
    """Type a number into a field of the form."""
    field = page.get_by_role("textbox", name=label).or_(page.get_by_role("spinbutton", name=label)).first
    field.fill(value)
    field.press("Enter")
    settled(page)


def launch(page: Page, url: str, name: str, epochs: int, width: int) -> str:
    """Set up a small run on the page New run, launch it, and return its id from the address."""
    open_page(page, f"{url}/new_run")
    set_number(page, re.compile("^Epochs"), str(epochs))
    set_number(page, re.compile("^Width of the first block"), str(width))
    add = page.get_by_role("combobox", name=re.compile("Add to the augmentations"))
    add.click()
    add.fill("flip")
    page.get_by_role("option", name="Horizontal flip").click()
    settled(page)
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.fill(name)
    field.press("Enter")
    settled(page)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/live\?run="))
    return page.url.partition("run=")[2].partition("&")[0]


def expect_no_failure(page: Page) -> None:
    """The page is drawn to its end, without a traceback or the sentence for an unexpected error."""
    settled(page)
    expect(page.get_by_text("Traceback")).to_have_count(0)
    expect(page.get_by_text("unexpected error")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def expect_curve_grows(page: Page) -> None:
    """The first chart is drawn, and looks different a few epochs later."""
    chart = page.locator(".vega-embed").first
    expect(chart.locator("canvas, svg").first).to_be_visible()
    before = _pixels(chart)
    until = time.monotonic() + 30
    while _pixels(chart) == before:
        assert time.monotonic() < until, "the curve stands still"
        time.sleep(0.5)


def _pixels(chart: Locator) -> bytes:
    """The chart as a PNG. It may be replaced by its next one while it is looked at: then that is taken."""
    until = time.monotonic() + 10
    while True:
        try:
            return chart.screenshot()
        except Error:
            if time.monotonic() > until:
                raise
