"""Every point at which a change of the disk can fail, as a kill, a full disk and a broken one.

Acts of a person are gone through point by point; of the trainings, which have hundreds, every few one
with a different beginning per fault; more of them where PLATEAU_LONG is set. `python -m
tests.faults.points` goes through all of them.
"""

import builtins
import io
import os
import sys
from itertools import count
from pathlib import Path

import pytest

from core.data import Library
from core.files import write_json
from tests.faults.layer import KINDS, Change, Watcher, watched
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


class _Seen(Watcher):
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []

    def before(self, change: Change) -> None:
        self.changes.append((change.kind, change.path.name))


AUDITED = {"os.rename": "rename", "os.remove": "remove", "os.mkdir": "mkdir", "os.rmdir": "remove"}


def test_no_change_goes_past_the_layer(tmp_path: Path, library: Library) -> None:
    """Python's own audit of a training, an extension and a deletion names what the layer named."""
    place, seen, audited = Place(tmp_path / "place", library), _Seen(), []
    scenario = Training(epochs=2)
    scenario.prepare(place)
    inside, listening = f"{place.folder}{os.sep}", True

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if not listening or not arguments or not str(arguments[0]).startswith(inside):
            return
        if event in AUDITED and (event != "os.remove" or os.path.lexists(str(arguments[0]))):
            audited.append((AUDITED[event], Path(str(arguments[0])).name))
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
            audited.append(("create", Path(str(arguments[0])).name))

    sys.addaudithook(audit)
    with watched(place.folder, seen):
        scenario.act(place, lambda what, number: None)
        place.store.extend(place.run, 1, queue=False)
        place.train(place.run)
    listening = False
    # The lock is opened by many a look; it is made once.
    named = [change for change in seen.changes if change[0] not in ("write", "fsync", "link")]
    assert [c for c in audited if c[1] != "lock"] == [c for c in named if c[1] != "lock"]
    assert {kind for kind, _ in seen.changes} == set(KINDS)
    assert (builtins.open, io.open) == (open, open), "the layer is gone after the block"


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
