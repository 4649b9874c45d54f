"""Every point at which a change of the disk can fail, as a kill, a full disk and a broken one.

Acts of a person are gone through point by point; of the trainings, which have hundreds, every few one
with a different beginning per fault; more of them where PLATEAU_LONG is set. `python -m
tests.faults.points` goes through all of them.
"""

import os
from itertools import count
from pathlib import Path

import pytest

from core.data import Library
from core.files import write_json
from tests.faults.layer import Change, Watcher, watched
from tests.faults.points import FAULTS, Fault, enumerate_points, main
from tests.faults.scenarios import ACTS, SHAKEN, TRAININGS, Place, Scenario, Training

LONG = bool(os.environ.get("PLATEAU_LONG"))
EVERY = {"kill": 8, "full": 12, "broken": 12} if LONG else {"kill": 24, "full": 41, "broken": 41}
EVERY_OF_AN_IMPORT = 7 if LONG else 13


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", ACTS, ids=lambda scenario: scenario.name)
def test_a_fault_at_every_point_of_an_act(scenario: Scenario, fault: Fault, library: Library) -> None:
    points = count(1 + FAULTS.index(fault), EVERY_OF_AN_IMPORT) if scenario.name == "import" else None
    assert enumerate_points(scenario, library, fault, points).points >= (3 if points else 5)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", TRAININGS, ids=lambda scenario: scenario.name)
def test_a_fault_at_points_of_a_training(scenario: Scenario, fault: Fault, library: Library) -> None:
    first = 1 + FAULTS.index(fault) + 3 * TRAININGS.index(scenario)
    figures = enumerate_points(scenario, library, fault, count(first, EVERY[fault]))
    assert figures.points >= 1


def test_a_kill_at_points_of_a_training_with_shakedrop(library: Library) -> None:
    for number, scenario in enumerate(SHAKEN):
        points = count(5 + 9 * number, 33 if LONG else 60)
        assert enumerate_points(scenario, library, "kill", points).points >= 1


def test_a_fault_that_loses_something_is_found(library: Library) -> None:
    """The enumeration can fail: a training that commits nothing does not get through it."""

    class Forgets(Training):
        def act(self, place: Place, report: object) -> None:
            super().act(place, lambda what, number: report(what, number + 1))  # type: ignore[operator]

    with pytest.raises(AssertionError, match="an acknowledged epoch is gone"):
        enumerate_points(Forgets(), library, "kill", [60])


def test_a_half_written_file_is_half_of_it(tmp_path: Path) -> None:
    class Half(Watcher):
        def before(self, change: Change) -> None:
            if change.kind == "write":
                change.half()
                raise KeyboardInterrupt

    with watched(tmp_path, Half()), pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "a.json", {"a": 1})
    assert not (tmp_path / "a.json").exists()


def test_a_scenario_that_does_not_exist_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["make a run"])
    assert "no such scenario: make a run" in capsys.readouterr().err
