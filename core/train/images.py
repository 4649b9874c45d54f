"""A data set's images where the training happens, and the way from bytes to a network's input."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from core.augment.pixels import brought_over
from core.data import Dataset
from core.recipe import Recipe, Statistics

RESIDENT_SHARE = 0.5
"""Images lie on the GPU where they take up to this share of its free memory."""


@dataclass
class ImageBank:
    """Images and labels, with the indices of each split (ascending, on the CPU).

    Labels are on the device that trains. Images are there too where they fit, else on the CPU, and
    `gather` brings over what a step needs.
    """

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

    @property
    def streamed(self) -> bool:
        """Whether the images are brought to the device as they are needed."""
        return self.images.device != self.labels.device


def load_images(
    dataset: Dataset, color: str, device: torch.device, *, resident: bool | None = None
) -> ImageBank:
    """The data set for training on `device`. On the CPU the memory-mapped cache is used as it is.

    `color` 'rgb' repeats a greyscale image's channel. `resident` says whether the images lie on the
    device; None: where they fit into half of its free memory.
    """
    if resident is None:
        resident = fits(dataset.images.nbytes, device)
    train = torch.from_numpy(dataset.indices("train"))
    val = torch.from_numpy(dataset.indices("val"))
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    clean = train[order[: max(1, min(len(val), len(train)))]].sort().values
    return ImageBank(
        images=to_device(dataset.images, color, device if resident else torch.device("cpu")),
        labels=torch.from_numpy(dataset.labels).to(device),
        train=train,
        val=val,
        clean_train=clean,
        classes=dataset.info.classes,
        image_size=dataset.info.image_size,
    )


def fits(images_bytes: int, device: torch.device) -> bool:
    """Whether so many bytes of images may lie on the device for the length of a run."""
    if device.type != "cuda":
        return True
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return images_bytes <= RESIDENT_SHARE * free_bytes


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


def gather(images: torch.Tensor, indices: torch.Tensor, device: torch.device) -> torch.Tensor:
    """images[indices] on `device`, where the images may lie on the CPU.

    From there they go through pinned memory and are copied beside the GPU's work: the host never
    waits, and is as far ahead of the GPU as its queue of steps lets it be.
    """
    if images.device == device:
        return images.index_select(0, brought_over(indices, device))
    if device.type != "cuda":
        return images.index_select(0, indices).to(device)
    pinned = torch.empty((len(indices), *images.shape[1:]), dtype=images.dtype, pin_memory=True)
    torch.index_select(images, 0, indices, out=pinned)
    return pinned.to(device, non_blocking=True)


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


def plain_images(
    images: torch.Tensor, indices: torch.Tensor, normalizer: Normalizer, device: torch.device
) -> torch.Tensor:
    """Normalized images[indices] without augmentation: (n, C, H, W) on `device`."""
    chosen = gather(images, indices, device)
    return normalizer(to_float(chosen)).contiguous(memory_format=torch.channels_last)


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
