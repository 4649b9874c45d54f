"""Cover a random rectangle."""

from typing import ClassVar, Literal

import torch
from pydantic import field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.pixels import to_device
from core.augment.ranges import below, check_positive, check_range, words
from core.augment.rectangles import draw_rectangles
from core.spec import setting


class RandomErasing(Augmentation):
    """Covers a rectangle of random area and aspect ratio. Ten rectangles are tried; if none is smaller
    than the image, nothing is covered. Augmentation comes before normalization here: 0 is black,
    and random pixels are uniform between black and white as in the paper, where torchvision's,
    made for normalized images, are standard normal.
    Source: torchvision.transforms.v2.RandomErasing; Zhong et al., 2017, arXiv 1708.04896."""

    label: ClassVar[str] = "Random erasing"

    kind: Literal["random_erasing"] = "random_erasing"
    p: float = setting(0.5, label="Probability", ge=0.0, le=1.0, step=0.05)
    """The share of images that lose a rectangle."""
    scale: tuple[float, float] = setting((0.02, 0.33), label="Area", unit="fraction of the image", step=0.01)
    """The area of the rectangle is uniform between these two fractions of the image."""
    ratio: tuple[float, float] = setting((0.3, 3.3), label="Aspect ratio", level="expert", step=0.1)
    """Height divided by width lies between these two, uniform in its logarithm."""
    value: Literal[0, "random"] = setting(0, label="Fill")
    """0 covers with black, 'random' with noise of uniform values."""

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_range(value, 0.0, 1.0)

    @field_validator("ratio")
    @classmethod
    def _check_ratio(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_positive(value)

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        down, across = draw_rectangles(count, height * width, self.scale, self.ratio, generator)
        fits = (down < height) & (across < width)
        first = fits.int().argmax(dim=1, keepdim=True)
        found = fits.any(dim=1)
        down = torch.where(found, down.gather(1, first).squeeze(1), 0)
        across = torch.where(found, across.gather(1, first).squeeze(1), 0)
        return {
            "top": below(height - down + 1, generator),
            "left": below(width - across + 1, generator),
            "height": down,
            "width": across,
            "seed": torch.randint(2**31, (count,), generator=generator),
        }

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        height, width = images.shape[-2:]
        rows = _between(draws["top"], draws["height"], height)
        columns = _between(draws["left"], draws["width"], width)
        covered = to_device(rows, images)[:, None, :, None] & to_device(columns, images)[:, None, None, :]
        if self.value == 0:
            return images.masked_fill(covered, 0.0)
        return torch.where(covered, noise(draws["seed"], images), images)

    def summary(self) -> str:
        what = "noise" if self.value == "random" else "black"
        return f"Cover {words((100 * self.scale[0], 100 * self.scale[1]))} % of the area with {what}"


def _between(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Which places along a side lie in the rectangle: (N, size) bool."""
    place = torch.arange(size)
    return (place >= start.unsqueeze(1)) & (place < (start + length).unsqueeze(1))


def noise(seed: Tensor, images: Tensor) -> Tensor:
    """Uniform values in [0, 1), one per value of the images, out of one CPU seed per image.

    A hash of seed and place (the finalizer of splitmix64, Steele et al., 2014) rather than a
    generator: noise made on the CPU would have to be copied, noise made on the device would
    differ between devices.
    """
    count, channels, height, width = images.shape
    place = torch.arange(channels * height * width, device=images.device)
    state = (to_device(seed, images).unsqueeze(1) * 2**32 + place) * -0x61C8864680B583EB
    for shift, factor in ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15)):
        # the shift must be a logical one, and torch's fills up with the sign
        state = (state ^ ((state >> shift) & (2 ** (64 - shift) - 1))) * factor
    bits = (state ^ (state >> 31)) & (2**24 - 1)
    return (bits * 2.0**-24).to(images.dtype).view(count, channels, height, width)
