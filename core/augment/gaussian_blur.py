"""Blur with a Gaussian of random width."""

import math
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.pixels import per_image
from core.augment.ranges import check_positive, exactly, uniform, words
from core.errors import BadInput
from core.spec import setting


class GaussianBlur(Augmentation):
    """Blurs an image with a Gaussian whose width is drawn uniformly; edges are mirrored.
    Source: torchvision.transforms.v2.GaussianBlur (inside RandomApply, for `p`)."""

    label: ClassVar[str] = "Gaussian blur"

    kind: Literal["gaussian_blur"] = "gaussian_blur"
    kernel_size: int = setting(3, label="Kernel size", unit="pixels", ge=1, le=63, step=2)
    """The side of the square that is averaged over, an odd number. It cuts the Gaussian off: beyond
    about 6 times sigma a larger one changes nothing."""
    sigma: tuple[float, float] = setting((0.1, 2.0), label="Sigma", step=0.1)
    """The width of the Gaussian is uniform between these two; twice the same number fixes it. In a
    recipe file a single number means always this one."""

    @field_validator("sigma", mode="before")
    @classmethod
    def _short_sigma(cls, value: Any) -> Any:
        return exactly(value)

    @field_validator("sigma")
    @classmethod
    def _check_sigma(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_positive(value)

    @field_validator("kernel_size")
    @classmethod
    def _check_kernel(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"must be odd, so that it has a centre; take {value - 1} or {value + 1}")
        return value

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        largest = 2 * min(height, width) - 1
        if self.kernel_size > largest:
            raise BadInput(
                f"kernel_size = {self.kernel_size} of Gaussian blur is too large for images of"
                f" {width}x{height}; use at most {largest}."
            )
        return {"sigma": uniform(count, self.sigma, generator)}

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        edge = self.kernel_size // 2
        # x, then y: the square kernel is the product of the two
        weights = kernel(self.kernel_size, draws["sigma"]).unbind(1)
        taps = [per_image(weight, images) for weight in weights]
        height, width = images.shape[-2:]
        padded = F.pad(images, (edge, edge, 0, 0), mode="reflect")
        blurred = torch.zeros_like(images)
        for offset, tap in enumerate(taps):
            blurred.addcmul_(padded[..., offset : offset + width], tap)
        padded = F.pad(blurred, (0, 0, edge, edge), mode="reflect")
        blurred = torch.zeros_like(images)
        for offset, tap in enumerate(taps):
            blurred.addcmul_(padded[..., offset : offset + height, :], tap)
        return blurred.clamp_(0.0, 1.0)

    def summary(self) -> str:
        return f"Blur, kernel {self.kernel_size}, sigma {words(self.sigma)}"


def kernel(size: int, sigma: Tensor) -> Tensor:
    """The weights (N, size) along one direction: exp(-j² / 2 sigma²) at whole pixels j, summing to 1."""
    # x = j / sqrt(2), torchvision's own way to the same numbers
    limit = (size - 1) / (2 * math.sqrt(2))
    x = torch.linspace(-limit, limit, size)
    return torch.softmax(-((x / sigma.unsqueeze(1)) ** 2), dim=1)
