"""A data set for all fault tests, and a store in an empty folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.data import Dataset, Library
    from core.runs import RunStore


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> "Library":
    """24 drawn shapes in 2 classes. Not to be changed."""
    from tests.faults import points

    return points.small_library(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def dataset(library: "Library") -> "Dataset":
    from tests.unit import tiny

    return library.open(tiny.DATASET)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where there is such a folder: ten thousand damaged files need no disk."""
    from tests.faults import points

    with tempfile.TemporaryDirectory(dir=points.MEMORY, prefix="plateau-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def store(tmp_path: Path) -> "RunStore":
    from core.runs import RunStore

    return RunStore(tmp_path / "runs")
