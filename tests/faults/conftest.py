"""A data set for all fault tests, and a store in an empty folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data import Dataset, Library
from core.runs import RunStore
from tests.faults import points
from tests.unit import tiny


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """24 drawn shapes in 2 classes. Not to be changed."""
    return points.small_library(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def dataset(library: Library) -> Dataset:
    return library.open(tiny.DATASET)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a folder: ten thousand damaged files need no disk."""
    with tempfile.TemporaryDirectory(dir=points.MEMORY, prefix="plateau-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")
