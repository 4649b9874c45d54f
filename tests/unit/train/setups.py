"""Tasks that train in a fraction of a second."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.augment import augment
from core.data import Dataset
from core.models.randomness import set_generator
from core.models.weights import state_dict_of
from core.recipe import Recipe
from core.train import (
    CheckpointReady,
    Compute,
    EpochEnded,
    Event,
    ImageBank,
    Progress,
    Task,
    derive_seed,
    fit,
    generator_for,
    load_images,
    resolve_compute,
    statistics_for,
)
from tests.unit import tiny
from tests.unit.augment.references import mixed
from tests.unit.optim.cases import torch_optimizer

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


@dataclass
class Plain:
    """What a plain loop leaves behind."""

    model: nn.Module
    losses: list[float]
    """Of each step."""
    averaged: nn.Module | None = None
    averaged_val: list[tuple[float, float]] = field(default_factory=list)
    """Loss and accuracy of the averaged network on val after each epoch."""


def plain_loop(the_task: Task, lrs: list[float], *, fused: bool | None = None) -> Plain:
    """The same training as a person writes it with the parts of torch and torchvision alone: their
    optimizer, cross entropy, AveragedModel, clip_grad_norm_, MixUp and CutMix. `lrs` has an lr per
    epoch.

    channels_last as in the engine: other kernels round otherwise, and a network that trains on a
    handful of images per step makes a large difference out of that within 30 steps.
    """
    recipe, bank = the_task.recipe, the_task.bank
    model = recipe.architecture.build(
        len(bank.classes), bank.channels, bank.image_size, derive_seed(recipe.seed, "weights")
    )
    model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch_optimizer(recipe.optimizer, model.parameters(), fused=fused)
    averaged = None
    if recipe.ema.decay:
        averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema.decay), use_buffers=True)
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in the_task.statistics)
    plain = Plain(model, [], averaged)
    for epoch in range(1, the_task.epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = lrs[epoch - 1]
        order = torch.randperm(len(bank.train), generator=generator_for(recipe.seed, "order", epoch))
        chosen = bank.train[order]
        pixels = bank.images[chosen].permute(0, 3, 1, 2).contiguous().float() / 255
        draws = generator_for(recipe.seed, "augment", epoch)
        inputs = (augment(pixels, recipe.augmentations, draws) - mean) / std
        set_generator(model, generator_for(recipe.seed, "dropout", epoch))
        mixing = generator_for(recipe.seed, "mixing", epoch)
        for start in range(0, len(chosen), recipe.batch_size):
            batch = slice(start, start + recipe.batch_size)
            images = inputs[batch].contiguous(memory_format=torch.channels_last)
            targets = bank.labels[chosen[batch]]
            if recipe.mixing.kind != "none":
                draw = recipe.mixing.draw(len(images), *images.shape[2:], mixing)
                images, targets = mixed(images, targets, len(bank.classes), draw)
            loss = F.cross_entropy(model(images), targets, label_smoothing=recipe.loss.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            if recipe.clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
            optimizer.step()
            if averaged is not None:
                averaged.update_parameters(model)
            plain.losses.append(loss.item())
        if averaged is not None:
            plain.averaged_val.append(_val_of(averaged, bank, mean, std))
    return plain


def _val_of(model: nn.Module, bank: ImageBank, mean: torch.Tensor, std: torch.Tensor) -> tuple[float, float]:
    """Loss and accuracy on val, in evaluation mode."""
    pixels = bank.images[bank.val].permute(0, 3, 1, 2).contiguous().float() / 255
    truth = bank.labels[bank.val]
    model.eval()
    with torch.no_grad():
        logits = model(((pixels - mean) / std).contiguous(memory_format=torch.channels_last))
    return float(F.cross_entropy(logits, truth)), float((logits.argmax(1) == truth).float().mean())


def distance(found: dict[str, torch.Tensor], expected: nn.Module) -> float:
    """The largest relative distance of any tensor of the two networks."""
    return max(
        float((found[name] - tensor).norm() / tensor.norm().clamp(min=1e-6))
        for name, tensor in state_dict_of(expected).items()
        if tensor.is_floating_point()
    )
