"""What Live's charts show: which steps, and when rows that are kept for all sessions are made anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.insight.overfit import Mark
from core.runs import Run, RunStore
from tests.pages.made_runs import make_run
from ui.live_charts import Shown


def read(*epochs: int, at: tuple[int, int] = (7, 100), steps: tuple[float, ...] = ()) -> dict[str, Any]:
    rows = [{"epoch": epoch, "val/accuracy": 0.5} for epoch in epochs]
    running = [{"epoch": int(position) + 1, "position": position} for position in steps]
    return {"epochs": rows, "drawn": rows, "epochs_at": list(at), "steps": running}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(RunStore(tmp_path / "runs"), state="stopped", done=2)


@pytest.fixture
def shown(run: Run) -> Shown:
    return Shown(run, run.status(), read(1, 2), [], None, None)


def test_the_first_tenth_of_an_epoch_is_shown_only_where_there_is_nothing_else(shown: Shown) -> None:
    early, late = 2.05, 2.5
    assert [step["position"] for step in replace(shown, read=read(1, 2, steps=(early, late))).steps] == [late]
    assert [step["position"] for step in replace(shown, read=read(steps=(0.05,))).steps] == [0.05]


def test_the_same_is_the_same_to_every_session(shown: Shown, run: Run) -> None:
    assert replace(shown, status=run.status(), read=read(1, 2)).stamp == shown.stamp
    # Steps stand in a data set of their own.
    assert replace(shown, read=read(1, 2, steps=(2.5,))).stamp == shown.stamp


CHANGES = {
    "an epoch more": {"read": read(1, 2, 3, at=(7, 150))},
    "as many epochs in another file": {"read": read(1, 2, at=(8, 100))},
    "another length of the file": {"read": read(1, 2, at=(7, 101))},
    "marks": {"marks": [Mark(2, "gap", "")]},
    "a run behind": {"behind_read": read(1)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_rows_are_made_anew_when(change: dict[str, Any], shown: Shown) -> None:
    assert replace(shown, **change).stamp != shown.stamp


@pytest.mark.parametrize("change", [{"epochs": 500}, {"hold_from": 1}])
def test_rows_are_made_anew_when_the_plan_changes(change: dict[str, Any], shown: Shown) -> None:
    assert replace(shown, status=shown.status.model_copy(update=change)).stamp != shown.stamp


def test_another_run_has_rows_of_its_own(shown: Shown, run: Run) -> None:
    other = make_run(RunStore(run.folder.parent), state="stopped", done=2)
    assert replace(shown, run=other).stamp != shown.stamp
    behind = [replace(shown, behind=one, behind_read=read(1)).stamp for one in (run, other)]
    assert len({*behind, shown.stamp}) == 3


def test_a_run_behind_that_cannot_be_read_takes_nothing_from_the_run(shown: Shown, run: Run) -> None:
    behind = make_run(RunStore(run.folder.parent), state="stopped", done=2)
    (behind.folder / "status.json").write_text("{")
    rows = replace(shown, behind=behind, behind_read=read(1, 2)).datasets("lr")["rows"]
    assert set(rows["role"].to_pylist()) == {"this"}
