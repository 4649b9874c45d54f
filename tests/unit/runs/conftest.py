"""A store in an empty folder, and a data set on which an epoch takes a few milliseconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.runs import RunStore
from tests.unit import tiny


@pytest.fixture(scope="package", autouse=True)
def quick_collections() -> Iterator[None]:
    with tiny.quick_collections():
        yield


@pytest.fixture(scope="session")
def small_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """24 drawn shapes in 2 classes. Not to be changed."""
    library = Library(tmp_path_factory.mktemp("small"))
    library.import_dataset(ShapesSource(classes=2, images=24, image_size=28), tiny.DATASET, ImportOptions())
    return library


@pytest.fixture(scope="session")
def small(small_library: Library) -> Dataset:
    return small_library.open(tiny.DATASET)


@pytest.fixture
def store(runs_folder: Path) -> RunStore:
    return RunStore(runs_folder)
