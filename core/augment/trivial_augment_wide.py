"""One random operation of random strength."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.policy import Largest, apply_operations, draw_operations, magnitude_table
from core.spec import setting

LARGEST = Largest(slope=0.99, right=32.0, down=32.0, degrees=135.0, factor=0.99, bits=6)


class TrivialAugmentWide(Augmentation):
    """Changes an image by one operation out of 14, all as likely, with a strength that is drawn
    too: nothing, shear, shift (across or down), rotation, brightness, colour, contrast, sharpness,
    posterize, solarize, autocontrast, equalize. What comes in from outside is black, pixels are
    copied, not mixed. Shifts reach 32 pixels whatever the image's size: an image of 32 pixels or
    less can go black. Values are brought to 256 levels by posterize and equalize and by nothing
    else. Source: torchvision.transforms.v2.TrivialAugmentWide; Müller and Hutter, 2021,
    arXiv 2103.10158."""

    label: ClassVar[str] = "TrivialAugment wide"

    kind: Literal["trivial_augment_wide"] = "trivial_augment_wide"
    num_magnitude_bins: int = setting(31, label="Strengths", ge=2, le=1000, step=1, level="expert")
    """From how many strengths, evenly spaced between none and the largest, one is drawn."""

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        bins = torch.randint(self.num_magnitude_bins, (count, 1), generator=generator)
        return draw_operations(magnitude_table(LARGEST, self.num_magnitude_bins), bins, generator)

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        return apply_operations(images, draws)

    def summary(self) -> str:
        return f"One of 14 operations (TrivialAugment wide), {self.num_magnitude_bins} strengths"
