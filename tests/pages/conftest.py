"""A workspace of its own for each page, and a run in it that somebody trains."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.runs import Run, RunStore


@pytest.fixture(autouse=True)
def no_browser_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from ui import compare_views

    monkeypatch.setattr(compare_views, "HEAD_START_S", 0.0)
    monkeypatch.setattr(compare_views, "WAY_S", 0.0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "RunStore":
    from core.runs import RunStore

    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return RunStore(tmp_path / "runs")


@pytest.fixture
def running(store: "RunStore") -> Iterator["Run"]:
    """A run that somebody trains: its lock is held."""
    from core.runs.lock import hold
    from tests.pages.made_runs import make_run, move_inside

    run = make_run(store, state="running", done=3, name="now")
    with hold(run.lock_path, busy="in use"):
        status = run.status()
        status.state = "running"
        move_inside(run, status, 5)
        yield run
