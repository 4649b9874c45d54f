"""Rectangles of random area and aspect ratio, as random resized crop and random erasing try them."""

import torch
from torch import Tensor

from core.augment.ranges import uniform

TRIES = 10


def draw_rectangles(
    count: int,
    area: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """The sides sqrt(area * ratio) and sqrt(area / ratio), rounded to int64, each (count, TRIES).

    The area is uniform, the ratio uniform in its logarithm. torchvision tries until one fits and
    at most ten times; ten are drawn here at once, and the caller takes the first that fits.
    """
    areas = area * uniform(count * TRIES, scale, generator).double()
    low, high = torch.tensor(ratio).log().tolist()
    ratios = uniform(count * TRIES, (low, high), generator).exp().double()
    first = (areas * ratios).sqrt().round().long()
    second = (areas / ratios).sqrt().round().long()
    return first.view(count, TRIES), second.view(count, TRIES)
