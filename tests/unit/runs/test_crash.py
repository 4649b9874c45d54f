"""SIGKILL at any moment: a true state, everything committed readable, and an exact resume."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.data import Dataset, Library
from core.runs import Run, RunStore, train
from core.train import read_checkpoint, read_state
from tests.unit import tiny
from tests.unit.runs.setups import end, new_run, rows

PROJECT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "epochs": 2,
    "scheduler": {"kind": "one_cycle"},
    "augmentations": tiny.AUGMENTATIONS,
    "checkpoints": {"best": True, "every": 1},
}
ONCE = [(point,) for point in range(1, 76, 4)]
"""More than a run of two epochs has. Writes come in threes (flush, rename, flush of the folder): every
fourth one is of each kind in turn."""
AGAIN = [(36, point) for point in (1, 2, 6, 11, 16, 21)]
"""Killed after the first epoch, and once more in the resume."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def crash(store: RunStore, library: Library, points: dict[str, tuple[int, ...]]) -> list[str]:
    """Train each run until its point, again and again; what became of them in the end."""
    tasks = [f"{run_id}:{','.join(map(str, at))}" for run_id, at in points.items()]
    command = [sys.executable, "-m", "tests.unit.runs.crash", str(store.folder), str(library.folder), *tasks]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=100, check=True)
    return done.stdout.split()


def test_a_kill_at_any_moment_is_survived(store: RunStore, small: Dataset, small_library: Library) -> None:
    whole = new_run(store, small, **SETTINGS)
    train(whole, small_library)
    points = {new_run(store, small, **SETTINGS).id: at for at in [*ONCE, *AGAIN]}
    fates = dict(zip(points, crash(store, small_library, points), strict=True))
    assert fates[next(iter(points))] == "killed"
    assert fates[list(points)[len(ONCE) - 1]] == "finished", "there are more points than were tried"
    assert "broken" not in fates.values()
    committed_when_killed = set()
    for run_id, at in points.items():
        run = store.get(run_id)
        if fates[run_id] == "finished":
            assert run.status().state == "finished"
        else:
            committed_when_killed.add(check_before_the_resume(run, at))
            if run.status().state == "interrupted":
                store.resume(run, queue=False)
            assert train(run, small_library).state == "finished"
        assert end(run) == end(whole), f"killed before write {at}"
        assert run.status().best == whole.status().best
        assert not list(run.folder.rglob("*.tmp")), "what a kill leaves behind does not pile up"
    assert committed_when_killed == {0, 1, 2}


def check_before_the_resume(run: Run, at: tuple[int, ...]) -> int:
    """A true state, and everything committed readable; returns the last committed epoch."""
    status = run.status()
    assert status.state in ("queued", "interrupted"), f"point {at}"
    committed = read_state(run.state_path).epoch if run.state_path.exists() else 0
    assert status.epoch <= committed <= status.epoch + 1
    assert committed >= len(at) - 1, "a resume never loses what was committed"
    assert len(rows(run)) >= committed
    if status.epoch:
        assert read_checkpoint(run.checkpoint("last"))[0].epoch >= status.epoch
        assert read_checkpoint(run.checkpoint("best"))[0].run == run.id
    return committed
