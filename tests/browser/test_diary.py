"""The diary as a person takes it along: made on a click, saved, and whole."""

import io
import re
import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from core.runs import RunStore
from tests.browser.servers import Server
from tests.browser.walk import open_page, settled
from tests.pages.made_runs import HOSTILE, make_run

RUNS = 4


def fill(folder: Path) -> None:
    """A chain of runs, one of them without an epoch."""
    store = RunStore(folder)
    first = make_run(store, name="baseline", hypothesis="Start small.")
    make_run(store, name=HOSTILE, parent=first.id, level=0.7, settings={"batch_size": 64})
    make_run(store, state="failed", done=0, message="The loss became nan.")
    make_run(store, state="stopped", done=1)


def saved(page: Page, button: str, ending: str) -> bytes:
    """One click makes the file and saves it; read it."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    assert download.value.suggested_filename == f"diary.{ending}"
    return Path(download.value.path()).read_bytes()


def test_the_zip_opens_and_every_picture_in_it_is_there(page: Page, server: Server) -> None:
    fill(server.runs)
    open_page(page, f"{server.url}/diary")
    expect(page.get_by_role("heading", name="baseline")).to_be_visible()

    with zipfile.ZipFile(io.BytesIO(saved(page, "Download as zip", "zip"))) as archive:
        assert archive.testzip() is None
        named = re.findall(r"\]\((pictures/[^)]*)\)", archive.read("diary.md").decode())
        assert len(named) == RUNS - 1
        assert sorted([*named, "diary.md"]) == sorted(archive.namelist())
        for name in named:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                image.load()
                assert image.format == "PNG"

    settled(page)
    content = saved(page, "Download as HTML", "html")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(content.decode())
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    pictures = page.locator("section img")
    expect(pictures).to_have_count(RUNS - 1)
    assert pictures.evaluate_all(
        "images => images.every(image => image.complete && image.naturalWidth > 1000)"
    )
    assert not [address for address in asked if not address.startswith("data:")]
