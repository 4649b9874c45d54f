"""A workspace with two trained runs on the same images and one on others, copied for every test."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.data import ImportOptions, Library, ShapesSource
from core.recipe import recipe_from_draft
from core.runs import Run, RunStore, train


def make_run(store: RunStore, library: Library, data: str, name: str, **settings: Any) -> Run:
    draft: dict[str, Any] = {
        "data": {"name": data},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 8},
        "augmentations": [{"kind": "horizontal_flip"}, {"kind": "random_crop"}],
        "optimizer": {"kind": "adam", "lr": 0.01},
        "epochs": 3,
        "batch_size": 16,
        "checkpoints": {"best": True, "every": 1},
        "precision": "fp32",
        "device": "cpu",
    }
    run = store.create(recipe_from_draft(draft | settings), library.open(data).info, name=name, queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inspected")
    library, store = Library(root / "data"), RunStore(root / "runs")
    library.import_dataset(ShapesSource(classes=4, images=240, image_size=28), "small", ImportOptions())
    library.import_dataset(ShapesSource(classes=30, images=300, image_size=28), "many", ImportOptions())
    make_run(store, library, "small", "first *one*", ema={"decay": 0.5})
    make_run(store, library, "small", "second", seed=5)
    make_run(store, library, "many", "many classes", epochs=1, augmentations=[])
    return root


@pytest.fixture
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("runs", "data"):
        shutil.copytree(trained / part, tmp_path / part)
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def first(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("first *one*")


@pytest.fixture
def second(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("second")


@pytest.fixture
def many(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("many classes")
