"""Rotate, shift, scale and shear around the centre."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.pixels import pick, sample, to_device
from core.augment.ranges import around, check_positive, check_range, fraction, is_always, uniform, words
from core.spec import setting


class Affine(Augmentation):
    """Rotates, shifts, scales and shears an image around its centre; what comes in from outside is
    black. Shifts are whole pixels, so that a shift alone copies pixels and changes none. As in
    torchvision, bilinear edges fade towards black.
    Source: torchvision.transforms.v2.RandomAffine (inside RandomApply, for `p`)."""

    label: ClassVar[str] = "Affine: rotate, shift, scale, shear"

    kind: Literal["affine"] = "affine"
    degrees: tuple[float, float] = setting((-10.0, 10.0), label="Rotation", unit="degrees", step=1.0)
    """The angle is uniform between these two, clockwise; 0 and 0 for no rotation. In a recipe file
    a single number d means -d to d."""
    translate: tuple[float, float] = setting(
        (0.0, 0.0), label="Shift", unit="fraction of the size", step=0.025
    )
    """The largest shift to either side, across and down, as a fraction of the width and height
    (0 to 1); 0.125 on 40 pixels is a shift by up to 5 pixels."""
    scale: tuple[float, float] = setting((1.0, 1.0), label="Scale", step=0.05)
    """The size is multiplied by a factor uniform between these two; 1 and 1 for no scaling."""
    shear: tuple[float, float, float, float] = setting(
        (0.0, 0.0, 0.0, 0.0), label="Shear", unit="degrees", level="expert", step=1.0
    )
    """Shear along x, from and to, then along y, from and to. In a recipe file a single number s
    means -s to s along x, two numbers the range along x."""
    interpolation: Literal["nearest", "bilinear"] = setting("nearest", label="Interpolation", level="expert")
    """'nearest' copies pixels, torchvision's default; 'bilinear' mixes four and is smoother."""

    @field_validator("degrees", mode="before")
    @classmethod
    def _short_degrees(cls, value: Any) -> Any:
        return around(value)

    @field_validator("shear", mode="before")
    @classmethod
    def _short_shear(cls, value: Any) -> Any:
        value = around(value)
        return (*value, 0.0, 0.0) if isinstance(value, tuple) and len(value) == 2 else value

    @field_validator("degrees")
    @classmethod
    def _check_degrees(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_range(value, -360.0, 360.0)

    @field_validator("translate")
    @classmethod
    def _check_translate(cls, value: tuple[float, float]) -> tuple[float, float]:
        if min(value) < 0 or max(value) > 1:
            raise ValueError(
                "both numbers must be fractions between 0 and 1; divide pixels by the image's size"
            )
        return value

    @field_validator("scale")
    @classmethod
    def _check_scale(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_positive(value)

    @field_validator("shear")
    @classmethod
    def _check_shear(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        if max(abs(angle) for angle in value) >= 90:
            raise ValueError("angles must lie between -90 and 90, both excluded; use smaller ones")
        check_range(value[:2])
        check_range(value[2:])
        return value

    @property
    def only_shifts(self) -> bool:
        """True where nothing but whole-pixel shifts can happen."""
        still = is_always(self.degrees, 0.0) and not any(self.shear)
        return still and is_always(self.scale, 1.0)

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        across, down = self.translate[0] * width, self.translate[1] * height
        shifts = [uniform(count, (-most, most), generator).round().long() for most in (across, down)]
        return {
            "translate": torch.stack(shifts, dim=1),
            "angle": uniform(count, self.degrees, generator),
            "scale": uniform(count, self.scale, generator),
            "shear": torch.stack(
                [uniform(count, self.shear[:2], generator), uniform(count, self.shear[2:], generator)], dim=1
            ),
        }

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        height, width = images.shape[-2:]
        if self.only_shifts:
            across, down = draws["translate"].split(1, dim=1)
            return pick(images, torch.arange(height) - down, torch.arange(width) - across)
        grid = affine_grid(inverse_matrix(draws), images)
        if self.interpolation == "nearest":
            return sample(images, grid, "nearest", "zeros")
        # torchvision's way to fill: a channel of ones is sampled along and weights the result
        ones = torch.ones_like(images[:, :1])
        sampled, inside = sample(torch.cat((images, ones), dim=1), grid, "bilinear", "zeros").split(
            (images.shape[1], 1), dim=1
        )
        return (sampled * inside).clamp_(0.0, 1.0)

    def summary(self) -> str:
        parts = []
        if not is_always(self.degrees, 0.0):
            parts.append(f"rotate {words(self.degrees, '°')}")
        across, down = (fraction(value) for value in self.translate)
        if any(self.translate):
            parts.append(f"shift up to {across}" if across == down else f"shift up to {across} by {down}")
        if not is_always(self.scale, 1.0):
            parts.append(f"scale {words(self.scale)}")
        for axis, angles in (("x", self.shear[:2]), ("y", self.shear[2:])):
            if not is_always(angles, 0.0):
                parts.append(f"shear {axis} {words(angles, '°')}")
        text = ", ".join(parts) or "affine, all off"
        return text[0].upper() + text[1:]


def inverse_matrix(draws: Draws) -> Tensor:
    """From output to input coordinates, in pixels from the centre: (N, 2, 3) float64 on the CPU.

    The forward map is translate * rotate * scale * shear_y * shear_x, as in torchvision.
    """
    angle = draws["angle"].double().deg2rad()
    shear_x, shear_y = draws["shear"].double().deg2rad().unbind(1)
    shift_x, shift_y = draws["translate"].double().unbind(1)
    a = torch.cos(angle - shear_y) / torch.cos(shear_y)
    b = -a * torch.tan(shear_x) - torch.sin(angle)
    c = torch.sin(angle - shear_y) / torch.cos(shear_y)
    d = -c * torch.tan(shear_x) + torch.cos(angle)
    a, b, c, d = (part / draws["scale"].double() for part in (d, -b, -c, a))
    top = torch.stack((a, b, -a * shift_x - b * shift_y), dim=1)
    bottom = torch.stack((c, d, -c * shift_x - d * shift_y), dim=1)
    return torch.stack((top, bottom), dim=1)


def affine_grid(matrix: Tensor, images: Tensor) -> Tensor:
    """The grid (N, H, W, 2) for `sample`, in float32 on the images' device.

    Sums and products instead of a matrix product: a GPU may do the latter in reduced precision.
    Their order is that of torchvision's product: the shear by 0.2 of RandAugment, for one, meets
    borders between pixels exactly, and rounding decides.
    """
    height, width = images.shape[-2:]
    half = torch.tensor([[0.5 * width], [0.5 * height]])
    theta = to_device(matrix.float() / half, images).view(-1, 2, 3, 1, 1)
    x = torch.linspace((1 - width) / 2, (width - 1) / 2, width, device=images.device)
    y = torch.linspace((1 - height) / 2, (height - 1) / 2, height, device=images.device).unsqueeze(1)
    grid = torch.empty(len(matrix), height, width, 2, device=images.device)
    for axis in (0, 1):
        along_x, along_y, shift = theta[:, axis].unbind(1)
        torch.add(along_x * x + along_y * y, shift, out=grid[..., axis])
    return grid
