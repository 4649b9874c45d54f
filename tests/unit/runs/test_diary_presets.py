"""Every experiment of the diary trains on 200 classes of 40x40 pixels, leaves a checkpoint, and answers
with test-time augmentation. The networks are the real ones: only their batches are smaller."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.classify import Predictor, compute_for
from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.recipe import DIARY, Preset, Recipe, load_presets
from core.runs import RunStore, train
from core.runs import training as training_module
from core.train import EpochEnded, Event, ImageBank, Progress, check, load_images

EXPERIMENTS = [preset for preset in load_presets() if preset.group == DIARY]
STEPS = 2
BATCH = 4
"""Most images of the first step. The experiments have 32 and 64, which take EfficientNetV2-S 3 s and 6 s of
one thread; what is asked here holds for any batch."""
LAST_BATCH = 2
"""Images of the second step, as the last batch of an epoch is smaller than the others."""
EVALUATED = 2
"""Images of val and of the clean train subset."""
USUAL_VIEWS = 5
"""Where the experiment reported no test-time augmentation."""


@pytest.fixture(scope="module")
def diary_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """200 drawn classes, an image each in train and in val, 40x40 like the diary's."""
    library = Library(tmp_path_factory.mktemp("diary"))
    shapes = ShapesSource(classes=200, images=400, image_size=40)
    library.import_dataset(shapes, "shapes", ImportOptions(val_fraction=0.5, test_fraction=0.0))
    return library


@pytest.fixture
def diary_store(tmp_path: Path) -> Iterator[RunStore]:
    """Emptied after each test: a run holds up to 250 MB of weights and momentum."""
    yield RunStore(tmp_path / "runs")
    shutil.rmtree(tmp_path / "runs")


def on_shapes(preset: Preset) -> Recipe:
    """The preset's recipe as the form launches it, with a data set; only the batch is made smaller."""
    data = preset.recipe.data.model_copy(update={"name": "shapes"})
    batch_size = min(BATCH, preset.recipe.batch_size)
    return preset.recipe.model_copy(update={"data": data, "batch_size": batch_size})


def a_few_of(dataset: Dataset, recipe: Recipe, *where: Any) -> ImageBank:
    """The data set as if its train split were one batch and a rest, and few images were evaluated."""
    bank = load_images(dataset, *where)
    return dataclasses.replace(
        bank,
        train=bank.train[: recipe.batch_size + LAST_BATCH],
        val=bank.val[:EVALUATED],
        clean_train=bank.clean_train[:EVALUATED],
    )


@pytest.mark.parametrize("preset", EXPERIMENTS, ids=lambda preset: preset.id)
def test_an_experiment_trains_checkpoints_and_answers_with_tta(
    preset: Preset, diary_library: Library, diary_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, dataset = on_shapes(preset), diary_library.open("shapes")
    assert check(recipe, dataset.info, network=False).problems == []
    monkeypatch.setattr(training_module, "load_images", lambda data, *where: a_few_of(data, recipe, *where))

    run = diary_store.create(recipe, dataset.info, queue=False)
    events: list[Event] = []
    status = train(run, diary_library, claimed=lambda: run.ask_to_stop("after_epoch"), listener=events.append)
    assert (status.state, status.epoch, status.epochs) == ("stopped", 1, recipe.epochs), status.message
    assert run.recipe() == recipe
    done = [(e.step, e.steps) for e in events if isinstance(e, Progress) and e.phase == "training"]
    assert done[-1] == (STEPS, STEPS)
    (ended,) = [event for event in events if isinstance(event, EpochEnded)]
    assert ended.lr == recipe.optimizer.lr
    assert np.isfinite([ended.train_loss, ended.val_loss]).all()

    predictor = Predictor.load(run.epoch_path(1), compute_for(recipe))
    assert (len(predictor.card.classes), predictor.card.image_size) == (200, 40)
    bank = a_few_of(dataset, recipe, recipe.data.color, predictor.compute.device)
    plain = predictor.evaluate(bank.images, bank.labels, bank.val)
    assert plain.accuracy == ended.val_accuracy
    assert plain.loss == pytest.approx(ended.val_loss, rel=1e-3)
    views = preset.tta_views or USUAL_VIEWS
    tta = predictor.evaluate_tta(bank.images, bank.labels, bank.val, plain, views=views)
    assert tta.votes.shape == (EVALUATED, views)
    for winner, votes in zip(tta.predicted, tta.votes, strict=True):
        counts = np.bincount(votes, minlength=200)
        assert counts[winner] == counts.max(), "by majority"
    truth = bank.labels[bank.val].cpu().numpy()
    assert tta.accuracy == (tta.predicted == truth).mean()
