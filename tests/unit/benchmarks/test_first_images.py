"""The first images of a data set become a folder that gives the same images again."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import first_images
from core.data import Dataset, FolderSource, ImportOptions, Library
from core.errors import BadInput
from tests.unit import tiny


def test_the_folder_has_the_first_images_in_the_order_of_the_source(dataset: Dataset, tmp_path: Path) -> None:
    first_images.write_first(dataset, tmp_path / "first", train=60, test=5)
    there = sorted(set(range(dataset.info.images)) - set(dataset.indices("test").tolist()))
    assert set(there[:60]) & set(dataset.indices("val").tolist()), "images that became val count too"
    files = sorted((tmp_path / "first" / "train").glob("*/*"), key=lambda path: path.name)
    assert [path.name for path in files] == [f"{number:06d}.png" for number in range(60)]
    for path, index in zip(files, there, strict=False):
        assert np.array_equal(np.asarray(Image.open(path)), dataset.images[index])
        assert path.parent.name == dataset.info.classes[dataset.labels[index]]
    tests = sorted((tmp_path / "first" / "test").iterdir())
    assert len(tests) == 5
    for path, index in zip(tests, dataset.indices("test"), strict=False):
        assert np.array_equal(np.asarray(Image.open(path)), dataset.images[index])


def test_imported_twice_it_is_the_same_data_set(dataset: Dataset, tmp_path: Path) -> None:
    library, found = Library(tmp_path / "data"), []
    for name in ("one", "other"):
        first_images.write_first(dataset, tmp_path / name, train=60, test=5)
        source = FolderSource(path=str(tmp_path / name))
        library.import_dataset(source, name, ImportOptions())
        found.append(library.open(name).info)
    assert found[0].split_fingerprint == found[1].split_fingerprint != dataset.info.split_fingerprint
    assert found[0].counts["train"] + found[0].counts["val"] == 60
    assert found[0].counts["unlabelled"] == 5


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (103, 0, "--train = 103: must be from 0 to the data set's 102"),
        (1, 19, "--test = 19: "),
        (-1, 0, "--train"),
    ],
)
def test_more_than_there_are_is_refused(
    dataset: Dataset, tmp_path: Path, train: int, test: int, words: str
) -> None:
    with pytest.raises(BadInput) as error:
        first_images.write_first(dataset, tmp_path / "first", train, test)
    assert str(error.value).startswith(words)
    assert not (tmp_path / "first").exists()


def test_a_folder_with_something_in_it_is_left_alone(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    (tmp_path / "mine.txt").write_text("mine")
    assert first_images.main([tiny.DATASET, str(tmp_path), "--train", "5"]) == 1
    assert "has something in it already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert first_images.main([tiny.DATASET, str(tmp_path / "new"), "--train", "5"]) == 0
    assert len(list((tmp_path / "new").rglob("*.png"))) == 5
