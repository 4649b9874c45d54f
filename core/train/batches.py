"""From a permutation of the training images to batches that are ready for the network."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from core.augment import augment
from core.augment.pixels import brought_over
from core.recipe import Recipe
from core.train.images import ImageBank, Normalizer, gather, to_float
from core.train.seeds import generator_for

CHUNK = 1024
"""Images that are augmented at once: large enough for batched operations, small enough for the
cache. Part of what a run's random draws depend on, so it is the same on every machine."""


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Optimizer steps per epoch. A last batch of a single image is left out: batch normalization
    cannot train on one."""
    steps, rest = divmod(images, batch_size)
    return steps + (1 if rest > 1 or (rest == 1 and (batch_size == 1 or steps == 0)) else 0)


@dataclass(frozen=True)
class Chunk:
    """Whole batches that lie behind each other, or an epoch's last, smaller one."""

    images: torch.Tensor
    """(n, C, H, W) augmented, normalized and mixed, laid out channels_last."""
    labels: torch.Tensor
    """(n,) int64."""
    targets: torch.Tensor
    """The labels, or class probabilities (n, classes) where images were mixed."""

    def __len__(self) -> int:
        return len(self.labels)


def training_chunks(recipe: Recipe, bank: ImageBank, normalizer: Normalizer, epoch: int) -> Iterator[Chunk]:
    """All of an epoch's batches in order, a few at a time.

    The permutation, the augmentation and the mixing follow from the recipe's seed and the epoch.
    """
    batch = recipe.batch_size
    left = steps_per_epoch(len(bank.train), batch)
    mixing = generator_for(recipe.seed, "mixing", epoch)
    waiting: list[tuple[torch.Tensor, torch.Tensor]] = []
    for part in _augmented(recipe, bank, normalizer, epoch):
        waiting.append(part)
        count = sum(len(labels) for _, labels in waiting)
        if count < batch:
            continue
        images, labels = _joined(waiting)
        whole = count // batch * batch
        yield _mixed(recipe, bank, images[:whole], labels[:whole], mixing)
        waiting = [(images[whole:], labels[whole:])] if whole < count else []
        left -= whole // batch
    if left > 0 and waiting:
        yield _mixed(recipe, bank, *_joined(waiting), mixing)


def _augmented(
    recipe: Recipe, bank: ImageBank, normalizer: Normalizer, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Augmented, normalized images and their labels in the epoch's order, CHUNK at a time."""
    order = torch.randperm(len(bank.train), generator=generator_for(recipe.seed, "order", epoch))
    draws = generator_for(recipe.seed, "augment", epoch)
    device = bank.labels.device
    for indices in bank.train[order].split(CHUNK):
        images = to_float(gather(bank.images, indices, device))
        images = normalizer(augment(images, recipe.augmentations, draws))
        labels = bank.labels.index_select(0, brought_over(indices, device))
        yield images.contiguous(memory_format=torch.channels_last), labels


def _joined(parts: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    if len(parts) == 1:
        return parts[0]
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def _mixed(
    recipe: Recipe, bank: ImageBank, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
) -> Chunk:
    """Each batch mixed by a draw of its own."""
    mixing, classes = recipe.mixing, len(bank.classes)
    height, width = images.shape[2:]
    mixed: list[tuple[torch.Tensor, torch.Tensor]] = []
    for start in range(0, len(labels), recipe.batch_size):
        part = slice(start, start + recipe.batch_size)
        draw = mixing.draw(len(labels[part]), height, width, generator)
        mixed.append(mixing.apply(images[part], labels[part], classes, draw))
    if mixed[0][1].ndim == 1:
        return Chunk(images, labels, labels)
    joined, targets = _joined(mixed)
    return Chunk(joined.contiguous(memory_format=torch.channels_last), labels, targets)
