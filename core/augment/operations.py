"""The operations of TrivialAugment and RandAugment besides those of colour, one magnitude per image.

The formulas are those of torchvision.transforms.v2.functional, which takes one magnitude per call.
Images are (N, C, H, W) in [0, 1]; magnitudes are CPU tensors (N,).
"""

import torch
from torch import Tensor

from core.augment.affine import affine_grid, inverse_matrix
from core.augment.pixels import per_image, sample


def warp(
    images: Tensor,
    degrees: Tensor,
    right: Tensor,
    down: Tensor,
    slope_x: Tensor,
    slope_y: Tensor,
) -> Tensor:
    """Rotated counterclockwise around the centre, shifted, sheared; nearest pixels, black from outside.

    At most one of the five may be other than 0 for an image. Shifts are cut to whole pixels. A
    slope is in pixels per pixel, and shearing leaves the upper left corner where it is.
    """
    height, width = images.shape[-2:]
    shear = torch.stack((slope_x, slope_y), dim=1).double()
    matrix = inverse_matrix(
        {
            "angle": -degrees,
            "translate": torch.stack((right, down), dim=1).trunc(),
            "scale": torch.ones(len(images)),
            "shear": shear.atan().rad2deg(),
        }
    )
    fixed = torch.tensor([-0.5 * width, -0.5 * height], dtype=torch.float64)
    fixed = torch.where(shear.any(dim=1, keepdim=True), fixed, 0.0)
    matrix[:, :, 2] += fixed - (matrix[:, :, :2] * fixed.unsqueeze(1)).sum(dim=2)
    return sample(images, affine_grid(matrix, images), "nearest", "zeros")


def adjust_sharpness(images: Tensor, factor: Tensor) -> Tensor:
    """The distance from a softened image times the factor (N, 1, 1, 1). The outermost pixels stay.

    Softened is the average of 3x3 pixels, the middle one counted five times.
    """
    result = images.clone()
    if min(images.shape[-2:]) <= 2:
        return result
    middle = result[..., 1:-1, 1:-1]
    # sums of slices: on the CPU an order of magnitude faster than torch's pooling
    sums = images[..., :-2] + images[..., 1:-1] + images[..., 2:]
    sums = sums[..., :-2, :] + sums[..., 1:-1, :] + sums[..., 2:, :]
    softened = sums.add_(middle, alpha=4.0).mul_(1.0 / 13.0)
    middle.add_(softened.sub_(middle).mul_(1.0 - factor))
    return result.clamp_(0.0, 1.0)


def autocontrast(images: Tensor) -> Tensor:
    """Each channel of each image stretched to reach from 0 to 1; one of a single value stays."""
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    flat = low == high
    spread = torch.where(flat, 1.0, high - low)
    return (images - torch.where(flat, 0.0, low)).div_(spread).clamp_(0.0, 1.0)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """The values as 8-bit levels (`to_levels`), of which the `bits` highest bits are kept.

    torchvision's result for uint8 images. Its float path has other levels: k / 2^bits.
    """
    levels = to_levels(images)
    kept = levels & per_image(256 - 2 ** (8 - bits.long()), levels)
    return kept.to(images.dtype).div_(255)


def equalize(images: Tensor) -> Tensor:
    """Each channel of each image with a histogram as flat as can be.

    The values go through 8-bit levels (`to_levels`), so that even an image which has too few other
    than its brightest pixels to be equalized ends on such levels.
    """
    count, channels, height, width = images.shape
    levels = to_levels(images).reshape(count, channels, height * width).long()
    one = torch.ones((), dtype=torch.int32, device=images.device)
    histogram = torch.zeros(count, channels, 256, dtype=torch.int32, device=images.device)
    histogram.scatter_add_(2, levels, one.expand_as(levels))
    brightest = histogram.gather(2, levels.amax(dim=2, keepdim=True))
    step = (height * width - brightest) // 255
    darker = histogram.cumsum(2, dtype=torch.int32) - histogram
    table = ((darker + step // 2) // step.clamp_min(1)).clamp_max_(255)
    same = torch.arange(256, dtype=torch.int32, device=images.device)
    equalized = torch.where(step == 0, same, table).gather(2, levels)
    return equalized.to(images.dtype).div_(255).view(count, channels, height, width)


def to_levels(images: Tensor) -> Tensor:
    """Values in [0, 1] as uint8: 256 steps of equal width, not rounded to the nearest.

    torchvision's own conversion; a stored level k / 255 becomes k again.
    """
    return (images.float() * 255.999).to(torch.uint8)
