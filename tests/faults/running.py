"""Coroutines within a test, and waiting for what comes."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a thread of its own: Playwright, once used, keeps a loop in the tests' thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def eventually(is_so: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)
