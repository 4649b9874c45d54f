from collections.abc import Iterator

import pytest

from tests.unit import tiny


@pytest.fixture(scope="package", autouse=True)
def quick_collections() -> Iterator[None]:
    with tiny.quick_collections():
        yield
