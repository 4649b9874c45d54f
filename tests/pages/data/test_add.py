"""Every way to a new set, and what can go wrong on it."""

import errno
import io
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import KNOWN_SETS, KnownSource, Library
from core.spec import settings_of
from tests.pages.data.page import errors, keys, page, save, texts, until_imported, upload
from tests.pages.opening import press, show
from ui.data_known import by_hand_words, known_words


def refused(test: AppTest, library: Library, sentence: str) -> None:
    """One sentence on the page, and no trace of the import."""
    (said,) = [str(error.value).replace("\\", "") for error in test.error]
    assert sentence in said
    assert said.endswith(".")
    assert library.list() == []
    assert [path.name for path in library.folder.iterdir()] == [".locks"]


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

    @pytest.mark.parametrize(
        ("counts", "sentence"),
        [
            (
                {"only": 5},
                "A data set needs at least two classes; there is only one, 'only', so add another.",
            ),
            (
                {"a": 5, "empty": 0},
                "The class folder 'empty' of photos holds no images; fill it or remove it.",
            ),
            ({}, "photos holds no class folders; put each class's images into a folder of its own."),
        ],
        ids=["one class", "an empty class", "no class"],
    )
    def test_a_folder_that_is_no_data_set_is_one_sentence_and_nothing_stays(
        self, library: Library, prepared: Library, tmp_path: Path, counts: dict[str, int], sentence: str
    ) -> None:
        (tmp_path / "photos").mkdir()
        for name, count in counts.items():
            (tmp_path / "photos" / name).mkdir()
            for index in range(count):
                save(prepared.open("small"), index, tmp_path / "photos" / name / f"{index}.png")
        test = page(add="files")
        test.text_input(key="data_files_path").set_value(str(tmp_path / "photos"))
        refused(until_imported(press(test, "data_import")), library, sentence)

    @pytest.mark.parametrize("why", ["name", "disk"])
    def test_a_refused_upload_leaves_nothing(
        self, filled: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
    ) -> None:
        kept: list[object] = []

        def full(content: object, sink: object) -> None:
            kept.append(sink)
            raise OSError(errno.ENOSPC, "No space left on device")

        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        monkeypatch.setattr("core.data.import_job.shutil.copyfileobj", full)
        test = upload(b"PK", "x.zip", name="small" if why == "name" else "other")
        words = "is taken" if why == "name" else "No space left on device; free some space"
        assert words in errors(test).replace("\\", "")
        assert len(kept) == (0 if why == "name" else 1), "a refused name needs no copy"
        assert [path.name for path in filled.folder.iterdir()] == ["small"]
        assert not list((tmp_path / "temporary").iterdir())
        assert "data_import" in keys(test)

    @pytest.mark.parametrize("way", ["path", "upload"])
    def test_nothing_filled_in_is_said(self, library: Library, way: str) -> None:
        test = page(add="files")
        test.button_group(key="data_files_from").set_value(way)
        press(show(test), "data_import")
        assert ("must not be empty" if way == "path" else "no zip yet") in errors(test)


class TestTable:
    def test_both_empty_paths_are_named_at_once(self, library: Library) -> None:
        test = press(page(add="table"), "data_import")
        assert errors(test).replace("\\", "") == (
            "Folder of images: must not be empty; fill it in. CSV file: must not be empty; fill it in."
        )

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            ("name,Category\n0.png,a\n", "table.csv has no single column 'Id'; its columns are"),
            ("Id,Category\n0.png,a\ngone.png,b\n", "table.csv, row 3: there is no image 'gone.png' in flat"),
            ("Id,Category\n0.png,a\n1.png,b\n0.png,b\n", "row 4: '0.png' is already in row 2; keep one"),
            ("Id,Category\n0.png,a\n1.png,a\n", "needs at least two classes; there is only one, 'a'"),
        ],
        ids=["unknown column", "missing file", "duplicate", "one class"],
    )
    def test_a_bad_table_is_one_sentence_and_nothing_stays(
        self, library: Library, prepared: Library, tmp_path: Path, rows: str, sentence: str
    ) -> None:
        (tmp_path / "flat").mkdir()
        for index in range(3):
            save(prepared.open("small"), index, tmp_path / "flat" / f"{index}.png")
        table = tmp_path / "table.csv"
        table.write_text(rows)
        test = page(add="table")
        test.text_input(key="data-table:images").set_value(str(tmp_path / "flat"))
        test.text_input(key="data-table:table").set_value(str(table))
        refused(until_imported(press(test, "data_import")), library, sentence)


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

    def test_the_other_folder_is_looked_into_too(self, library: Library, tmp_path: Path) -> None:
        (tmp_path / "mine" / "stl10_binary").mkdir(parents=True)
        test = page(add="known")
        assert "STL10 · download of 2,640 MB" in test.selectbox(key="data_known").options
        test.text_input(key="data-known:folder").set_value(str(tmp_path / "mine"))
        assert "STL10 · on this machine" in show(test).selectbox(key="data_known").options

    def test_sizes_are_said_once(self) -> None:
        (dataset,) = [setting for setting in settings_of(KnownSource) if setting.name == "dataset"]
        assert "MB" not in dataset.help and "GB" not in dataset.help
        assert all(known.megabytes > 0 and known.files for known in KNOWN_SETS.values())
