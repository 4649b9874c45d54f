"""Data: the first step, the list, one set in detail, and every way to a new one with what can go wrong."""

import io
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import Dataset, ImportOptions, Library, ShapesSource, TableSource
from ui.data_jobs import jobs
from ui.data_known import by_hand_words, known_words

PAGE = Path(__file__).resolve().parents[2] / "pages" / "data.py"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A small set that the tests copy."""
    library = Library(tmp_path_factory.mktemp("prepared"))
    library.import_dataset(ShapesSource(classes=3, images=60, image_size=28), "small", ImportOptions())
    return library


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return Library(tmp_path / "data")


@pytest.fixture
def filled(library: Library, prepared: Library) -> Library:
    shutil.copytree(prepared.folder / "small", library.folder / "small")
    return library


@pytest.fixture
def pictures(prepared: Library, tmp_path: Path) -> Path:
    """A folder of two classes with ten images each, and one file that is none."""
    dataset = prepared.open("small")
    root = tmp_path / "my pictures"
    for label in range(2):
        (root / f"class {label}").mkdir(parents=True)
        for index in np.flatnonzero(dataset.labels == label)[:10]:
            save(dataset, int(index), root / f"class {label}" / f"{index}.png")
    (root / "class 0" / "bad.png").write_text("no image")
    return root


def save(dataset: Dataset, index: int, path: Path) -> None:
    Image.fromarray(np.array(dataset.images[index])).save(path)


def page(**query: str) -> AppTest:
    test = AppTest.from_file(str(PAGE), default_timeout=20)
    for key, value in query.items():
        test.query_params[key] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click()
    return show(test)


def until_imported(test: AppTest) -> AppTest:
    """The page after the import in the background is over."""
    deadline = time.monotonic() + 15
    while jobs().running and time.monotonic() < deadline:
        time.sleep(0.05)
    return show(test)


def errors(test: AppTest) -> str:
    return "\n".join(str(error.value) for error in test.error)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success, *test.info, *test.html]
    return "\n".join(str(getattr(part, "value", "") or getattr(part, "body", "")) for part in parts)


def keys(test: AppTest) -> set[str]:
    return {str(button.key) for button in test.button}


class TestFirstVisit:
    def test_one_primary_button_makes_the_shapes_set(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fewer = ShapesSource(classes=3, images=60, image_size=28)  # the real set takes seconds
        monkeypatch.setattr("ui.data_add.ShapesSource", lambda: fewer)
        test = page()
        assert "data_first" in keys(test)
        assert "data_new_run" not in keys(test)
        press(test, "data_first")
        test = until_imported(test)
        assert library.open("shapes").info.images == 60
        assert "Imported shapes: 60 images of 3 classes" in texts(test).replace("\\", "")
        assert test.query_params["data"] == "shapes"
        assert "data_new_run" in keys(test)

    def test_the_other_ways_are_one_click_away(self, library: Library) -> None:
        test = press(page(), "data_first_known")
        assert test.query_params["add"] == "known"
        assert "data_import" in keys(test)


class TestDetails:
    def test_the_figures_of_a_set_are_shown(self, filled: Library) -> None:
        test = page(data="small")
        info = filled.open("small").info
        figures = {metric.label: metric.value for metric in test.metric}
        assert figures["Train"] == str(info.counts["train"])
        assert figures["Classes"] == "3"
        assert figures["Mean"] == " ".join(f"{value:.3f}" for value in info.mean)
        assert info.fingerprint[:12] in texts(test)
        assert test.dataframe[0].value["Name"].tolist() == ["small"]

    def test_an_unknown_name_in_the_address_is_said_and_another_set_is_shown(self, filled: Library) -> None:
        test = page(data="no*such")
        assert any("no\\*such" in warning.value for warning in test.warning)
        assert test.query_params["data"] == "small"

    def test_others_are_shown_on_request(self, filled: Library) -> None:
        test = page(data="small")
        before = [html.proto.body for html in test.html]
        press(test, "data_others")
        assert before != [html.proto.body for html in test.html]

    def test_a_damaged_set_says_so_and_hides_no_other(self, filled: Library) -> None:
        shutil.copytree(filled.folder / "small", filled.folder / "broken")
        (filled.folder / "broken" / "dataset.json").write_text("{")
        test = page(data="broken")
        assert "damaged" in errors(test)
        assert test.dataframe[0].value["Name"].tolist() == ["broken", "small"]
        assert "data_delete" in keys(test)
        assert not errors(page(data="small"))

    def test_deletion_asks_first(self, filled: Library) -> None:
        test = press(page(data="small"), "data_delete")
        assert filled.open("small")
        press(test, "data_delete_sure")
        assert filled.list() == []
        assert "was deleted" in texts(test)
        assert "data_first" in keys(test)

    def test_many_classes_come_in_pages(self, library: Library) -> None:
        library.import_dataset(ShapesSource(classes=25, images=100, image_size=28), "many", ImportOptions())
        test = page(data="many")
        pages = test.selectbox(key="data_class_page_25")
        assert len(pages.options) == 3
        pages.set_value(20)
        assert "of 25" in pages.options[0]
        show(test)

    def test_unlabelled_images_are_counted_and_shown(
        self, library: Library, pictures: Path, prepared: Library
    ) -> None:
        table = pictures.parent / "table.csv"
        names = sorted(path.name for path in pictures.rglob("*.png") if path.name != "bad.png")
        table.write_text("Id,Category\n" + "".join(f"{name},{int(name[:-4]) % 3}\n" for name in names))
        flat, test_images = pictures.parent / "flat", pictures.parent / "test"
        for folder in (flat, test_images):
            folder.mkdir()
        for path in pictures.rglob("*.png"):
            shutil.copy(path, flat / path.name)
        save(prepared.open("small"), 0, test_images / "x.png")
        source = TableSource(images=str(flat), table=str(table), test_images=str(test_images))
        library.import_dataset(source, "contest", ImportOptions())
        test = page(data="contest")
        assert {metric.label: metric.value for metric in test.metric}["Unlabelled"] == "1"


class TestShapes:
    def test_what_is_filled_in_is_what_is_imported(self, library: Library) -> None:
        test = page(add="shapes")
        test.number_input(key="data-shapes:classes").set_value(4)
        test.number_input(key="data-shapes:images").set_value(40)
        test.text_input(key="data_name_shapes").set_value("forty")
        test = until_imported(press(test, "data_import"))
        info = library.open("forty").info
        assert (info.images, len(info.classes)) == (40, 4)
        assert "add" not in test.query_params

    def test_every_value_that_cannot_be_is_named_and_nothing_is_imported(self, library: Library) -> None:
        test = page(add="shapes")
        test.number_input(key="data-shapes:classes").set_value(1)
        test.number_input(key="data-options:image_size").set_value(4)
        press(test, "data_import")
        assert "Classes = 1: must be at least 2" in errors(test).replace("\\", "")
        assert "Image size = 4: must be at least 8" in errors(test).replace("\\", "")
        assert library.list() == []

    @pytest.mark.parametrize(
        ("name", "words"), [("a b", "a data set's name has"), ("small", "is taken"), ("downloads", "is kept")]
    )
    def test_a_name_that_cannot_be_is_said_at_once(self, filled: Library, name: str, words: str) -> None:
        test = page(add="shapes")
        test.text_input(key="data_name_shapes").set_value(name)
        press(test, "data_import")
        assert words in errors(test).replace("\\", "")
        assert len(filled.list()) == 1

    def test_a_free_name_is_suggested(self, filled: Library) -> None:
        filled.folder.joinpath("small").rename(filled.folder / "shapes")
        info = (filled.folder / "shapes" / "dataset.json").read_text().replace('"small"', '"shapes"')
        (filled.folder / "shapes" / "dataset.json").write_text(info)
        assert page(add="shapes").text_input(key="data_name_shapes").placeholder == "shapes-2"


class TestFiles:
    def test_a_folder_becomes_a_set_and_what_was_left_out_is_listed(
        self, library: Library, pictures: Path
    ) -> None:
        test = page(add="files")
        test.text_input(key="data_files_path").set_value(str(pictures))
        show(test)
        assert test.text_input(key="data_name_files").placeholder == "my-pictures"
        test = until_imported(press(test, "data_import"))
        info = library.open("my-pictures").info
        assert (info.images, info.classes, info.skipped_count) == (20, ("class 0", "class 1"), 1)
        assert "bad.png is not an image" in texts(test).replace("\\", "")

    def test_an_uploaded_zip_is_read_and_dropped(
        self, library: Library, pictures: Path, tmp_path: Path
    ) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path in pictures.rglob("*.png"):
                archive.write(path, path.relative_to(pictures.parent).as_posix())
        test = until_imported(upload(content.getvalue(), "my photos.zip"))
        info = library.open("my-photos").info
        assert info.images == 20
        assert info.source["path"] == "my photos.zip"
        assert not list(library.folder.glob(".importing-*"))
        assert not test.file_uploader

    @pytest.mark.parametrize("kind", ["leads out", "no zip", "no images"])
    def test_a_bad_zip_is_one_sentence_and_nothing_stays(self, library: Library, kind: str) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("../out.png" if kind == "leads out" else "notes.md", "x")
        test = until_imported(upload(b"hello" if kind == "no zip" else content.getvalue(), "bad.zip"))
        assert "bad.zip" in errors(test).replace("\\", "")
        assert len(test.error) == 1
        assert library.list() == []
        assert not list(library.folder.glob(".importing-*"))
        assert "data_import" in keys(test)

    def test_a_folder_that_does_not_exist_is_named_and_stays_filled_in(
        self, library: Library, tmp_path: Path
    ) -> None:
        test = page(add="files")
        test.text_input(key="data_files_path").set_value(str(tmp_path / "nowhere"))
        test = until_imported(press(test, "data_import"))
        assert "nowhere does not exist" in errors(test).replace("\\", "")
        assert test.text_input(key="data_files_path").value == str(tmp_path / "nowhere")

    @pytest.mark.parametrize("way", ["path", "upload"])
    def test_nothing_filled_in_is_said(self, library: Library, way: str) -> None:
        test = page(add="files")
        test.button_group(key="data_files_from").set_value(way)
        press(show(test), "data_import")
        assert ("is empty" if way == "path" else "no zip yet") in errors(test)


def upload(content: bytes, name: str) -> AppTest:
    test = page(add="files")
    test.button_group(key="data_files_from").set_value("upload")
    show(test)
    test.file_uploader(key="data_zip").set_value((name, content, "application/zip"))
    show(test)
    return press(test, "data_import")


class TestTable:
    def test_both_empty_paths_are_named_at_once(self, library: Library) -> None:
        test = press(page(add="table"), "data_import")
        assert errors(test) == "Folder of images is empty; fill it in\\. CSV file is empty; fill it in\\."

    def test_a_wrong_column_is_named(self, library: Library, pictures: Path) -> None:
        table = pictures.parent / "table.csv"
        table.write_text("name,Category\n1.png,a\n")
        test = page(add="table")
        test.text_input(key="data-table:images").set_value(str(pictures))
        test.text_input(key="data-table:table").set_value(str(table))
        test = until_imported(press(test, "data_import"))
        assert "no single column 'Id'" in errors(test)


class TestKnown:
    def test_each_set_says_whether_it_is_here(self, library: Library) -> None:
        (library.downloads / "cifar-10-batches-py").mkdir(parents=True)
        options = page(add="known").selectbox(key="data_known").options
        assert "CIFAR-10 · on this machine" in options
        assert "CIFAR-100 · download of 169 MB" in options

    def test_where_files_may_be_put_is_a_folder_of_this_library(self, library: Library) -> None:
        assert str(library.downloads) in by_hand_words("cifar10", library.downloads)
        assert str(library.downloads / "FashionMNIST" / "raw") in by_hand_words(
            "fashion_mnist", library.downloads
        )
        assert "download" in known_words("stl10", library.downloads)


class TestWhileImporting:
    def test_progress_is_shown_instead_of_the_form_and_it_can_be_cancelled(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs().start(library, ShapesSource(images=100_000), "endless", ImportOptions())
        test = page(add="files")
        assert "Importing endless" in texts(test)
        assert "data_import" not in keys(test)
        test = until_imported(press(test, "data_cancel"))
        assert "was cancelled" in texts(test)
        assert library.list() == []
        assert not list(library.folder.glob(".importing-*"))

    def test_a_second_session_sees_the_same_import(self, library: Library) -> None:
        job = jobs().start(library, ShapesSource(images=100_000), "endless", ImportOptions())
        assert "Importing endless" in texts(page())
        assert "Importing endless" in texts(page())
        job.cancel()
        job.join(10)
        assert job.state == "cancelled"
