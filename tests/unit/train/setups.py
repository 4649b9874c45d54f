"""Tasks that train in a fraction of a second."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from core.data import Dataset
from core.recipe import Recipe
from core.train import (
    CheckpointReady,
    Compute,
    EpochEnded,
    Event,
    ImageBank,
    Progress,
    Task,
    fit,
    load_images,
    resolve_compute,
    statistics_for,
)
from tests.unit import tiny

RANDOMNESS: dict[str, Any] = {
    "architecture": {"kind": "my_net", "blocks": 1, "width": 4, "dropout": 0.3},
    "augmentations": tiny.AUGMENTATIONS,
}
"""Everything of my_net that draws random numbers."""

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"kind": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
    "sgd-plain": {"kind": "sgd", "lr": 0.02, "momentum": 0.0},
    "adam": {"kind": "adam", "lr": 0.001, "weight_decay": 0.001},
    "adamw": {"kind": "adamw", "lr": 0.001},
    "rmsprop": {"kind": "rmsprop", "lr": 0.001, "momentum": 0.5, "centered": True},
}
SHAKEN: dict[str, Any] = {
    "kind": "resnet18",
    "width": 8,
    "dropout": 0.3,
    "shakedrop": {"place": "all"},
}
"""A small network with residual blocks."""
MIXINGS = ("mixup", "cutmix", "mixup_or_cutmix")
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def fp32() -> Compute:
    return resolve_compute("cpu", "fp32")


def bank_of(dataset: Dataset, train: int | None = None) -> ImageBank:
    """The images; with only the first `train` training images where asked."""
    bank = load_images(dataset, "as stored", torch.device("cpu"))
    if train is not None:
        bank = replace(bank, train=bank.train[:train], clean_train=bank.train[:4], val=bank.val[:6])
    return bank


def task(dataset: Dataset, recipe: Recipe, *, train: int | None = None, **changes: Any) -> Task:
    """A task as a run would make it, on the CPU in fp32."""
    settings: dict[str, Any] = {
        "recipe": recipe,
        "bank": bank_of(dataset, train),
        "statistics": statistics_for(recipe, dataset),
        "compute": fp32(),
        "epochs": recipe.epochs,
    }
    return Task(**(settings | changes))


def states(events: list[Event]) -> list[CheckpointReady]:
    return [event for event in events if isinstance(event, CheckpointReady)]


def ended(events: list[Event]) -> list[EpochEnded]:
    return [event for event in events if isinstance(event, EpochEnded)]


def progress(events: list[Event]) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress)]


def run(the_task: Task) -> list[Event]:
    return list(fit(the_task))


def numbers(events: list[Event]) -> list[tuple[float | None, ...]]:
    """What an epoch measured, times apart."""
    return [
        (
            e.epoch,
            e.lr,
            e.train_loss,
            e.train_accuracy,
            e.clean_train_loss,
            e.clean_train_accuracy,
            e.val_loss,
            e.val_accuracy,
            e.ema_val_loss,
            e.ema_val_accuracy,
        )
        for e in ended(events)
    ]
