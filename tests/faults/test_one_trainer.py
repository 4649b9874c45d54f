"""However often it is asked for, and whatever is loaded anew: one run, one trainer."""

import asyncio
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from benchmarks.acting_client import ActingSession, open_session
from benchmarks.served_app import served
from core.data import Dataset, Library
from core.errors import Busy
from core.runs import JobQueue, Run, RunStore, train, training
from core.runs import job as job_module
from core.runs.resuming import resume
from core.runs.training import NotQueued
from tests.faults.points import fork
from tests.faults.running import run_async
from tests.faults.setups import check_store, new_run, outcome, recipe

PROJECT = Path(__file__).resolve().parents[2]
TABS = 20
TABS_EPOCHS = 12


def sittings(run: Run) -> int:
    """How often somebody began to train it."""
    return (run.folder / "train.log").read_text().count(", epochs ")


def cut_short(
    store: RunStore, dataset: Dataset, library: Library, settings: str = "plain", **changes: Any
) -> Run:
    """A run whose app was closed after its first epoch."""
    run = new_run(store, dataset, settings, **changes)
    with patch.object(training, "CONTROL_EVERY_S", 0.0):
        train(run, library, closing=lambda: run.status().epoch == 1)
    assert run.status().state == "interrupted"
    return run


def all_at_once(act: Callable[[], object], processes: int) -> list[int]:
    """Do the same in so many processes at the same moment; their exit statuses."""
    reading, writing = os.pipe()
    children = []
    for _ in range(processes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(writing)
                os.read(reading, 1)  # returns when the parent closes its end
                act()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(writing)
    os.close(reading)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_twenty_clicks_on_launch_make_one_run(store: RunStore, dataset: Dataset) -> None:
    asked = recipe("plain")
    assert all_at_once(lambda: store.create(asked, dataset.info, token="click"), TABS) == [0] * TABS
    (run,) = check_store(store)
    assert store.queue() == [run]


def test_twenty_clicks_on_resume_queue_it_once(store: RunStore, dataset: Dataset, library: Library) -> None:
    run = cut_short(store, dataset, library)
    assert all_at_once(lambda: resume(store, run), TABS) == [0] * TABS
    assert store.queue() == [run]
    assert [path.name for path in store.queue_folder.iterdir()] == [run.id]


def test_of_twenty_trainers_one_trains(store: RunStore, dataset: Dataset, library: Library) -> None:
    run, whole = new_run(store, dataset), new_run(store, dataset)
    train(whole, library)
    refused: list[BaseException] = []

    def begin() -> None:
        try:
            train(run, library)
        except (Busy, NotQueued) as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(TABS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == TABS - 1
    assert sittings(run) == 1
    assert outcome(run) == outcome(whole)


def test_modules_loaded_anew_under_a_training_make_no_second_trainer(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    """What an edited file does where somebody has switched the watcher on: new classes, a new queue."""
    first, second = (new_run(store, dataset, epochs=30) for _ in range(2))
    for run in (first, second):
        store.enqueue(run)

    def work(report: Callable[[str, int], None]) -> None:
        job_module.available_devices = lambda: ["cpu"]  # type: ignore[assignment]
        old = JobQueue(store, library)
        old.start()
        while first.status().epoch < 2:
            time.sleep(0.01)
        # Torch knows core.vision's operators already, and takes none of them twice.
        for name in [name for name in sys.modules if name.startswith("core.") and name != "core.vision"]:
            del sys.modules[name]
        from core.data import Library as NewLibrary
        from core.runs import JobQueue as NewQueue
        from core.runs import RunStore as NewStore
        from core.runs import job as new_job

        assert NewQueue is not JobQueue
        new_job.available_devices = lambda: ["cpu"]  # type: ignore[assignment]
        new = NewQueue(NewStore(store.folder), NewLibrary(library.folder))
        report("interrupted", len(new.start()))
        while second.status().state != "finished":
            time.sleep(0.01)
        new.close()
        old.close()

    assert fork(work) == (0, {"interrupted": 0})
    assert [sittings(run) for run in (first, second)] == [1, 1]
    check_store(store)


@pytest.mark.timeout(180)
def test_twenty_tabs_cleared_caches_and_edited_files_leave_one_trainer(
    store: RunStore, dataset: Dataset, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real app: all tabs press Resume at once, then look on; some clear the caches, and files change."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # Slow enough to be there while all this goes on.
    whole = new_run(store, dataset, "shaken", epochs=TABS_EPOCHS)
    train(whole, library)
    run = cut_short(store, dataset, library, "shaken", epochs=TABS_EPOCHS)

    async def tabs(url: str) -> None:
        async with AsyncExitStack() as stack:
            open_tab = stack.enter_async_context
            address = f"{url}/live?run={run.id}"
            opened = [await open_tab(open_session(ActingSession(address))) for _ in range(TABS)]
            assert all("Resume" in tab.buttons for tab in opened)
            await asyncio.gather(*(tab.press("Resume") for tab in opened))
            while run.status().epoch < 5:
                await asyncio.sleep(0.05)
            for tab in opened[:5]:
                await tab.clear_caches()
            for name in ("ui/live_panel.py", "core/runs/job.py", "streamlit_app.py"):
                os.utime(PROJECT / name)
            seen = [tab.messages for tab in opened]
            while (state := run.status().state) != "finished":
                assert state == "running"
                await asyncio.sleep(0.05)
            for tab, before in zip(opened, seen, strict=True):
                await tab.until(lambda tab=tab, before=before: tab.messages > before, 20.0)  # type: ignore[misc]

    with served(store.folder, library.folder) as (url, _):
        run_async(tabs(url))
    assert sittings(run) == 2, "before the resume, and after it"
    assert outcome(run) == outcome(whole)
