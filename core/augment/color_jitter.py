"""Change brightness, contrast, saturation and hue, in random order."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import field_validator
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.color import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from core.augment.pixels import per_image, put, take, to_device
from core.augment.ranges import around, check_range, is_always, uniform, words
from core.spec import setting

_ADJUST = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
_NAMES = ("brightness", "contrast", "saturation", "hue")
_NEUTRAL = (1.0, 1.0, 1.0, 0.0)
_NEEDS_COLOR = (False, False, True, True)


class ColorJitter(Augmentation):
    """Changes brightness, contrast, saturation and hue by random factors, in an order that is drawn
    for each image. Saturation and hue leave images of one channel as they are.
    Source: torchvision.transforms.v2.ColorJitter (inside RandomApply, for `p`)."""

    label: ClassVar[str] = "Colour jitter"

    kind: Literal["color_jitter"] = "color_jitter"
    brightness: tuple[float, float] = setting((0.8, 1.2), label="Brightness", step=0.05)
    """Values are multiplied by a factor uniform between these two; 1 and 1 for none. In a recipe
    file a single number b means 1 - b to 1 + b."""
    contrast: tuple[float, float] = setting((0.8, 1.2), label="Contrast", step=0.05)
    """The distance from the image's mean grey is multiplied by a factor uniform between these two;
    1 and 1 for none."""
    saturation: tuple[float, float] = setting((0.8, 1.2), label="Saturation", step=0.05)
    """The distance from grey is multiplied by a factor uniform between these two; 1 and 1 for none."""
    hue: tuple[float, float] = setting((0.0, 0.0), label="Hue", unit="turns", step=0.01)
    """The hue is turned by a part of the colour circle uniform between these two, at most half a
    turn either way (-0.5 to 0.5); 0 and 0 for none. In a recipe file a single number h means -h to h."""

    @field_validator("brightness", "contrast", "saturation", mode="before")
    @classmethod
    def _short_factor(cls, value: Any) -> Any:
        return around(value, center=1.0, lowest=0.0)

    @field_validator("hue", mode="before")
    @classmethod
    def _short_hue(cls, value: Any) -> Any:
        return around(value)

    @field_validator("brightness", "contrast", "saturation")
    @classmethod
    def _check_factor(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_range(value, lowest=0.0)

    @field_validator("hue")
    @classmethod
    def _check_hue(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_range(value, -0.5, 0.5)

    def ranges(self) -> tuple[tuple[float, float], ...]:
        """The four ranges in torchvision's order."""
        return (self.brightness, self.contrast, self.saturation, self.hue)

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        used = [n for n in range(4) if not is_always(self.ranges()[n], _NEUTRAL[n])]
        draws = {name: uniform(count, self.ranges()[n], generator) for n, name in enumerate(_NAMES)}
        shuffled = torch.rand(count, len(used), generator=generator).argsort(dim=1)
        return draws | {"order": torch.tensor(used, dtype=torch.int64)[shuffled]}

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        result = images
        for turn in draws["order"].unbind(1):
            for n, name in enumerate(_NAMES):
                rows = (turn == n).nonzero().squeeze(1)
                if len(rows) == 0 or (_NEEDS_COLOR[n] and images.shape[1] == 1):
                    continue
                if len(rows) == len(images):
                    result = _ADJUST[n](result, per_image(draws[name], images))
                    continue
                there = to_device(rows, images)
                factor = per_image(draws[name][rows], images)
                result = put(result, there, _ADJUST[n](take(result, there), factor))
        return result

    def summary(self) -> str:
        parts = [
            f"{name} {words(self.ranges()[n])}"
            for n, name in enumerate(_NAMES)
            if not is_always(self.ranges()[n], _NEUTRAL[n])
        ]
        text = ", ".join(parts) or "colour jitter, all off"
        return text[0].upper() + text[1:]
