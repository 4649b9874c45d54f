"""Test-time augmentation: how the views of an image are drawn.

An image's views follow from a seed and the image's own pixels, and from nothing else: it looks the
same alone, in any batch, in any order, in a folder and in a split. A second, larger number of
views begins with the same ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.augment import Augmentation, Draws
from core.train import generator_for

MAX_VIEWS = 32


@dataclass(frozen=True)
class DrawnViews:
    """What was drawn for some images: per augmentation, tensors of (images, views, ...)."""

    augmentations: Sequence[Augmentation]
    draws: tuple[Draws, ...]
    images: int

    def apply(self, images: torch.Tensor, view: int) -> torch.Tensor:
        """The view of each of the images, floats (N, C, H, W) in [0, 1]; the input is left as it is."""
        for augmentation, drawn in zip(self.augmentations, self.draws, strict=True):
            images = augmentation.apply(images, {name: values[:, view] for name, values in drawn.items()})
        return images

    def active(self, view: int) -> np.ndarray:
        """(images, augmentations) bool: which augmentations change this view of each image."""
        columns = [drawn["active"][:, view].numpy() for drawn in self.draws]
        return np.stack(columns, axis=1) if columns else np.zeros((self.images, 0), dtype=bool)


def draw_views(
    images: np.ndarray, augmentations: Sequence[Augmentation], views: int, seed: int
) -> DrawnViews:
    """The draws for `views` views of each image; `images` is (N, H, W, C) uint8."""
    drawn = [_draw(image, augmentations, views, seed) for image in images]
    stacked = tuple(
        {name: torch.stack([each[place][name] for each in drawn]) for name in drawn[0][place]}
        for place in range(len(augmentations))
    )
    return DrawnViews(augmentations, stacked, len(images))


def _draw(image: np.ndarray, augmentations: Sequence[Augmentation], views: int, seed: int) -> list[Draws]:
    """All views that an image can have are drawn at once, which costs no more than one of them."""
    height, width = image.shape[:2]
    digest = hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest()
    generator = generator_for(seed, f"tta/{digest}")
    draws = [each.draw(MAX_VIEWS, height, width, generator) for each in augmentations]
    return [{name: values[:views] for name, values in each.items()} for each in draws]
