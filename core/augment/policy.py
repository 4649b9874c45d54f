"""What TrivialAugment and RandAugment share: the list of operations, their magnitudes, the groups.

Each image gets its own operations. The images of a batch are sorted by operation, so that each
operation runs once on all images that drew it; the sorting is known from the drawn CPU tensors,
and a device is never waited for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from core.augment.base import Draws
from core.augment.color import adjust_brightness, adjust_contrast, adjust_saturation, solarize
from core.augment.operations import adjust_sharpness, autocontrast, equalize, posterize, warp
from core.augment.pixels import per_image, take, to_device

OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "auto_contrast",
    "equalize",
)
"""In torchvision's order; what is drawn is a place in this list."""

Change = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Images (N, C, H, W), and the operation and magnitude (N,) of each, to the changed images."""

SIGNED = frozenset(OPERATIONS[1:10])
"""Operations that go either way, each way with the same chance."""


@dataclass(frozen=True)
class Largest:
    """The magnitude in the last bin of each operation; in the first one nothing is changed."""

    slope: float
    """Of a shear, in pixels per pixel."""
    right: float
    """Of a shift across, in pixels."""
    down: float
    degrees: float
    factor: float
    """How far brightness, colour, contrast and sharpness go from 1."""
    bits: int
    """How many of the 8 bits posterize drops."""


def magnitude_table(largest: Largest, bins: int) -> Tensor:
    """The magnitude of each operation in each bin, without its sign: (operations, bins) float32."""
    ends = {
        "shear_x": largest.slope,
        "shear_y": largest.slope,
        "translate_x": largest.right,
        "translate_y": largest.down,
        "rotate": largest.degrees,
        "brightness": largest.factor,
        "color": largest.factor,
        "contrast": largest.factor,
        "sharpness": largest.factor,
    }
    rows = {name: torch.linspace(0.0, end, bins) for name, end in ends.items()}
    rows["posterize"] = (8 - torch.arange(bins) / ((bins - 1) / largest.bits)).round()
    rows["solarize"] = torch.linspace(1.0, 0.0, bins)
    return torch.stack([rows.get(name, torch.zeros(bins)) for name in OPERATIONS])


def draw_operations(table: Tensor, bins: Tensor, generator: torch.Generator) -> Draws:
    """For each place in `bins` (N, steps) an operation and its magnitude in that bin, with a sign."""
    operation = torch.randint(len(OPERATIONS), bins.shape, generator=generator)
    negative = torch.rand(bins.shape, generator=generator) < 0.5
    signed = torch.tensor([name in SIGNED for name in OPERATIONS])
    magnitude = table[operation, bins]
    magnitude = torch.where(negative & signed[operation], -magnitude, magnitude)
    return {"operation": operation, "magnitude": magnitude}


def apply_operations(images: Tensor, draws: Draws) -> Tensor:
    """Each image after its own operations, one after the other: 'operation', 'magnitude' (N, steps)."""
    # planes side by side are what all operations are fastest on
    images = images.contiguous()
    for operation, magnitude in zip(draws["operation"].unbind(1), draws["magnitude"].unbind(1), strict=True):
        images = _step(images, operation, magnitude)
    return images


def _step(images: Tensor, operation: Tensor, magnitude: Tensor) -> Tensor:
    """One operation on each image; those that drew operations of one group are changed together."""
    group = torch.tensor(_GROUP_OF)[operation]
    order = group.argsort(stable=True)
    sizes = torch.bincount(group, minlength=len(_GROUPS)).tolist()
    parts = zip(
        _GROUPS,
        take(images, to_device(order, images)).split(sizes),
        operation[order].split(sizes),
        magnitude[order].split(sizes),
        strict=True,
    )
    changed = torch.cat([change(*part) for change, *part in parts if len(part[0])])
    return take(changed, to_device(order.argsort(), images))


def _warp(images: Tensor, operation: Tensor, magnitude: Tensor) -> Tensor:
    """Shears, shifts and rotations together: they differ in a matrix only."""

    def of(name: str) -> Tensor:
        return torch.where(operation == OPERATIONS.index(name), magnitude, 0.0)

    return warp(
        images,
        degrees=of("rotate"),
        right=of("translate_x"),
        down=of("translate_y"),
        slope_x=of("shear_x"),
        slope_y=of("shear_y"),
    )


def _color(images: Tensor, factor: Tensor) -> Tensor:
    return images if images.shape[1] == 1 else adjust_saturation(images, factor)


def _by_factor(adjust: Callable[[Tensor, Tensor], Tensor]) -> Change:
    return lambda images, _, magnitude: adjust(images, per_image(1.0 + magnitude, images))


_CHANGES: dict[str, Change] = {
    "identity": lambda images, *_: images,
    **dict.fromkeys(("shear_x", "shear_y", "translate_x", "translate_y", "rotate"), _warp),
    "brightness": _by_factor(adjust_brightness),
    "color": _by_factor(_color),
    "contrast": _by_factor(adjust_contrast),
    "sharpness": _by_factor(adjust_sharpness),
    "posterize": lambda images, _, bits: posterize(images, bits),
    "solarize": lambda images, _, threshold: solarize(images, per_image(threshold, images)),
    "auto_contrast": lambda images, *_: autocontrast(images),
    "equalize": lambda images, *_: equalize(images),
}
_GROUPS = tuple(dict.fromkeys(_CHANGES.values()))
_GROUP_OF = tuple(_GROUPS.index(_CHANGES[name]) for name in OPERATIONS)
