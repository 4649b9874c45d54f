"""A data set's images where the training happens, and the way from bytes to a network's input."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.augment import AnyAugmentation, augment
from core.data import Dataset
from core.recipe import Recipe, Statistics

CHUNK = 1024
"""Images that are augmented at once: large enough for batched operations, small enough for the
cache. Part of what a run's random draws depend on, so it is the same on every machine."""


@dataclass
class ImageBank:
    """Images and labels on the device, with the indices of each split (ascending, on the CPU)."""

    images: torch.Tensor  # (N, H, W, C) uint8
    labels: torch.Tensor  # (N,) int64
    train: torch.Tensor
    val: torch.Tensor
    clean_train: torch.Tensor
    """As many training images as there are val images, the same for every run on this data."""
    classes: tuple[str, ...]
    image_size: int

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])


def load_images(dataset: Dataset, color: str, device: torch.device) -> ImageBank:
    """The data set on `device`. On the CPU the memory-mapped cache is used as it is.

    `color` 'rgb' repeats a greyscale image's channel.
    """
    train = torch.from_numpy(dataset.indices("train"))
    val = torch.from_numpy(dataset.indices("val"))
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    clean = train[order[: max(1, min(len(val), len(train)))]].sort().values
    return ImageBank(
        images=to_device(dataset.images, color, device),
        labels=torch.from_numpy(dataset.labels).to(device),
        train=train,
        val=val,
        clean_train=clean,
        classes=dataset.info.classes,
        image_size=dataset.info.image_size,
    )


def to_device(images: np.ndarray, color: str, device: torch.device) -> torch.Tensor:
    """(N, H, W, C) uint8 on the device, repeated to 3 channels where asked."""
    with warnings.catch_warnings():
        # torch has no read-only tensors and warns of this one; nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        view = torch.from_numpy(images)
    view = view.to(device)
    if color == "rgb" and view.shape[3] == 1:
        view = view.expand(-1, -1, -1, 3)
    return view


class Normalizer:
    """(x - mean) / std per channel, for float images in [0, 1]."""

    def __init__(self, statistics: Statistics, device: torch.device) -> None:
        mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in statistics)
        self.mean, self.std = mean, std

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self.mean) / self.std


def to_float(images: torch.Tensor) -> torch.Tensor:
    """uint8 (N, H, W, C) as float (N, C, H, W) in [0, 1], laid out channels_last."""
    return images.permute(0, 3, 1, 2).float().div_(255)


def training_chunks(
    bank: ImageBank,
    recipe_augmentations: Sequence[AnyAugmentation],
    normalizer: Normalizer,
    order: torch.Tensor,
    generator: torch.Generator,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Augmented, normalized images and labels of one epoch, CHUNK at a time, in the order given."""
    for indices in order.split(CHUNK):
        where = indices.to(bank.images.device)
        images = to_float(bank.images.index_select(0, where))
        images = augment(images, recipe_augmentations, generator)
        yield normalizer(images).contiguous(memory_format=torch.channels_last), bank.labels[where]


def plain_chunks(
    images: torch.Tensor, indices: torch.Tensor, normalizer: Normalizer, size: int
) -> Iterator[torch.Tensor]:
    """Normalized images without augmentation, `size` at a time."""
    for part in indices.split(size):
        chosen = images.index_select(0, part.to(images.device))
        yield normalizer(to_float(chosen)).contiguous(memory_format=torch.channels_last)


def statistics_for(recipe: Recipe, dataset: Dataset) -> Statistics:
    """Mean and standard deviation that this recipe uses on this data set."""
    info = dataset.info
    channels = channels_for(recipe.data.color, info.channels)
    own = (tuple(info.mean), tuple(info.std))
    if channels != info.channels:
        own = (own[0] * channels, own[1] * channels)
    return recipe.normalization.statistics(channels, own)


def channels_for(color: str, stored: int) -> int:
    """The channels that a network sees."""
    return 3 if color == "rgb" else stored
