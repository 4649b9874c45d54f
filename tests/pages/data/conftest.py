"""A library, empty or with a small set, and pictures to import."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data import ImportOptions, Library, ShapesSource
from tests.pages.data.page import save


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
