"""One training of a diary's preset as it is, and the file that keeps what such trainings gave."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, zip_longest
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.machine import cpu_name
from core.data import Dataset, sample_indices
from core.errors import BadInput, Damaged, InvalidSettings
from core.files import read_json, write_json
from core.recipe import DIARY, Preset, set_values
from core.train import (
    EpochEnded,
    ImageBank,
    Task,
    check,
    fit,
    load_images,
    resolve_compute,
    statistics_for,
)

DIARY_FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures" / "diary.json"


class Measurement(BaseModel):
    """What one training of a preset gave. Accuracies are fractions of 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str
    data: str
    """The data set's name in the library."""
    split_fingerprint: str
    """The data set's: of its pixels, labels, class names and split."""
    classes: int
    image_size: int
    """Side in pixels."""
    train_images: int
    val_images: int
    seed: int
    epochs: int
    """Epochs that were run, on the schedule of all of them."""
    preset_epochs: int
    precision: str
    train_accuracy: float
    """Of the last epoch run: in training mode, on augmented images."""
    clean_train_accuracy: float
    """Of the last epoch run: in evaluation mode, on as many training images as there are val images."""
    val_accuracy: float
    """Of the last epoch run."""
    best_val_accuracy: float
    best_epoch: int
    seconds: float
    """Training and evaluation of all epochs."""
    device: str
    cpu: str
    torch: str
    date: str


def measure(
    preset: Preset,
    dataset: Dataset,
    *,
    train: int | None = None,
    val: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    listener: Callable[[EpochEnded], None] = lambda epoch: None,
) -> Measurement:
    """Train a preset as it is on a data set's train split, and validate it on its val split.

    `train` and `val` take so many images of the split, spread over the classes; `epochs` ends the
    training early, on the schedule of the whole run. Raises BadInput where these do not fit.
    """
    task = _task(preset, dataset, train, val, epochs, seed)
    ended = list(_epochs(task, listener))
    last, best = ended[-1], max(ended, key=lambda epoch: epoch.val_accuracy)
    return Measurement(
        preset=preset.id,
        data=dataset.info.name,
        split_fingerprint=dataset.info.split_fingerprint,
        classes=len(task.bank.classes),
        image_size=task.bank.image_size,
        train_images=len(task.bank.train),
        val_images=len(task.bank.val),
        seed=seed,
        epochs=len(ended),
        preset_epochs=task.recipe.epochs,
        precision=str(task.compute.dtype).removeprefix("torch."),
        train_accuracy=last.train_accuracy,
        clean_train_accuracy=last.clean_train_accuracy,
        val_accuracy=last.val_accuracy,
        best_val_accuracy=best.val_accuracy,
        best_epoch=best.epoch,
        seconds=round(sum(epoch.seconds for epoch in ended), 1),
        device=task.compute.name,
        cpu=cpu_name(),
        torch=torch.__version__,
        date=datetime.now(UTC).date().isoformat(),
    )


def _epochs(task: Task, listener: Callable[[EpochEnded], None]) -> Iterator[EpochEnded]:
    for event in fit(task):
        if isinstance(event, EpochEnded):
            listener(event)
            yield event


def _task(
    preset: Preset, dataset: Dataset, train: int | None, val: int | None, epochs: int | None, seed: int
) -> Task:
    """What `measure` trains. Raises BadInput where its settings do not fit."""
    recipe = set_values(preset.recipe, [f'data.name="{dataset.info.name}"', f"seed={seed}"])
    if preset.group != DIARY:
        raise BadInput(f"{preset.id} is no experiment of the diary; `python -m core presets` lists them.")
    if epochs is not None and not 1 <= epochs <= recipe.epochs:
        rule = f"must be from 1 to the preset's {recipe.epochs}"
        raise BadInput.at("--epochs", epochs, rule, "leave it out for all of them")
    problems = check(recipe, dataset.info).problems
    if problems:
        raise InvalidSettings(problems)
    compute = resolve_compute(recipe.device, recipe.precision)
    bank = _cut(load_images(dataset, recipe.data.color, compute.device), dataset, train, val)
    return Task(recipe, bank, statistics_for(recipe, dataset), compute, epochs or recipe.epochs)


def _cut(bank: ImageBank, dataset: Dataset, train: int | None, val: int | None) -> ImageBank:
    """The bank with so many train and val images; the clean train images are as many as val's."""
    chosen = _spread(dataset, "train", train) if train is not None else bank.train
    validated = _spread(dataset, "val", val) if val is not None else bank.val
    if train is None and val is None:
        return bank
    clean = chosen[torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))]
    return replace(bank, train=chosen, val=validated, clean_train=clean[: len(validated)].sort().values)


def _spread(dataset: Dataset, split: Literal["train", "val"], count: int) -> torch.Tensor:
    """`count` images of a split, an equal number of each class as far as it goes; int64, ascending."""
    there = dataset.info.counts[split]
    if not 1 <= count <= there:
        rule = f"must be from 1 to the {there:,} images of the data set's {split} split"
        raise BadInput.at(f"--{split}", count, rule, "leave it out for all of them")
    per_class = sample_indices(dataset, split, there, 0)
    # Classes in turn, each image at random: `sample_indices` sorts what it draws.
    draw = torch.Generator().manual_seed(0)
    shuffled = [[int(i) for i in images[torch.randperm(len(images), generator=draw)]] for images in per_class]
    in_turn = [index for index in chain.from_iterable(zip_longest(*shuffled)) if index is not None]
    return torch.tensor(sorted(in_turn[:count]))


class Figures(BaseModel):
    """docs/figures/diary.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: dict[str, str] = {}
    """What stands behind a data set's name, in words; written by hand."""
    runs: tuple[Measurement, ...] = ()
    """All measurements, oldest first."""


def read_figures(path: Path) -> Figures:
    """What was measured so far; nothing where there is no file yet. Raises Damaged."""
    try:
        return Figures.model_validate(read_json(path))
    except FileNotFoundError:
        return Figures()
    except ValidationError as error:
        raise Damaged(f"{path.name} does not hold what it should; restore it from the repository.") from error


def add_figure(path: Path, found: Measurement) -> None:
    """Put a measurement behind the others."""
    figures = read_figures(path)
    figures = figures.model_copy(update={"runs": (*figures.runs, found)})
    write_json(path, figures.model_dump())
