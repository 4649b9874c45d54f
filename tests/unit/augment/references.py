"""torchvision's own TrivialAugment, RandAugment, MixUp and CutMix, with draws of our choice.

torchvision has no public functions from such a draw to an image; the methods that its classes call
are the reference, so that no reading of ours stands in between.
"""

import pytest
import torch
from torch import Tensor

from core.augment import MixDraw
from core.augment.policy import OPERATIONS
from core.vision import torchvision  # noqa: F401  (must come before its parts)

from torchvision.transforms import InterpolationMode  # isort: skip
from torchvision.transforms.v2 import CutMix, MixUp, RandAugment, Transform, functional  # isort: skip

THEIR_NAMES = {name: name.title().replace("_", "") for name in OPERATIONS}


def policy_operation(image: Tensor, name: str, magnitude: float) -> Tensor:
    """One image (C, H, W) in [0, 1] after an operation.

    Posterize is taken from torchvision's uint8 path, everything else from its float path.
    """
    if name == "posterize":
        image = functional.to_dtype(image, torch.uint8, scale=True)
    transform = RandAugment()
    changed = transform._apply_image_or_video_transform(
        image, THEIR_NAMES[name], magnitude, InterpolationMode.NEAREST, transform._fill
    )
    return functional.to_dtype(changed, torch.float32, scale=True)


def policy_draws(transform: Transform, count: int, height: int, width: int) -> list[tuple[int, float]]:
    """What torchvision draws for `count` images, as a place in OPERATIONS and a magnitude. It knows
    the global generator only: that is put back."""
    drawn = []

    def keep(image: Tensor, name: str, magnitude: float, **_: object) -> Tensor:
        drawn.append((list(THEIR_NAMES.values()).index(name), magnitude))
        return image

    image = torch.zeros(3, height, width, dtype=torch.uint8)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(12)
        patch.setattr(transform, "_apply_image_or_video_transform", keep)
        for _ in range(count):
            transform(image)
    return drawn


def mixed(images: Tensor, labels: Tensor, num_classes: int, draw: MixDraw) -> tuple[Tensor, Tensor]:
    """A batch (N, C, H, W) and its labels (N,) as torchvision's MixUp makes it of this draw, or its
    CutMix where the draw has a box."""
    transform = (MixUp if draw.box is None else CutMix)(num_classes=num_classes)
    drawn = {"lam": draw.share} if draw.box is None else {"box": draw.box, "lam_adjusted": draw.share}
    params = {"labels": labels, "batch_size": len(labels), **drawn}
    return transform.transform(images, params), transform.transform(labels, params)
