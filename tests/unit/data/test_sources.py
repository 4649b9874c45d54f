"""Folders, tables and archives as sources, and what every source has in common."""

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from core.data import FolderSource, ShapesSource, Source, TableSource, ZipSource
from core.data.collection import TEST, TRAIN, UNLABELLED, VAL, Collection, Workplace
from core.data.limits import Limits
from core.data.table import read_table
from core.errors import BadInput
from core.spec import choices_of, kind_of, settings_of

from .pictures import png, write_classes


def _collect(source: Source, tmp_path: Path) -> Collection:
    return source.collect(Workplace(tmp_path / "scratch", tmp_path / "downloads"))


def _zip_of(folder: Path, wrapped: bool = False) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                opened.write(path, f"wrapping/{name}" if wrapped else name)
    return archive


def _table(folder: Path, text: str | bytes, images: int = 3, test: int = 0) -> TableSource:
    (folder / "images").mkdir(parents=True)
    for i in range(images):
        (folder / "images" / f"{i}.png").write_bytes(png(i))
    if test:
        (folder / "test").mkdir()
    for i in range(test):
        (folder / "test" / f"t{i}.png").write_bytes(png(100 + i))
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "labels.csv").write_bytes(content)
    return TableSource(
        images=str(folder / "images"),
        table=str(folder / "labels.csv"),
        test_images=str(folder / "test") if test else "",
    )


@pytest.mark.parametrize("source", choices_of(Source), ids=kind_of)
def test_every_source_tells_what_it_is(source: type) -> None:
    assert source.label
    assert "Source:" in source.__doc__
    for setting in settings_of(source):
        assert setting.label
        assert setting.help.endswith(".")


def test_sources_come_back_from_json() -> None:
    adapter = TypeAdapter(Source)
    source = adapter.validate_json('{"kind": "shapes", "classes": 4}')
    assert source == ShapesSource(classes=4)
    for bad in ('{"kind": "shapes", "classes": 201}', '{"kind": "folder", "path": ""}', '{"kind": "tar"}'):
        with pytest.raises(ValidationError):
            adapter.validate_json(bad)


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "pets", {"dog": 2, "Zebra": 1, "cat": 2})
    (root / "cat" / "notes.txt").write_text("no image")
    (root / ".hidden").mkdir()
    collection = _collect(FolderSource(path=str(root)), tmp_path)
    assert collection.classes == ("Zebra", "cat", "dog")
    assert collection.names[:2] == ["Zebra/000.png", "cat/000.png"]
    assert collection.labels.tolist() == [0, 1, 1, 2, 2]
    assert (collection.splits == TRAIN).all()
    assert collection.skipped == ("1 files of pets left out: '.txt' is no image that can be read.",)


@pytest.mark.parametrize(("val", "test"), [("val", "test"), ("valid", "Test"), ("validation", "testing")])
def test_train_val_and_test_folders_are_respected(tmp_path: Path, val: str, test: str) -> None:
    root = tmp_path / "set"
    for seed, (name, count) in enumerate((("train", 3), (val, 2), (test, 1))):
        write_classes(root / name, {"a": count, "b": count}, seed=seed * 50)
    collection = _collect(FolderSource(path=str(root)), tmp_path)
    assert collection.classes == ("a", "b")
    assert [int((collection.splits == s).sum()) for s in (TRAIN, VAL, TEST)] == [6, 4, 2]


def test_a_flat_test_folder_is_unlabelled(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write_classes(root / "train", {"a": 2, "b": 2})
    (root / "test").mkdir()
    (root / "test" / "x.png").write_bytes(png(9))
    collection = _collect(FolderSource(path=str(root)), tmp_path)
    assert (collection.names[-1], collection.labels[-1], collection.splits[-1]) == ("x.png", -1, UNLABELLED)


def test_classes_may_be_called_train_and_test(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "vehicles", {"car": 1, "train": 1, "test": 1})
    assert _collect(FolderSource(path=str(root)), tmp_path).classes == ("car", "test", "train")


def test_emoji_and_numbers_are_fine_as_class_folders(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "set", {"🐈": 1, "10": 1, "2": 1})
    assert _collect(FolderSource(path=str(root)), tmp_path).classes == ("10", "2", "🐈")


def test_bad_folders_are_named(tmp_path: Path) -> None:
    def refused(path: Path, match: str) -> None:
        with pytest.raises(BadInput, match=match):
            _collect(FolderSource(path=str(path)), tmp_path)

    refused(tmp_path / "nowhere", "nowhere does not exist")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is a file, not a folder")
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.png").write_bytes(png(1))
    refused(tmp_path / "flat", "flat holds no class folders")
    write_classes(tmp_path / "hole", {"a": 1, "b": 0})
    refused(tmp_path / "hole", "class folder 'b' of hole holds no images")
    write_classes(tmp_path / "new" / "train", {"a": 1, "b": 1})
    write_classes(tmp_path / "new" / "val", {"c": 1})
    refused(tmp_path / "new", "class 'c' is in val but not in train")


@pytest.mark.parametrize(
    "text",
    [
        "Id,Category\n0.png,10\n1.png,2\n2.png,10\n",
        "\ufeffId;Category\r\n0.png;10\r\n1.png;2\r\n2.png;10\r\n",
        'Category,extra,Id\n10,"a, b",0\n2,,1\n\n10,,2\n',
    ],
)
def test_a_table_in_every_usual_spelling(tmp_path: Path, text: str) -> None:
    collection = _collect(_table(tmp_path / "t", text, test=2), tmp_path)
    assert collection.classes == ("2", "10")
    assert collection.labels.tolist() == [1, 0, 1, -1, -1]
    assert [Path(name).stem for name in collection.names] == ["0", "1", "2", "t0", "t1"]
    assert collection.splits.tolist() == [TRAIN] * 3 + [UNLABELLED] * 2


def test_classes_of_a_table_sort_as_text_where_one_is_no_number(tmp_path: Path) -> None:
    collection = _collect(_table(tmp_path / "t", "Id,Category\n0.png,10\n1.png,2\n2.png,x\n"), tmp_path)
    assert collection.classes == ("10", "2", "x")


def test_images_without_a_row_are_counted(tmp_path: Path) -> None:
    collection = _collect(_table(tmp_path / "t", "Id,Category\n0.png,a\n"), tmp_path)
    assert collection.skipped == ("2 images of images left out: labels.csv has no row for them.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Id,Category\n0.png,a\n9.png,b\n", "labels.csv, row 3: there is no image '9.png' in images"),
        ("Id,Category\n0.png,a\n../labels.csv,b\n", "row 3: there is no image"),
        ("Id,Class\n0.png,a\n", "no single column 'Category'; its columns are 'Id', 'Class'"),
        ("Id,Category,Id\n0.png,a,1\n", "no single column 'Id'"),
        ("Id,Category\n0.png,a\n1.png,b\n0.png,b\n", "row 4: '0.png' is already in row 2"),
        ("Id,Category\n0.png,a\n0,b\n", "row 3: '0' is already in row 2"),
        ("Id,Category\n0.png,\n", "row 2: the column 'Category' is empty"),
        ("Id,Category\n0.png\n", "row 2: there are 1 values for 2 columns"),
        ("", "labels.csv is empty"),
        (b"Id,Category\n\xff\xfe.png,a\n", "not a text file in UTF-8"),
        ('Id,Category\n"0.png,a\n', "not a CSV file"),
    ],
)
def test_bad_tables_are_named_by_file_and_row(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        _collect(_table(tmp_path / "t", text), tmp_path)


def test_a_quotation_may_span_lines_and_hold_commas(tmp_path: Path) -> None:
    text = 'Id,note,Category\n0.png,"one,\ntwo\r\n""three""",a\n1.png,,b\n'
    assert _collect(_table(tmp_path / "t", text), tmp_path).labels.tolist() == [0, 1]


def test_a_table_of_commas_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_bytes(b"," * 10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="row 1: it is longer than 1,000,000"):
            read_table(tmp_path / "wide.csv", "Id", "Category")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_each_row_has_the_whole_room_for_itself(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("Id,Category\n" + "".join(f'"{number}\n\n",a\n' for number in range(10)))
    small = Limits(table_row=13, table_columns=2)
    assert len(read_table(table, "Id", "Category", limits=small)) == 10
    for limits in (Limits(table_row=11), Limits(table_columns=1)):
        with pytest.raises(BadInput, match=r"t\.csv, row 1: "):
            read_table(table, "Id", "Category", limits=limits)


def test_the_columns_of_a_table_can_be_chosen(tmp_path: Path) -> None:
    source = _table(tmp_path / "t", "file,breed\n0.png,a\n1.png,b\n")
    source = source.model_copy(update={"id_column": "file", "label_column": "breed"})
    assert _collect(source, tmp_path).classes == ("a", "b")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_zip_of_class_folders(tmp_path: Path, wrapped: bool) -> None:
    archive = _zip_of(write_classes(tmp_path / "pets", {"cat": 2, "dog": 1}), wrapped)
    collection = _collect(ZipSource(path=str(archive)), tmp_path)
    assert collection.classes == ("cat", "dog")
    assert list(collection.names) == ["cat/000.png", "cat/001.png", "dog/000.png"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_zip_with_a_table(tmp_path: Path, wrapped: bool) -> None:
    _table(tmp_path / "t", "Id,Category\n0.png,10\n1.png,2\n2.png,10\n", test=2)
    collection = _collect(ZipSource(path=str(_zip_of(tmp_path / "t", wrapped))), tmp_path)
    assert collection.classes == ("2", "10")
    assert int((collection.splits == UNLABELLED).sum()) == 2


def test_a_zip_with_two_fitting_tables_asks_which(tmp_path: Path) -> None:
    _table(tmp_path / "t", "Id,Category\n0.png,1\n1.png,2\n")
    (tmp_path / "t" / "sample.csv").write_text("Id,Category\n")
    archive = _zip_of(tmp_path / "t")
    with pytest.raises(BadInput, match=r"several CSV files \(labels\.csv, sample\.csv\)"):
        _collect(ZipSource(path=str(archive)), tmp_path)
    source = ZipSource(path=str(archive), table="labels.csv")
    assert _collect(source, tmp_path / "again").classes == ("1", "2")


def test_a_zip_without_images_or_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("x")
    with pytest.raises(BadInput, match=r"empty\.zip holds no images"):
        _collect(ZipSource(path=str(_zip_of(tmp_path / "empty"))), tmp_path)
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(BadInput, match=r"x\.zip is not a whole zip archive"):
        _collect(ZipSource(path=str(tmp_path / "x.zip")), tmp_path / "other")
    with pytest.raises(BadInput, match="does not exist"):
        _collect(ZipSource(path=str(tmp_path / "none.zip")), tmp_path)


def test_what_an_archive_leaves_out_is_told(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "pets", {"cat": 1, "dog": 1})
    (root / "model.pkl").write_bytes(b"x")
    collection = _collect(ZipSource(path=str(_zip_of(root))), tmp_path)
    assert collection.skipped == ("1 files of Python objects of the archive left out.",)
    assert np.bincount(collection.labels).tolist() == [1, 1]
