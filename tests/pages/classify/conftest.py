"""A workspace with two data sets and a trained run on each, copied for every test."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.data import Dataset, FolderSource, ImportOptions, Library, ShapesSource
from core.recipe import recipe_from_draft
from core.runs import Run, RunStore, train
from tests.pages.classify.page import save

FLIP = [{"kind": "horizontal_flip"}, {"kind": "random_crop"}]


def make_run(
    store: RunStore, library: Library, data: str, name: str, augmentations: list[Any], **settings: Any
) -> Run:
    draft: dict[str, Any] = {
        "data": {"name": data},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4},
        "augmentations": augmentations,
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
    """A workspace that the tests copy: two data sets, and a run on each."""
    root = tmp_path_factory.mktemp("trained")
    library, store = Library(root / "data"), RunStore(root / "runs")
    library.import_dataset(ShapesSource(classes=3, images=80, image_size=28), "small", ImportOptions())
    dataset = library.open("small")
    source = root / "source"
    for index in range(30):
        save(dataset, index, source / "train" / f"kind {dataset.labels[index]}" / f"{index}.png")
    for index in range(30, 34):
        save(dataset, index, source / "test" / f"x{index}.png")
    library.import_dataset(FolderSource(path=str(source)), "contest", ImportOptions(image_size=16))
    make_run(store, library, "contest", "no *changes*", [])
    make_run(store, library, "small", "flips", FLIP, ema={"decay": 0.5})
    return root


@pytest.fixture
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("runs", "data"):
        shutil.copytree(trained / part, tmp_path / part)
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def flips(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("flips")


@pytest.fixture
def no_changes(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("no *changes*")


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    return Library(workspace / "data").open("small")
