"""Mirror left and right."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.spec import setting


class HorizontalFlip(Augmentation):
    """Mirrors an image left to right. Source: torchvision.transforms.v2.RandomHorizontalFlip."""

    label: ClassVar[str] = "Horizontal flip"

    kind: Literal["horizontal_flip"] = "horizontal_flip"
    p: float = setting(0.5, label="Probability", ge=0.0, le=1.0, step=0.05)
    """The share of images that are mirrored."""

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        return {}

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        return images.flip(3)

    def summary(self) -> str:
        return "Flip left to right"
