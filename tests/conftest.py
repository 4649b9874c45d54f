"""For all tests: one thread per process, so that they are calm beside each other.

Where several processes test, the one that hands out the tests begins before all others and needs no torch:
so no conftest that it reads (this one and those of the rooms) loads it with itself.
"""

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """In each process that tests."""
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        return
    import torch

    torch.set_num_threads(1)
