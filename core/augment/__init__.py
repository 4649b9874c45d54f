"""Augmentations: random changes of single images, drawn per image and applied to whole batches.

One choice is one class in one file and its name in `AnyAugmentation`. `augment` runs a list of
them in order on float images (N, C, H, W) in [0, 1], before normalization, on any device.
`AnyMixing` is apart from them: it joins images of a batch, and their labels, after normalization.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from core.augment.affine import Affine
from core.augment.base import Augmentation, Draws
from core.augment.color_jitter import ColorJitter
from core.augment.gaussian_blur import GaussianBlur
from core.augment.horizontal_flip import HorizontalFlip
from core.augment.mixing import AnyMixing, CutMix, MixDraw, Mixing, MixUp, MixUpOrCutMix, NoMixing
from core.augment.rand_augment import RandAugment
from core.augment.random_crop import RandomCrop
from core.augment.random_erasing import RandomErasing
from core.augment.random_resized_crop import RandomResizedCrop
from core.augment.solarize import Solarize
from core.augment.trivial_augment_wide import TrivialAugmentWide
from core.augment.vertical_flip import VerticalFlip

__all__ = [
    "AnyAugmentation",
    "AnyMixing",
    "Augmentation",
    "CutMix",
    "Draws",
    "MixDraw",
    "MixUp",
    "MixUpOrCutMix",
    "Mixing",
    "NoMixing",
    "RandAugment",
    "TrivialAugmentWide",
    "augment",
    "describe",
]

AnyAugmentation = Annotated[
    HorizontalFlip
    | VerticalFlip
    | Affine
    | RandomCrop
    | RandomResizedCrop
    | ColorJitter
    | Solarize
    | GaussianBlur
    | RandomErasing
    | TrivialAugmentWide
    | RandAugment,
    Field(discriminator="kind"),
]

CPU_CHUNK = 256
"""Images that go through all augmentations together on the CPU: few enough to stay in its cache."""


def augment(
    images: Tensor,
    augmentations: Sequence[Augmentation],
    generator: torch.Generator,
    chunk: int | None = None,
) -> Tensor:
    """The images after all augmentations, in order; the input is left as it is.

    The generator is a CPU one, whatever the images' device. All parameters are drawn first: the
    result does not depend on `chunk`, the number of images worked on together (None: 256 on the
    CPU, all of them on a GPU).
    """
    if not augmentations or len(images) == 0:
        return images
    count, _, height, width = images.shape
    draws = [each.draw(count, height, width, generator) for each in augmentations]
    if chunk is None:
        chunk = CPU_CHUNK if images.device.type == "cpu" else count
    if chunk >= count:
        return _apply_all(images, augmentations, draws)
    result = torch.empty_like(images)
    for start in range(0, count, chunk):
        part = slice(start, start + chunk)
        drawn = [{name: values[part] for name, values in each.items()} for each in draws]
        result[part] = _apply_all(images[part], augmentations, drawn)
    return result


def describe(augmentation: Augmentation) -> str:
    """One line for a person: 'Rotate ±10°, shift up to 1/8, p 0.6'."""
    return f"{augmentation.summary()}, p {augmentation.p:g}"


def _apply_all(images: Tensor, augmentations: Sequence[Augmentation], draws: Sequence[Draws]) -> Tensor:
    for augmentation, drawn in zip(augmentations, draws, strict=True):
        images = augmentation.apply(images, drawn)
    return images
