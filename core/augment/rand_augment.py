"""Several random operations of one strength."""

from typing import ClassVar, Literal

import torch
from pydantic import ValidationInfo, field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.policy import Largest, apply_operations, draw_operations, magnitude_table
from core.spec import setting

SHIFT = 150.0 / 331.0
"""The largest shift as a fraction of the size."""


class RandAugment(Augmentation):
    """Changes an image by several operations, one after the other, each drawn out of 14, all as
    likely, and all of one strength: nothing, shear, shift (across or down), rotation, brightness,
    colour, contrast, sharpness, posterize, solarize, autocontrast, equalize. What comes in from
    outside is black, pixels are copied, not mixed. Values are brought to 256 levels by posterize
    and equalize and by nothing else. Source: torchvision.transforms.v2.RandAugment; Cubuk et al.,
    2019, arXiv 1909.13719."""

    label: ClassVar[str] = "RandAugment"

    kind: Literal["rand_augment"] = "rand_augment"
    num_ops: int = setting(2, label="Operations", unit="per image", ge=1, le=14, step=1)
    """How many operations an image goes through; the same one may be drawn again."""
    num_magnitude_bins: int = setting(31, label="Strengths", ge=2, le=1000, step=1, level="expert")
    """How many strengths there are, evenly spaced between none and the largest."""
    magnitude: int = setting(9, label="Strength", ge=0, le=999, step=1, validate_default=True)
    """Which of the strengths all operations have: 0 is the weakest, the number of strengths less
    1 the strongest."""

    @field_validator("magnitude")
    @classmethod
    def _check_magnitude(cls, value: int, info: ValidationInfo) -> int:
        bins = info.data.get("num_magnitude_bins")  # None where it was refused itself
        if bins is not None and value >= bins:
            raise ValueError(f"must be below num_magnitude_bins = {bins}; use at most {bins - 1}")
        return value

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        table = magnitude_table(self.largest(height, width), self.num_magnitude_bins)
        return draw_operations(table, torch.full((count, self.num_ops), self.magnitude), generator)

    @staticmethod
    def largest(height: int, width: int) -> Largest:
        """What the strongest strength means for images of this size."""
        return Largest(slope=0.3, right=SHIFT * width, down=SHIFT * height, degrees=30.0, factor=0.9, bits=4)

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        return apply_operations(images, draws)

    def summary(self) -> str:
        operations = "1 operation" if self.num_ops == 1 else f"{self.num_ops} operations"
        return f"{operations} of 14 (RandAugment), strength {self.magnitude} of {self.num_magnitude_bins - 1}"
