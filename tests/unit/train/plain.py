"""The same training as a person writes it with the parts of torch and torchvision.

Their optimizer, cross entropy, AveragedModel, clip_grad_norm_, augmentations, MixUp and CutMix; the
naive random layers of references.py. From core come the network's other layers, its first weights
(`Architecture.build`; tests/unit/models holds them against torchvision's networks), and the seeds'
streams with the draws of augmentations and mixing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.models.weights import state_dict_of
from core.train import ImageBank, Task, derive_seed, generator_for
from tests.unit.augment.references import mixed
from tests.unit.optim.cases import torch_optimizer
from tests.unit.train.references import augmented, use_references


@dataclass
class Plain:
    """What a plain loop leaves behind."""

    model: nn.Module
    losses: list[float] = field(default_factory=list)
    """Of each step."""
    averaged: nn.Module | None = None
    averaged_val: list[tuple[float, float]] = field(default_factory=list)
    """Loss and accuracy of the averaged network on val after each epoch."""


def plain_loop(task: Task, lrs: list[float], *, fused: bool | None = None) -> Plain:
    """Train as `task` says, with an lr per epoch; `fused` is torch's own switch, None its default.

    channels_last as in the engine: other kernels round otherwise, and a network that trains on a
    handful of images per step makes a large difference out of that within 30 steps.
    """
    recipe, bank = task.recipe, task.bank
    model = recipe.architecture.build(
        len(bank.classes), bank.channels, bank.image_size, derive_seed(recipe.seed, "weights")
    )
    random_layers = use_references(model)
    model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch_optimizer(recipe.optimizer, model.parameters(), fused=fused)
    plain = Plain(model)
    if recipe.ema.decay:
        average = get_ema_multi_avg_fn(recipe.ema.decay)
        plain.averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
    for epoch, lr in enumerate(lrs, start=1):
        for group in optimizer.param_groups:
            group["lr"] = lr
        drops = generator_for(recipe.seed, "dropout", epoch)
        for layer in random_layers:
            layer.generator = drops
        for images, targets in _batches(task, epoch):
            plain.losses.append(_step(plain, optimizer, images, targets, task))
        if plain.averaged is not None:
            plain.averaged_val.append(_val_of(plain.averaged, task))
    return plain


def _batches(task: Task, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented, normalized and mixed images (n, C, H, W) with their targets."""
    recipe, bank = task.recipe, task.bank
    order = torch.randperm(len(bank.train), generator=generator_for(recipe.seed, "order", epoch))
    chosen = bank.train[order]
    draws = generator_for(recipe.seed, "augment", epoch)
    inputs = _normalized(augmented(_pixels(bank, chosen), recipe.augmentations, draws), task)
    mixing = generator_for(recipe.seed, "mixing", epoch)
    for start in range(0, len(chosen), recipe.batch_size):
        batch = slice(start, start + recipe.batch_size)
        images = inputs[batch].contiguous(memory_format=torch.channels_last)
        targets = bank.labels[chosen[batch]]
        if recipe.mixing.kind != "none":
            draw = recipe.mixing.draw(len(images), *images.shape[2:], mixing)
            images, targets = mixed(images, targets, len(bank.classes), draw)
        yield images, targets


def _step(
    plain: Plain, optimizer: torch.optim.Optimizer, images: Tensor, targets: Tensor, task: Task
) -> float:
    """One update of the weights and of their average; returns the loss."""
    recipe = task.recipe
    loss = F.cross_entropy(plain.model(images), targets, label_smoothing=recipe.loss.label_smoothing)
    optimizer.zero_grad()
    loss.backward()
    if recipe.clip_norm is not None:
        nn.utils.clip_grad_norm_(plain.model.parameters(), recipe.clip_norm)
    optimizer.step()
    if plain.averaged is not None:
        plain.averaged.update_parameters(plain.model)
    return loss.item()


def _val_of(model: nn.Module, task: Task) -> tuple[float, float]:
    """Loss and accuracy on val, in evaluation mode."""
    truth = task.bank.labels[task.bank.val]
    inputs = _normalized(_pixels(task.bank, task.bank.val), task)
    model.eval()
    with torch.no_grad():
        logits = model(inputs.contiguous(memory_format=torch.channels_last))
    return float(F.cross_entropy(logits, truth)), float((logits.argmax(1) == truth).float().mean())


def _pixels(bank: ImageBank, chosen: Tensor) -> Tensor:
    return bank.images[chosen].permute(0, 3, 1, 2).contiguous().float() / 255


def _normalized(pixels: Tensor, task: Task) -> Tensor:
    mean, std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in task.statistics)
    return (pixels - mean) / std


def distance(found: dict[str, Tensor], expected: nn.Module) -> float:
    """The largest relative distance of any tensor of the two networks."""
    return max(
        float((found[name] - tensor).norm() / tensor.norm().clamp(min=1e-6))
        for name, tensor in state_dict_of(expected).items()
        if tensor.is_floating_point()
    )
