"""Runs of every kind with their pictures, made once; each test has a copy of its own."""

import io
import shutil
from pathlib import Path

import pytest

from core.insight.diary.entries import Diary
from core.insight.diary.write import pictures_of, write_diary
from core.runs import Run, RunStore
from tests.unit.insight.diary.setups import fill


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("diary")
    runs = fill(folder)
    diary = Diary.of(RunStore(folder).list())
    write_diary(io.BytesIO(), "zip", diary, diary.entries, pictures_of(RunStore(folder)))
    return runs


@pytest.fixture
def runs(made: dict[str, Run], runs_folder: Path) -> dict[str, Run]:
    shutil.copytree(made["first"].folder.parent, runs_folder)
    return {name: Run(runs_folder / run.id) for name, run in made.items()}


@pytest.fixture
def store(runs: dict[str, Run], runs_folder: Path) -> RunStore:
    return RunStore(runs_folder)


@pytest.fixture
def diary(store: RunStore) -> Diary:
    return Diary.of(store.list())
