"""Changes of colour with one factor per image; all images (N, 3, H, W) in [0, 1], factors (N, 1, 1, 1).

The formulas are those of torchvision.transforms.v2.functional, which takes one factor per call.
"""

import torch
from torch import Tensor


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """All values times the factor. One channel will do."""
    return (images * factor).clamp_(0.0, 1.0)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """The distance from the image's mean grey times the factor. One channel will do."""
    return _blend(images, grey(images).mean(dim=(1, 2, 3), keepdim=True), factor)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """The distance from each pixel's own grey times the factor."""
    return _blend(images, grey(images), factor)


def adjust_hue(images: Tensor, turns: Tensor) -> Tensor:
    """The hue moved along the colour circle, in turns."""
    # on the CPU, planes side by side are worked on faster than interleaved channels
    hue, saturation, value = _rgb_to_hsv(images.contiguous())
    return _hsv_to_rgb(hue + turns, saturation, value)


def solarize(images: Tensor, threshold: Tensor | float) -> Tensor:
    """Every value at or above the threshold inverted. One channel will do."""
    return torch.where(images >= threshold, 1.0 - images, images)


def grey(images: Tensor) -> Tensor:
    """Luma (N, 1, H, W) with ITU-R 601 weights; images of one channel as they are."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, dim=1)
    return (red * 0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (images * factor).add_(other * (1.0 - factor)).clamp_(0.0, 1.0)


def _rgb_to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in turns (any whole number of them may be on top), saturation and value, each (N, 1, H, W)."""
    red, green, blue = images.split(1, dim=1)
    value, low = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    spread = value - low
    # grey pixels have no hue and no saturation: dividing by 1 makes both 0 instead of not a number
    divisor = torch.where(spread == 0, 1.0, spread)
    sector = torch.where(value == green, 2.0 + (blue - red) / divisor, 4.0 + (red - green) / divisor)
    sector = torch.where(value == red, (green - blue) / divisor, sector)
    saturation = spread / torch.where(spread == 0, 1.0, value)
    return sector / 6.0, saturation, value


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    # each channel is `value` less a trapezoid over the hue; red, green and blue start at 5, 3 and 1
    start = torch.arange(5, 0, -2, device=hue.device, dtype=hue.dtype).view(1, 3, 1, 1)
    place = start / 6.0 + hue
    place = (place - place.floor()).mul_(6.0)  # several times faster than torch's remainder
    trapezoid = torch.minimum(place, 4.0 - place).clamp_(0.0, 1.0)
    return (value - value * saturation * trapezoid).clamp_(0.0, 1.0)
