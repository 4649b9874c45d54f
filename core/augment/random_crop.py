"""Pad all around, then cut the original size out at a random place."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from core.augment.base import Augmentation, Draws
from core.augment.pixels import pick
from core.errors import BadInput
from core.spec import setting


class RandomCrop(Augmentation):
    """Pads an image on all sides and cuts its own size out at a uniformly drawn place: a shift by
    whole pixels. Source: torchvision.transforms.v2.RandomCrop with `padding`."""

    label: ClassVar[str] = "Random crop with padding"

    kind: Literal["random_crop"] = "random_crop"
    padding: int = setting(4, label="Padding", unit="pixels", ge=0, le=256, step=1)
    """How many pixels are added on each side; also the largest shift."""
    padding_mode: Literal["constant", "reflect"] = setting("constant", label="Padding with")
    """'constant' pads with black, 'reflect' mirrors the image at its edge."""

    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        if self.padding_mode == "reflect" and self.padding >= min(height, width):
            raise BadInput(
                f"padding = {self.padding} of Random crop cannot be mirrored from images of"
                f" {width}x{height}; use at most {min(height, width) - 1}, or padding_mode constant."
            )
        places = torch.randint(0, 2 * self.padding + 1, (count, 2), generator=generator)
        return {"top": places[:, 0], "left": places[:, 1]}

    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        height, width = images.shape[-2:]
        rows = torch.arange(height) + draws["top"].unsqueeze(1) - self.padding
        columns = torch.arange(width) + draws["left"].unsqueeze(1) - self.padding
        if self.padding_mode == "reflect":
            rows, columns = _mirror(rows, height), _mirror(columns, width)
        return pick(images, rows, columns)

    def summary(self) -> str:
        with_what = " mirrored" if self.padding_mode == "reflect" else ""
        return f"Crop after {self.padding} px of{with_what} padding"


def _mirror(places: Tensor, size: int) -> Tensor:
    """Places beyond an edge mirrored at the outermost pixel, which is not repeated."""
    places = places.abs()
    return torch.where(places >= size, 2 * (size - 1) - places, places)
