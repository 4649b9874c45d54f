"""Bad files through the real page: each gets its sentence, and none a traceback or a trace."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from core.data import ImportOptions, Library, ShapesSource
from core.data.decode import SUFFIXES
from core.recipe import recipe_from_draft
from core.runs import RunStore, train
from tests.browser.servers import Server
from tests.browser.walk import expect_no_failure, open_page, settled
from tests.faults.bad_archives import ARCHIVES
from tests.faults.bad_images import IMAGES
from tests.unit.data.pictures import png
from ui.classify_images import MOST_UPLOADS

pytestmark = pytest.mark.timeout(300)

FIRST_TOLD = 5
"""So many sentences stand on the page; the others unfold."""
LARGE = ("huge.bmp",)
PICTURES = [name for name in IMAGES if name.endswith(SUFFIXES) and name not in LARGE][:30]
ZIPS = ("parent.zip", "con.zip", "encrypted.zip", "cut.zip", "7z.zip", "no-images.zip")
HOSTILE = {
    "<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
    "[click](javascript:alert(1)).png": "[click](javascript:alert(1)).png",
    "a\u202egnp.exe.png": "a?gnp.exe.png",
}
"""Names of files, and how they are shown: what turns the direction of writing as a question mark."""
RECIPES = {
    "text.json": (b"hello", "The recipe is not valid JSON; give a file that Plateau saved."),
    "list.json": (
        b"[]",
        "The recipe must be a JSON object with keys such as architecture and optimizer; give a file that "
        "Plateau saved.",
    ),
    "newer.json": (
        b'{"version": 7}',
        "version = 7: this Plateau reads recipes up to version 1; update Plateau.",
    ),
    "deep.json": (b"[" * 20_000, "The recipe is not valid JSON; give a file that Plateau saved."),
}


@pytest.fixture(scope="module")
def run(server: Server) -> str:
    """A network to classify with, trained for an epoch."""
    library, store = Library(server.data), RunStore(server.runs)
    library.import_dataset(ShapesSource(classes=2, images=60, image_size=28), "shapes", ImportOptions())
    draft = {
        "data": {"name": "shapes"},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4},
        "epochs": 1,
        "batch_size": 16,
        "device": "cpu",
    }
    made = store.create(recipe_from_draft(draft), library.open("shapes").info, queue=False)
    assert train(made, library).state == "finished"
    return made.id


def test_each_bad_image_is_named_and_the_good_one_answered(
    server: Server, page: Page, run: str, tmp_path: Path
) -> None:
    assert len(PICTURES) + len(ZIPS) + len(RECIPES) >= 20
    for name in PICTURES:
        (tmp_path / name).write_bytes(IMAGES[name][0]())
    (tmp_path / "good.png").write_bytes(png(1))
    open_page(page, f"{server.url}/classify?run={run}")
    sent = [tmp_path / name for name in (*PICTURES, "good.png")]
    page.locator("input[type=file]").first.set_input_files(sent)
    more = page.get_by_text(f"{len(PICTURES) - FIRST_TOLD} more files could not be read")
    expect(more).to_be_visible()
    more.click()
    main = page.get_by_test_id("stMain")
    for name in PICTURES:
        expect(main.get_by_text(f"{name} {IMAGES[name][1]}", exact=True).first).to_be_visible()
    expect(main.get_by_role("figure").first).to_be_visible()
    expect_no_failure(page)


def test_a_name_is_shown_as_it_is_whatever_it_looks_like(server: Server, page: Page, run: str) -> None:
    """Of images that are answered, and of ones that cannot be read."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    open_page(page, f"{server.url}/classify?run={run}")
    sent: list[FilePayload] = [
        {"name": f"{before}{name}", "mimeType": "image/png", "buffer": content}
        for name in HOSTILE
        for before, content in (("", png(1)), ("empty ", b""))
    ]
    page.locator("input[type=file]").first.set_input_files(sent)
    main = page.get_by_test_id("stMain")
    for said in HOSTILE.values():
        expect(main.locator(".pl-name").get_by_text(said, exact=True)).to_be_visible()
        expect(main.get_by_text(f"empty {said} is empty; save it again.", exact=True)).to_be_visible()
    settled(page)
    expect(main.locator(".pl-card")).to_have_count(len(HOSTILE))
    assert main.locator("img[src=x]").count() == 0
    assert main.get_by_role("link", name="click").count() == 0
    assert dialogs == []
    expect_no_failure(page)


def test_a_file_that_is_too_large_is_not_sent_and_the_others_are_answered(
    server: Server, page: Page, run: str, tmp_path: Path
) -> None:
    for name, content in (("huge.bmp", IMAGES["huge.bmp"][0]()), ("good.png", png(1))):
        (tmp_path / name).write_bytes(content)
    open_page(page, f"{server.url}/classify?run={run}")
    page.locator("input[type=file]").first.set_input_files([tmp_path / "huge.bmp", tmp_path / "good.png"])
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(re.compile(r"must be 20(\.0)? ?MB or smaller")).first).to_be_visible()
    expect(main.locator(".pl-card")).to_have_count(1)
    assert "huge.bmp is larger than" not in main.inner_text()
    expect_no_failure(page)


def test_more_files_than_can_be_shown_are_counted(server: Server, page: Page, run: str) -> None:
    open_page(page, f"{server.url}/classify?run={run}")
    many: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": png(number)}
        for number in range(MOST_UPLOADS + 2)
    ]
    page.locator("input[type=file]").first.set_input_files(many)
    said = f"The first {MOST_UPLOADS} of {len(many)} images are shown; for more, use a folder or zip."
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(said, exact=True)).to_be_visible()
    expect(main.locator(".pl-card")).to_have_count(MOST_UPLOADS)
    expect_no_failure(page)


@pytest.mark.parametrize("name", ZIPS)
def test_a_bad_zip_is_refused_and_leaves_nothing(
    server: Server, page: Page, run: str, name: str, tmp_path: Path
) -> None:
    make, said = ARCHIVES[name]
    (tmp_path / name).write_bytes(make())
    before = sorted(path.name for path in server.data.iterdir())
    open_page(page, f"{server.url}/data?add=files")
    page.get_by_text("Upload a zip").click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / name)
    expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_placeholder(name.removesuffix(".zip"), exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"{name} {said}", exact=True).first).to_be_visible()
    settled(page)
    expect_no_failure(page)
    assert sorted(path.name for path in server.data.iterdir()) == before


@pytest.mark.parametrize("name", RECIPES)
def test_a_bad_recipe_file_is_named_and_the_form_stays(
    server: Server, page: Page, run: str, name: str, tmp_path: Path
) -> None:
    content, said = RECIPES[name]
    (tmp_path / name).write_bytes(content)
    open_page(page, f"{server.url}/new_run")
    page.get_by_role("button", name="Start from").click()
    page.get_by_role("tab", name="A recipe file").click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / name)
    expect(page.get_by_text(re.compile(re.escape(f"{name}: {said}"))).first).to_be_visible()
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_visible()
    expect_no_failure(page)
