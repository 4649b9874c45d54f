"""The power goes before a change: what was flushed is there, of the rest any part may be.

A part of `python -m tests.faults.power`, which tries every point with more drawn losses.
"""

import os
import random
from pathlib import Path

import pytest

from core.data import Library
from core.files import replacing, sync_folder, write_text
from tests.faults.layer import Change, watched
from tests.faults.power import LOSSES, Recorder, lay_out, lose_power
from tests.faults.scenarios import ACTS, SHAKEN, TRAININGS, Scenario

LONG = bool(os.environ.get("PLATEAU_LONG"))


@pytest.mark.parametrize("scenario", ACTS, ids=lambda scenario: scenario.name)
def test_power_lost_at_every_point_of_an_act(scenario: Scenario, library: Library) -> None:
    every = (9 if LONG else 18) if scenario.name == "import" else 1
    assert sum(lose_power(scenario, library, mixes=2, every=every).kinds.values()) >= (2 if every > 1 else 4)


@pytest.mark.parametrize("scenario", (*TRAININGS, SHAKEN[0]), ids=lambda scenario: scenario.name)
def test_power_lost_at_points_of_a_training(scenario: Scenario, library: Library) -> None:
    every = (33 if LONG else 60) if scenario in SHAKEN else (8 if LONG else 26)
    figures = lose_power(scenario, library, mixes=1, every=every, seed=1)
    assert sum(figures.kinds.values()) >= 2
    assert set(figures.kinds) & set(LOSSES)


def disks_after(folder: Path, act: object, at: str) -> dict[str, str | None]:
    """What each loss leaves of a.txt when the power goes before the last change of this kind."""
    found: dict[str, str | None] = {}

    def lost(recorder: Recorder, change: Change) -> None:
        if change.kind == at:
            for loss in LOSSES:
                disk = folder.parent / f"disk-{loss}-{os.urandom(3).hex()}"
                lay_out(recorder.root, disk, loss, random.Random(0))
                path = disk / "a.txt"
                found[loss] = path.read_text() if path.exists() else None

    with watched(folder, Recorder(folder, lost)):
        act()  # type: ignore[operator]
        sync_folder(folder)
    return found


def test_the_model_loses_what_was_not_flushed(tmp_path: Path) -> None:
    """Without a flush, a replaced file may be empty: what the recorder is there to show."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "a.txt").write_text("old")

    def careless() -> None:
        with replacing(folder / "a.txt", durable=False) as temporary:
            temporary.write_text("new")

    left = disks_after(folder, careless, "fsync")
    assert left == {"everything": "old", "names": "old", "contents": "", "nothing": "new"}


def test_a_flushed_replacement_is_old_or_new(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "a.txt").write_text("old")
    left = disks_after(folder, lambda: write_text(folder / "a.txt", "new", durable="content"), "fsync")
    assert left == {"everything": "old", "names": "old", "contents": "new", "nothing": "new"}
