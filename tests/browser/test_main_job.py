"""The main job, end to end: import, launch twice, watch, compare, classify."""

import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.servers import Server, start_server
from tests.browser.walk import (
    CLASSES,
    draw_folder,
    draw_image,
    expect_curve_grows,
    expect_no_failure,
    import_folder,
    launch,
    open_page,
    settled,
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, started by a person's own command."""
    running = start_server(tmp_path_factory.mktemp("app"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real image files in class folders."""
    made = tmp_path_factory.mktemp("pictures") / "drawn"
    draw_folder(made, per_class=60)
    return made


def status_of(server: Server, run: str) -> dict[str, object]:
    """What the run's folder says."""
    found = json.loads((server.runs / run / "status.json").read_text())
    assert isinstance(found, dict)
    return found


def wait_for_state(server: Server, run: str, state: str, seconds: float = 120) -> dict[str, object]:
    """Wait until the run's folder says this state."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status = status_of(server, run)
        if status["state"] == state:
            return status
        time.sleep(0.2)
    raise AssertionError(status)


def test_main_job(server: Server, page: Page, folder: Path, tmp_path: Path) -> None:
    # import a real folder
    import_folder(page, server.url, folder, "drawn")
    expect(page.get_by_role("button", name="New run with this data")).to_be_visible()
    info = json.loads((server.data / "drawn" / "dataset.json").read_text())
    assert info["classes"] == sorted(CLASSES)
    assert sum(info["counts"].values()) == 180
    expect_no_failure(page)

    # launch two runs; the first is watched while it grows
    first = launch(page, server.url, "narrow net", epochs=40, width=8)
    expect(page.get_by_text(re.compile(r"epoch ([3-9]|\d\d) of 40")).first).to_be_visible()
    expect_curve_grows(page)
    second = launch(page, server.url, "wide net", epochs=25, width=16)
    assert first != second
    expect(page.get_by_text(re.compile(r"epoch ([2-9]|\d\d) of 25")).first).to_be_visible(timeout=90_000)
    expect_curve_grows(page)
    wait_for_state(server, first, "finished")
    wait_for_state(server, second, "finished")
    for run, epochs in ((first, 40), (second, 25)):
        rows = (server.runs / run / "epochs.jsonl").read_text().splitlines()
        assert len(rows) == epochs
    expect(page.get_by_text("25 of 25 epochs").first).to_be_visible()
    expect_no_failure(page)

    # compare them, through a link that carries the selection
    open_page(page, f"{server.url}/compare?runs={first},{second}")
    expect(page.get_by_text("2 of 2 runs, 2 selected")).to_be_visible()
    expect(page.locator(".vega-embed canvas, .vega-embed svg").first).to_be_visible()
    expect_no_failure(page)

    # classify an image of one's own, and read the votes of its views
    picture = tmp_path / "mine.png"
    draw_image("ellipse", 500, 64).save(picture)
    open_page(page, f"{server.url}/classify?run={second}")
    page.locator("input[type=file]").first.set_input_files(picture)
    expect(page.get_by_text("mine.png").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"TTA, 5 views: \w+")).first).to_be_visible()
    expect(page.get_by_role("figure")).to_have_count(5)
    expect_no_failure(page)


def test_stop_refresh_resume(server: Server, page: Page, browser: Browser) -> None:
    run = launch(page, server.url, "stopped half way", epochs=200, width=8)
    expect(page.get_by_text(re.compile(r"epoch ([2-9]|\d\d) of 200")).first).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"epoch \d+ of 200")).first).to_be_visible()
    page.get_by_role("button", name="Stop now").click()
    stopped = wait_for_state(server, run, "stopped")
    assert 0 < int(str(stopped["epoch"])) < 200
    rows = (server.runs / run / "epochs.jsonl").read_text()

    # another tab sees the same, and lets it go on
    other = browser.new_context().new_page()
    open_page(other, f"{server.url}/live?run={run}")
    other.get_by_role("button", name="Resume", exact=True).click()
    expect(other.get_by_role("button", name="Stop after this epoch")).to_be_visible()
    until = time.monotonic() + 60
    while len((server.runs / run / "epochs.jsonl").read_text()) <= len(rows) and time.monotonic() < until:
        time.sleep(0.2)
    other.get_by_role("button", name="Stop after this epoch").click()
    wait_for_state(server, run, "stopped")
    assert (server.runs / run / "epochs.jsonl").read_text().startswith(rows)
    expect_no_failure(other)
    other.context.close()


def test_bad_uploads_are_named(server: Server, page: Page, tmp_path: Path) -> None:
    runs = sorted(p.name for p in server.runs.iterdir() if p.name[:1].isdigit())
    good, empty, text = tmp_path / "good.png", tmp_path / "empty.png", tmp_path / "text.png"
    draw_image("ellipse", 7, 40).save(good)
    empty.write_bytes(b"")
    text.write_text("not an image")
    torn = tmp_path / "torn.png"
    torn.write_bytes(good.read_bytes()[:90])
    open_page(page, f"{server.url}/classify?run={runs[-1]}")
    page.locator("input[type=file]").first.set_input_files([good, empty, text, torn])
    for name in ("empty.png", "text.png", "torn.png"):
        expect(page.get_by_text(re.compile(rf"{name} \S+")).first).to_be_visible()
    expect(page.get_by_text("good.png").first).to_be_visible()
    expect_no_failure(page)


def test_a_zip_that_climbs_out_is_refused(server: Server, page: Page, tmp_path: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("a/1.png", b"x")
        archive.writestr("../outside.png", b"x")
    before = sorted(p.name for p in server.data.iterdir())
    open_page(page, f"{server.url}/data?add=files")
    page.get_by_text("Upload a zip").click()
    settled(page)
    page.locator("input[type=file]").first.set_input_files(evil)
    expect(page.get_by_placeholder("evil", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(re.compile(r"evil\.zip.*\.\.")).first).to_be_visible()
    settled(page)
    assert sorted(p.name for p in server.data.iterdir() if not p.name.startswith(".")) == [
        name for name in before if not name.startswith(".")
    ]
    assert not (server.data.parent / "outside.png").exists()
    expect_no_failure(page)


def test_a_link_to_a_run_that_does_not_exist_says_so(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/live?run=../../etc")
    expect(page.get_by_text("There is no run")).to_be_visible()
    expect(page.get_by_role("heading", name="Live", exact=True)).to_be_visible()
    expect_no_failure(page)
