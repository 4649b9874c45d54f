"""Cut out a rectangle of random area and shape, and enlarge it to the full size."""

import math
from typing import ClassVar, Literal

import torch
from pydantic import field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.pixels import sample, to_device
from core.augment.ranges import below, check_positive, check_range, words
from core.augment.rectangles import draw_rectangles
from core.spec import setting


class RandomResizedCrop(Augmentation):
    """Cuts a rectangle of random area and aspect ratio out of an image and enlarges it, bilinearly,
    to the image's own size. Ten rectangles are tried; if none fits, the largest central one with an
    allowed aspect ratio is taken. Source: torchvision.transforms.v2.RandomResizedCrop."""

    label: ClassVar[str] = "Random resized crop"

    kind: Literal["random_resized_crop"] = "random_resized_crop"
    scale: tuple[float, float] = setting((0.08, 1.0), label="Area", unit="fraction of the image", step=0.05)
    """The area of the rectangle is uniform between these two fractions of the image. 0.08 suits
    large photographs; for small images take 0.5 or more."""
    ratio: tuple[float, float] = setting((3 / 4, 4 / 3), label="Aspect ratio", level="expert", step=0.05)
    """Width divided by height lies between these two, uniform in its logarithm."""

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_positive(check_range(value, 0.0, 1.0))

    @field_validator("ratio")
    @classmethod
    def _check_ratio(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_positive(value)

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        across, down = draw_rectangles(count, height * width, self.scale, self.ratio, generator)
        fits = (across > 0) & (across <= width) & (down > 0) & (down <= height)
        first = fits.int().argmax(dim=1, keepdim=True)
        found = fits.any(dim=1)
        center_height, center_width = self._central(height, width)
        crop_height = torch.where(found, down.gather(1, first).squeeze(1), center_height)
        crop_width = torch.where(found, across.gather(1, first).squeeze(1), center_width)
        top = below(height - crop_height + 1, generator)
        left = below(width - crop_width + 1, generator)
        return {
            "top": torch.where(found, top, (height - center_height) // 2),
            "left": torch.where(found, left, (width - center_width) // 2),
            "height": crop_height,
            "width": crop_width,
        }

    def _central(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the largest rectangle with an allowed aspect ratio."""
        if width / height < self.ratio[0]:
            return round(width / self.ratio[0]), width
        if width / height > self.ratio[1]:
            return height, round(height * self.ratio[1])
        return height, width

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        height, width = images.shape[-2:]
        # a crop is never larger than the image, so that torchvision's antialiasing has nothing to do
        y = _places(draws["top"], draws["height"], height)
        x = _places(draws["left"], draws["width"], width)
        x, y = to_device(x, images)[:, None, :], to_device(y, images)[:, :, None]
        grid = torch.stack((x.expand(-1, height, -1), y.expand(-1, -1, width)), dim=-1)
        return sample(images, grid, "bilinear", "border").clamp_(0.0, 1.0)

    def summary(self) -> str:
        text = f"Resized crop of {words((100 * self.scale[0], 100 * self.scale[1]))} % of the area"
        if all(math.isclose(a, b) for a, b in zip(self.ratio, (3 / 4, 4 / 3), strict=True)):
            return text
        return f"{text}, aspect ratio {words(self.ratio)}"


def _places(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Where the centres of `size` output pixels lie along a crop, as grid coordinates (N, size).

    They stop at the centres of the crop's outermost pixels: nothing from outside of it is mixed in.
    """
    length = length.double().unsqueeze(1)
    within = (torch.arange(size, dtype=torch.float64) + 0.5) * (length / size) - 0.5
    within = torch.minimum(within.clamp_min(0.0), length - 1)
    return ((start.unsqueeze(1) + within + 0.5) * (2 / size) - 1).float()
