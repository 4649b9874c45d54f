"""Import, list, open and delete."""

import multiprocessing
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import (
    DamagedDataset,
    DatasetInfo,
    FolderSource,
    ImportOptions,
    Library,
    ShapesSource,
    TableSource,
    ZipSource,
    sample_indices,
)
from core.data.dataset import FILES
from core.errors import BadInput, Busy, Damaged, NotFound, PlateauError, Unavailable

from .pictures import encoded, pixels, png, several_frames, write_classes

_SMALL = ShapesSource(classes=2, images=40, image_size=28)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "data")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "pets", {"cat": 10, "dog": 20})


def _import(library: Library, folder: Path, name: str = "pets", **options: object) -> DatasetInfo:
    return library.import_dataset(FolderSource(path=str(folder)), name, ImportOptions(**options))


def _left(library: Library) -> list[str]:
    return sorted(path.name for path in library.folder.iterdir() if path.name != ".locks")


def test_an_import_keeps_pixels_labels_names_and_statistics(library: Library, pets: Path) -> None:
    info = _import(library, pets)
    dataset = library.open("pets")
    assert dataset.info == info
    assert (info.image_size, info.channels, info.classes) == (12, 3, ("cat", "dog"))
    assert info.counts == {"train": 20, "val": 5, "test": 5, "unlabelled": 0}
    for i in (0, 9, 10, 29):
        path = pets / dataset.image_name(i)
        assert np.array_equal(dataset.images[i], np.asarray(Image.open(path)))
        assert info.classes[dataset.labels[i]] == path.parent.name
    train = dataset.images[dataset.indices("train")] / 255
    assert np.allclose(info.mean, train.mean(axis=(0, 1, 2)), atol=1e-9)
    assert np.allclose(info.std, train.std(axis=(0, 1, 2)), atol=1e-9)
    assert not dataset.images.flags.writeable
    assert dataset.labels.dtype == dataset.indices("val").dtype == np.int64


def test_the_splits_are_disjoint_sorted_and_whole(library: Library, pets: Path) -> None:
    _import(library, pets)
    dataset = library.open("pets")
    parts = [dataset.indices(split) for split in ("train", "val", "test", "unlabelled")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(30))
    assert all(np.array_equal(part, np.sort(part)) for part in parts)


def test_fingerprints_tell_data_and_split_apart(library: Library, pets: Path) -> None:
    first, again = _import(library, pets, "a"), _import(library, pets, "b")
    other_split = _import(library, pets, "c", seed=1)
    (pets / "cat" / "000.png").write_bytes(png(999))
    other_data = _import(library, pets, "d")
    assert len(first.fingerprint) == 64
    assert (first.fingerprint, first.split_fingerprint) == (again.fingerprint, again.split_fingerprint)
    assert first.fingerprint == other_split.fingerprint != other_data.fingerprint
    assert first.split_fingerprint != other_split.split_fingerprint


@pytest.mark.parametrize(
    ("stored", "color", "channels"),
    [(1, "as stored", 1), (3, "as stored", 3), (1, "rgb", 3), (3, "grey", 1), (1, "grey", 1)],
)
def test_colour_is_as_stored_or_as_asked(
    library: Library, tmp_path: Path, stored: int, color: str, channels: int
) -> None:
    folder = write_classes(tmp_path / "x", {"a": 4, "b": 4}, channels=stored)
    assert _import(library, folder, color=color).channels == channels
    assert library.open("pets").images.shape == (8, 12, 12, channels)


def test_one_coloured_image_among_grey_ones_makes_the_set_rgb(library: Library, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "x", {"a": 150, "b": 150}, channels=1, size=8)
    (folder / "a" / "001.png").write_bytes(png(5, size=8))
    assert _import(library, folder).channels == 3
    dataset = library.open("pets")
    assert np.array_equal(dataset.images[1], pixels(5, 8))
    assert (dataset.images[0][..., 0] == dataset.images[0][..., 2]).all()


@pytest.mark.skipif(os.name != "posix", reason="only there may a name be any bytes")
def test_names_that_are_no_text_are_imported_with_question_marks(library: Library, pets: Path) -> None:
    (pets / "dog").rename(os.fsdecode(os.fsencode(pets) + b"/d\xffg"))
    (pets / "cat" / "000.png").rename(os.fsdecode(os.fsencode(pets) + b"/cat/\xfe.png"))
    (pets / "cat" / "001.png").write_bytes(b"")
    info = _import(library, pets)
    assert info.classes == ("cat", "d?g")
    assert library.list() == [info]
    assert "cat/?.png" in [library.open("pets").image_name(i) for i in range(29)]


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_images_are_fitted_as_chosen(library: Library, tmp_path: Path, resize: str) -> None:
    folder = tmp_path / "x"
    wide = Image.new("RGB", (40, 20), "white")
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            (folder / name / f"{i}.png").write_bytes(encoded(wide))
    info = _import(library, folder, image_size=16, resize=resize)
    dataset = library.open("pets")
    assert (info.resize, dataset.images.shape) == (resize, (6, 16, 16, 3))
    assert (dataset.images[0, 0].max() == 0) == (resize == "pad")


def test_without_a_size_large_images_are_stored_at_96(library: Library, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "x", {"a": 3, "b": 3}, size=120)
    assert _import(library, folder).image_size == 96


def test_bad_files_are_skipped_and_listed_or_stop_the_import(library: Library, pets: Path) -> None:
    (pets / "cat" / "001.png").write_bytes(b"")
    (pets / "dog" / "002.png").write_bytes(png(1)[:70])
    info = _import(library, pets)
    assert sum(info.counts.values()) == 28
    assert info.skipped_count == 2
    assert info.skipped[0] == "cat/001.png is empty; save it again."
    assert "dog/002.png is damaged" in info.skipped[1]
    assert "Images that could not be read and were left out: 2." in info.warnings
    assert library.open("pets").image_name(1) == "cat/002.png"
    with pytest.raises(BadInput, match=r"^cat/001\.png is empty; save it again\.$"):
        _import(library, pets, "strict", on_bad_file="stop")
    assert _left(library) == ["pets"]


def test_images_of_several_frames_come_in_as_their_first_and_are_counted(
    library: Library, pets: Path
) -> None:
    said = "Images with several frames or pages, of which the first was taken: {}."
    for name, kind in (("a.gif", "GIF"), ("b.tif", "TIFF")):
        (pets / "cat" / name).write_bytes(several_frames(kind))
    info = _import(library, pets)
    assert [warning for warning in info.warnings if "frames" in warning] == [said.format(2)]
    dataset = library.open("pets")
    assert (info.skipped_count, sum(info.counts.values())) == (0, 32)
    for i in range(32):
        if dataset.image_name(i) in ("cat/a.gif", "cat/b.tif"):
            assert dataset.images[i].min() > 250
    for name in ("a.gif", "b.tif"):
        (pets / "cat" / name).unlink()
    assert not [warning for warning in _import(library, pets, "plain").warnings if "frames" in warning]


def test_a_class_of_bad_files_only_is_refused(library: Library, pets: Path) -> None:
    for path in (pets / "cat").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(BadInput, match="'cat' has no readable image"):
        _import(library, pets)
    assert _left(library) == []


def test_a_set_of_bad_files_only_is_refused(library: Library, pets: Path) -> None:
    for path in pets.rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(BadInput, match="no readable image"):
        _import(library, pets)


def test_duplicates_across_splits_are_warned_of(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "x"
    write_classes(root / "train", {"a": 4, "b": 4})
    write_classes(root / "val", {"a": 2, "b": 2})  # the same seeds: all four are copies
    info = _import(library, root, test_fraction=0.0)
    assert any("4 of the 4 val and test images equal a train image" in w for w in info.warnings)


def test_a_table_keeps_its_ids_and_unlabelled_images(library: Library, tmp_path: Path) -> None:
    for folder, count in (("images", 12), ("test", 3)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            (tmp_path / folder / f"{folder}{i}.png").write_bytes(png(i + 100 * (folder == "test")))
    rows = "".join(f"images{i}.png,{i % 2 * 8 + 2}\n" for i in range(12))
    (tmp_path / "t.csv").write_text("Id,Category\n" + rows)
    source = TableSource(
        images=str(tmp_path / "images"), table=str(tmp_path / "t.csv"), test_images=str(tmp_path / "test")
    )
    info = library.import_dataset(source, "t", ImportOptions())
    dataset = library.open("t")
    assert info.classes == ("2", "10")
    assert info.counts == {"train": 10, "val": 2, "test": 0, "unlabelled": 3}
    assert [dataset.image_name(i) for i in dataset.indices("unlabelled")] == [
        f"test{i}.png" for i in range(3)
    ]
    assert (dataset.labels[dataset.indices("unlabelled")] == -1).all()
    assert [len(part) for part in sample_indices(dataset, "unlabelled", 2, 0)] == [2]


def test_a_hostile_zip_leaves_nothing(library: Library, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("a/1.png", png(1))
        archive.writestr("../../evil.png", png(1))
    with pytest.raises(BadInput, match=r"evil\.zip is refused"):
        library.import_dataset(ZipSource(path=str(tmp_path / "evil.zip")), "evil", ImportOptions())
    assert _left(library) == []
    assert not list(tmp_path.rglob("evil.png"))


def test_progress_is_told_and_can_cancel(library: Library) -> None:
    told: list[tuple[str, int, int]] = []
    library.import_dataset(_SMALL, "a", ImportOptions(), lambda *step: told.append(step))
    assert ("Decoding", 0, 40) in told
    assert ("Decoding", 40, 40) in told

    def cancel(stage: str, done: int, total: int) -> None:
        raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError):
        library.import_dataset(_SMALL, "b", ImportOptions(), cancel)
    assert _left(library) == ["a"]


def test_a_cancel_at_any_step_leaves_nothing(library: Library, pets: Path) -> None:
    steps = 0

    def count(stage: str, done: int, total: int) -> None:
        nonlocal steps
        steps += 1

    library.import_dataset(FolderSource(path=str(pets)), "whole", ImportOptions(), count)
    for stop in range(steps):
        calls = iter(range(stop + 1))

        def cancel(stage: str, done: int, total: int, calls=calls, stop=stop) -> None:
            if next(calls) == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            library.import_dataset(FolderSource(path=str(pets)), "b", ImportOptions(), cancel)
        assert _left(library) == ["whole"]


def _import_and_hang(folder: str, started: object) -> None:
    def hang(stage: str, done: int, total: int) -> None:
        started.set()
        time.sleep(60)

    Library(Path(folder)).import_dataset(_SMALL, "killed", ImportOptions(), hang)


def test_what_a_killed_import_leaves_is_removed_by_the_next_one(library: Library) -> None:
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=_import_and_hang, args=(str(library.folder), started))
    process.start()
    assert started.wait(60)
    with pytest.raises(Busy, match="killed is being imported"):
        library.import_dataset(_SMALL, "killed", ImportOptions())
    library.import_dataset(_SMALL, "other", ImportOptions())
    assert _left(library) == [".importing-killed", "other"]
    process.kill()
    process.join()
    assert [info.name for info in library.list()] == ["other"]
    library.import_dataset(_SMALL, "third", ImportOptions())
    assert _left(library) == ["other", "third"]
    library.import_dataset(_SMALL, "killed", ImportOptions())


def test_two_imports_of_one_name_at_once_are_refused(library: Library) -> None:
    started, finish = threading.Event(), threading.Event()

    def wait(stage: str, done: int, total: int) -> None:
        started.set()
        finish.wait(30)

    thread = threading.Thread(target=library.import_dataset, args=(_SMALL, "x", ImportOptions(), wait))
    thread.start()
    assert started.wait(30)
    with pytest.raises(Busy):
        library.import_dataset(_SMALL, "x", ImportOptions())
    library.import_dataset(_SMALL, "y", ImportOptions())
    finish.set()
    thread.join()
    assert [info.name for info in library.list()] == ["x", "y"]


def test_a_taken_name_is_refused_whatever_its_case(library: Library) -> None:
    library.import_dataset(_SMALL, "Shapes", ImportOptions())
    for name in ("Shapes", "shapes"):
        with pytest.raises(BadInput, match="is taken"):
            library.import_dataset(_SMALL, name, ImportOptions())


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "x" * 65, "a\n", "../x"]
)
def test_other_names_than_allowed_are_refused(library: Library, name: str) -> None:
    with pytest.raises(BadInput, match="letters, digits"):
        library.import_dataset(_SMALL, name, ImportOptions())
    for call in (library.open, library.delete, library.disk_bytes):
        with pytest.raises(NotFound):
            call(name)


def test_the_name_of_the_downloads_is_kept(library: Library) -> None:
    with pytest.raises(BadInput, match="kept for downloaded files"):
        library.import_dataset(_SMALL, "Downloads", ImportOptions())


def test_delete_frees_the_name_and_the_space(library: Library) -> None:
    library.import_dataset(_SMALL, "a", ImportOptions())
    assert library.disk_bytes("a") > 40 * 28 * 28 * 3
    library.delete("a")
    assert library.list() == []
    assert _left(library) == []
    with pytest.raises(NotFound, match="no data set 'a'"):
        library.open("a")
    library.import_dataset(_SMALL, "a", ImportOptions())


def test_an_empty_library_lists_nothing(library: Library) -> None:
    assert library.list() == []


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_damaged_set_says_so_and_leaves_the_others_alone(library: Library, file: str, damage: str) -> None:
    for name in ("bad", "good"):
        library.import_dataset(_SMALL, name, ImportOptions())
    path = library.folder / "bad" / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 if damage == "cut" else 0])
    assert [entry.name for entry in library.list()] == ["bad", "good"]
    assert isinstance(library.list()[0], DamagedDataset) == (file == "dataset.json")
    assert library.open("good").image_name(39) == "shape-000039"
    with pytest.raises(Damaged) as caught:
        library.open("bad").image_name(0)
    assert "bad" in str(caught.value)
    library.delete("bad")
    assert [entry.name for entry in library.list()] == ["good"]


def test_a_newer_version_is_said_to_be_newer(library: Library) -> None:
    library.import_dataset(_SMALL, "a", ImportOptions())
    path = library.folder / "a" / "dataset.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    (entry,) = library.list()
    assert isinstance(entry, DamagedDataset)
    assert "newer version" in entry.message


def test_foreign_folders_and_links_are_left_alone(library: Library, pets: Path) -> None:
    library.import_dataset(_SMALL, "a", ImportOptions())
    shutil.copytree(pets, library.folder / "raw")
    (library.folder / "link").symlink_to(library.folder / "a")
    assert [entry.name for entry in library.list()] == ["a"]
    for name in ("raw", "link"):
        with pytest.raises(NotFound):
            library.delete(name)
    assert (library.folder / "raw" / "cat").is_dir()


def test_samples_by_class_are_seeded(library: Library) -> None:
    library.import_dataset(_SMALL, "a", ImportOptions())
    dataset = library.open("a")
    first = sample_indices(dataset, "train", 3, seed=1)
    assert [len(part) for part in first] == [3, 3]
    for label, part in enumerate(first):
        assert (dataset.labels[part] == label).all()
        assert np.isin(part, dataset.indices("train")).all()
    again, other = sample_indices(dataset, "train", 3, seed=1), sample_indices(dataset, "train", 3, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_too_little_disk_space_is_said_before_anything_is_written(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(library.folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(Unavailable, match="GB of disk space"):
        library.import_dataset(_SMALL, "a", ImportOptions())
    assert _left(library) == []


@pytest.mark.parametrize("number", [28, 13])
def test_a_full_or_closed_disk_is_one_sentence(
    library: Library, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("core.data.library.write_arrays", fail)
    with pytest.raises(PlateauError, match="nothing was imported"):
        library.import_dataset(_SMALL, "a", ImportOptions())
    assert _left(library) == []
