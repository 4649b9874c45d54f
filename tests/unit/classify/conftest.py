"""A run of one epoch, trained once, whose checkpoints all tests here ask."""

import pytest

from core.classify import Predictor
from core.data import Library
from core.recipe import recipe_from_draft
from core.runs import Run, RunStore, train
from core.train import Compute, resolve_compute
from tests.unit import tiny


@pytest.fixture(scope="session")
def compute() -> Compute:
    return resolve_compute("cpu", "fp32")


def make_run(
    store: RunStore, library: Library, augmentations: list[dict[str, object]], **settings: object
) -> Run:
    """A trained run on the tiny data set."""
    draft: dict[str, object] = {
        "data": {"name": tiny.DATASET},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4},
        "augmentations": augmentations,
        "epochs": 1,
        "batch_size": 32,
        "precision": "fp32",
        "device": "cpu",
    }
    run = store.create(recipe_from_draft(draft | settings), library.open(tiny.DATASET).info, queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("classify-runs"))


@pytest.fixture(scope="session")
def trained(runs: RunStore, library: Library) -> Run:
    """With augmentations that change every view."""
    return make_run(runs, library, [{"kind": "horizontal_flip"}, {"kind": "random_crop"}])


@pytest.fixture(scope="session")
def plain_trained(runs: RunStore, library: Library) -> Run:
    """Without augmentations."""
    return make_run(runs, library, [])


@pytest.fixture(scope="session")
def ema_trained(runs: RunStore, library: Library) -> Run:
    """Which kept an average of its weights as well."""
    return make_run(runs, library, [], ema={"decay": 0.5})


@pytest.fixture(scope="session")
def predictor(trained: Run, compute: Compute) -> Predictor:
    return Predictor.load(trained.checkpoint("best"), compute)


@pytest.fixture(scope="session")
def wavering_run(runs: RunStore, library: Library) -> Run:
    """It learned something, and its augmentations turn many of its answers: views disagree, and a vote
    fixes some images and breaks others."""
    return make_run(
        runs,
        library,
        [{"kind": "affine", "degrees": 180, "translate": [0.2, 0.2]}, {"kind": "color_jitter", "hue": 0.5}],
        architecture={"kind": "my_net", "blocks": 2, "width": 16},
        optimizer={"kind": "adam", "lr": 0.01},
        batch_size=8,
        epochs=12,
        checkpoints={"best": True, "epochs": [3, 6]},
    )


@pytest.fixture(scope="session")
def wavering(wavering_run: Run, compute: Compute) -> Predictor:
    return Predictor.load(wavering_run.checkpoint("last"), compute)
