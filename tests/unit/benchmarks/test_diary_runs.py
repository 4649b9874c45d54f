"""A training of a preset for docs/diary.md: what is measured, on which images, and how it is kept."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.diary_runs import Figures, Measurement, _cut, add_figure, measure, read_figures
from core.data import Dataset
from core.errors import BadInput, Damaged, InvalidSettings
from core.recipe import Preset, load_preset
from core.train import EpochEnded, Task, fit, load_images, resolve_compute, statistics_for
from tests.unit import tiny


@pytest.fixture(scope="module")
def preset() -> Preset:
    """The name of the diary's first experiment, with a recipe that trains at once."""
    found = load_preset("01-my-net-one-block")
    draft = {"architecture": {"kind": "my_net", "blocks": 1, "width": 4}, "normalization": {"kind": "half"}}
    recipe = tiny.recipe(**draft, batch_size=16, epochs=3, data={"name": ""})
    return Preset(found.id, found.title, found.group, found.about, recipe)


def test_the_figures_are_those_of_the_training_loop(preset: Preset, dataset: Dataset) -> None:
    seen: list[EpochEnded] = []
    found = measure(preset, dataset, seed=5, listener=seen.append)
    recipe = preset.recipe.model_copy(update={"seed": 5})
    compute = resolve_compute("cpu", "fp32")
    bank = load_images(dataset, "as stored", compute.device)
    expected = [
        event
        for event in fit(Task(recipe, bank, statistics_for(recipe, dataset), compute, 3))
        if isinstance(event, EpochEnded)
    ]
    assert [epoch.val_loss for epoch in seen] == [epoch.val_loss for epoch in expected]
    last, best = expected[-1], max(expected, key=lambda epoch: epoch.val_accuracy)
    assert found.train_accuracy == last.train_accuracy
    assert found.clean_train_accuracy == last.clean_train_accuracy
    assert found.val_accuracy == last.val_accuracy
    assert (found.best_val_accuracy, found.best_epoch) == (best.val_accuracy, best.epoch)
    assert (found.preset, found.data, found.seed, found.precision) == (preset.id, tiny.DATASET, 5, "float32")
    assert (found.classes, found.image_size, found.train_images, found.val_images) == (4, 28, 84, 18)
    assert (found.epochs, found.preset_epochs) == (3, 3)
    assert found.split_fingerprint == dataset.info.split_fingerprint


def test_a_training_that_ends_early_follows_the_schedule_of_the_whole_one(dataset: Dataset) -> None:
    plain = load_preset("05-effnet-cosine15")
    recipe = tiny.recipe(scheduler={"kind": "one_cycle"}, epochs=6, data={"name": ""})
    preset = Preset(plain.id, plain.title, plain.group, plain.about, recipe)
    short: list[EpochEnded] = []
    whole: list[EpochEnded] = []
    found = measure(preset, dataset, epochs=2, listener=short.append)
    measure(preset, dataset, listener=whole.append)
    assert (found.epochs, found.preset_epochs) == (2, 6)
    assert [epoch.lr for epoch in short] == [epoch.lr for epoch in whole[:2]]
    assert [epoch.val_loss for epoch in short] == [epoch.val_loss for epoch in whole[:2]]


@pytest.mark.parametrize(("train", "val"), [(30, 9), (84, 18), (1, 1), (40, None), (None, 7)])
def test_fewer_images_come_from_their_own_splits_and_are_spread_over_the_classes(
    dataset: Dataset, train: int | None, val: int | None
) -> None:
    whole = load_images(dataset, "as stored", torch.device("cpu"))
    bank = _cut(whole, dataset, train, val)
    assert (len(bank.train), len(bank.val)) == (train or 84, val or 18)
    for split, chosen in (("train", bank.train), ("val", bank.val)):
        assert set(chosen.tolist()) <= set(dataset.indices(split).tolist())  # type: ignore[arg-type]
        assert len(chosen.unique()) == len(chosen)
        counts = np.bincount(dataset.labels[chosen.numpy()], minlength=4)
        smallest = min(np.bincount(dataset.labels[dataset.indices(split)]))  # type: ignore[arg-type]
        assert counts.max() - counts.min() <= 1 or counts.min() == smallest
    assert set(bank.clean_train.tolist()) <= set(bank.train.tolist())
    assert len(bank.clean_train) == min(len(bank.val), len(bank.train))


def test_the_same_images_are_taken_every_time(dataset: Dataset) -> None:
    whole = load_images(dataset, "as stored", torch.device("cpu"))
    one, other = _cut(whole, dataset, 20, 8), _cut(whole, dataset, 20, 8)
    assert torch.equal(one.train, other.train)
    assert torch.equal(one.val, other.val)
    assert not torch.equal(one.train, whole.train[:20])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "--epochs = 0: must be from 1 to the preset's 3"),
        ({"epochs": 4}, "--epochs = 4: must be from 1 to the preset's 3"),
        ({"train": 85}, "--train = 85: must be from 1 to the 84 images of the data set's train split"),
        ({"val": 0}, "--val = 0: must be from 1 to the 18 images of the data set's val split"),
        ({"seed": -1}, "seed = -1: "),
    ],
)
def test_what_does_not_fit_is_named(
    preset: Preset, dataset: Dataset, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput) as error:
        measure(preset, dataset, **settings)
    assert str(error.value).startswith(words)


def test_a_batch_larger_than_the_images_is_refused(dataset: Dataset) -> None:
    plain = load_preset("01-my-net-one-block")
    recipe = tiny.recipe(batch_size=100, data={"name": ""})
    with pytest.raises(InvalidSettings, match="batch_size = 100"):
        measure(Preset(plain.id, plain.title, plain.group, "", recipe), dataset)


def test_only_the_diarys_presets_are_measured(dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="first-look is no experiment of the diary"):
        measure(load_preset("first-look"), dataset)


def test_a_measurement_goes_behind_the_others_and_what_was_written_stays(
    preset: Preset, dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "diary.json"
    assert read_figures(path) == Figures()
    first = measure(preset, dataset, epochs=1)
    add_figure(path, first)
    path.write_text(path.read_text().replace('"data": {}', '"data": {"tiny": "drawn shapes"}'))
    second = first.model_copy(update={"seed": 1})
    add_figure(path, second)
    assert read_figures(path) == Figures(data={"tiny": "drawn shapes"}, runs=(first, second))


@pytest.mark.parametrize("text", ['{"runs": [{"preset": "x"}]}', '{"runs": 3}', "{", "[]"])
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "diary.json"
    path.write_text(text)
    found = Measurement.model_construct()
    with pytest.raises(Damaged, match=r"diary\.json"):
        add_figure(path, found)
    assert path.read_text() == text
