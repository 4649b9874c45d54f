"""Invert the bright pixels."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.color import solarize
from core.spec import setting


class Solarize(Augmentation):
    """Inverts every value at or above a threshold, each channel by itself.
    Source: torchvision.transforms.v2.RandomSolarize."""

    label: ClassVar[str] = "Solarize"

    kind: Literal["solarize"] = "solarize"
    p: float = setting(0.5, label="Probability", ge=0.0, le=1.0, step=0.05)
    """The share of images that are solarized."""
    threshold: float = setting(0.5, label="Threshold", ge=0.0, le=1.0, step=0.05)
    """Values from here on are inverted, on the scale from 0 (black) to 1 (white)."""

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        return {}

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        return solarize(images, self.threshold)

    def summary(self) -> str:
        return f"Solarize from {self.threshold:g}"
