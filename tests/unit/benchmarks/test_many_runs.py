"""Many runs without training: they are what a training leaves, and something is to be found in them."""

from pathlib import Path

import pytest

from benchmarks import many_runs
from core.data import Library
from core.insight.outcomes import val_outcomes
from core.insight.repeats import groups
from core.runs import RunStore

RUNS, EPOCHS, SEEDS = 12, 4, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    many_runs.make_workspace(folder, RUNS, EPOCHS, SEEDS)
    return folder


def test_each_run_is_whole_and_on_the_data_that_are_there(folder: Path) -> None:
    entries = RunStore(folder / "runs").list()
    info = Library(folder / "data").open("shapes").info
    assert len(entries) == RUNS
    for entry in entries:
        assert entry.status is not None and entry.state == "finished"
        assert entry.status.is_on(info.fingerprint, info.split_fingerprint)
        assert len(entry.run.epochs().rows) == EPOCHS
        best = entry.status.best
        assert best is not None
        assert val_outcomes(entry.run).hits.mean() == pytest.approx(best.val_accuracy)


def test_so_many_seeds_are_a_group(folder: Path) -> None:
    found = groups(RunStore(folder / "runs").list())
    assert [group.n for group in found] == [SEEDS] * (RUNS // SEEDS)


def test_the_settings_differ_and_so_does_what_came_of_them(folder: Path) -> None:
    found = groups(RunStore(folder / "runs").list())
    assert len({group.first.run.recipe().optimizer.lr for group in found}) == len(found)
    assert len({round(group.mean or 0.0, 4) for group in found}) == len(found)
