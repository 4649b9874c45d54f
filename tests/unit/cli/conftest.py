"""Folders of its own for each call, and a finished run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.main import main
from core.data import Dataset, Library
from core.runs import Run, RunStore, train
from tests.unit import tiny
from tests.unit.cli.calls import Answer, Call


@pytest.fixture(scope="package", autouse=True)
def quick_collections() -> Iterator[None]:
    with tiny.quick_collections():
        yield


@pytest.fixture
def call(
    library: Library, runs_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    monkeypatch.setenv("PLATEAU_RUNS", str(runs_folder))
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(status, captured.out, captured.err)

    return run


@pytest.fixture
def own_data(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder that a test may fill."""
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def store(runs_folder: Path) -> RunStore:
    return RunStore(runs_folder)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.json"
    recipe = tiny.recipe(data={"name": ""}, augmentations=tiny.AUGMENTATIONS)
    path.write_text(recipe.model_dump_json())
    return path


@pytest.fixture(scope="session")
def finished(library: Library, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of two epochs. Not to be changed."""
    store = RunStore(tmp_path_factory.mktemp("finished"))
    recipe = tiny.recipe(augmentations=tiny.AUGMENTATIONS)
    run = store.create(recipe, dataset.info, name="first", queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture
def trained(finished: Run, store: RunStore) -> Run:
    """A finished run of two epochs, of the test's own."""
    shutil.copytree(finished.folder, store.folder / finished.id)
    return store.get(finished.id)


@pytest.fixture(scope="session")
def kept_run(library: Library, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of six epochs that keeps epochs 2 and 4, and an average of its weights. Not to be
    changed."""
    store = RunStore(tmp_path_factory.mktemp("kept"))
    recipe = tiny.recipe(
        architecture={"kind": "my_net", "blocks": 2, "width": 8},
        optimizer={"kind": "adam", "lr": 0.01},
        augmentations=tiny.AUGMENTATIONS,
        epochs=6,
        ema={"decay": 0.9},
        checkpoints={"best": False, "epochs": [2, 4]},
    )
    run = store.create(recipe, dataset.info, name="kept", queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture
def kept(kept_run: Run, store: RunStore) -> Run:
    """The same, of the test's own."""
    shutil.copytree(kept_run.folder, store.folder / kept_run.id)
    return store.get(kept_run.id)
