"""A small data set, made once, that all rooms' tests train on."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.data import Dataset, Library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> "Library":
    """120 drawn shapes in 4 classes, 28 px: 84 train, 18 val, 18 test images. Not to be changed."""
    from core.data import ImportOptions, Library, ShapesSource
    from tests.unit import tiny

    library = Library(tmp_path_factory.mktemp("data"))
    library.import_dataset(
        ShapesSource(classes=4, images=120, image_size=28), tiny.DATASET, ImportOptions(seed=1)
    )
    return library


@pytest.fixture(scope="session")
def dataset(library: "Library") -> "Dataset":
    from tests.unit import tiny

    return library.open(tiny.DATASET)


@pytest.fixture
def runs_folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"
