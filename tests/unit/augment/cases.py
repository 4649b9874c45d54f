"""Settings that together reach every branch of every augmentation, and images to try them on."""

import json

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from core.augment import AnyAugmentation, Augmentation

_ADAPTER: TypeAdapter[Augmentation] = TypeAdapter(AnyAugmentation)


def make(kind: str, **settings: object) -> Augmentation:
    """An augmentation as a recipe file would give it."""
    return _ADAPTER.validate_json(json.dumps({"kind": kind, **settings}))


CASES = {
    "horizontal_flip": make("horizontal_flip"),
    "vertical_flip": make("vertical_flip"),
    "affine-shift": make("affine", degrees=0, translate=[0.125, 0.2], p=0.6),
    "affine-shift-bilinear": make("affine", degrees=0, translate=[0.1, 0.1], interpolation="bilinear"),
    "affine-rotate": make("affine", degrees=10, p=0.8),
    "affine-all": make("affine", degrees=180, translate=[0.2, 0.1], scale=[0.5, 1.5], shear=[-20, 20, -9, 9]),
    "affine-all-bilinear": make(
        "affine", degrees=90, translate=[0.2, 0.1], scale=[0.5, 1.5], shear=20, interpolation="bilinear"
    ),
    "random_crop": make("random_crop", padding=4),
    "random_crop-reflect": make("random_crop", padding=7, padding_mode="reflect", p=0.5),
    "random_crop-none": make("random_crop", padding=0),
    "random_resized_crop": make("random_resized_crop"),
    "random_resized_crop-large": make("random_resized_crop", scale=[0.8, 1.0], p=0.7),
    "random_resized_crop-central": make("random_resized_crop", scale=[0.9, 1.0], ratio=[3.0, 4.0]),
    "color_jitter": make("color_jitter"),
    "color_jitter-hue": make("color_jitter", brightness=0.6, contrast=0.7, saturation=1.5, hue=0.5, p=0.8),
    "color_jitter-only-hue": make("color_jitter", brightness=0, contrast=0, saturation=0, hue=[-0.1, 0.3]),
    "color_jitter-off": make("color_jitter", brightness=0, contrast=0, saturation=0, hue=0),
    "solarize": make("solarize", threshold=0.4),
    "solarize-all": make("solarize", threshold=0.0, p=1.0),
    "gaussian_blur": make("gaussian_blur", p=0.3),
    "gaussian_blur-fixed": make("gaussian_blur", kernel_size=7, sigma=0.6),
    "gaussian_blur-wide": make("gaussian_blur", kernel_size=13, sigma=[0.5, 5.0]),
    "random_erasing": make("random_erasing"),
    "random_erasing-noise": make("random_erasing", value="random", p=1.0),
    "random_erasing-often-none": make("random_erasing", scale=[0.9, 1.0], ratio=[0.5, 2.0], p=1.0),
    "trivial_augment_wide": make("trivial_augment_wide"),
    "trivial_augment_wide-few": make("trivial_augment_wide", num_magnitude_bins=4, p=0.7),
    "rand_augment": make("rand_augment"),
    "rand_augment-strong": make("rand_augment", num_ops=3, magnitude=14, num_magnitude_bins=15, p=0.9),
}

every_case = pytest.mark.parametrize("augmentation", CASES.values(), ids=CASES.keys())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int, channels: int = 3, height: int = 32, width: int = 32, seed: int = 1) -> Tensor:
    """Images of 256 levels, channels_last, some of them flat grey, black, white or of few colours."""
    random = generator(seed)
    levels = torch.randint(0, 256, (count, channels, height, width), generator=random)
    levels[1::6] = levels[1::6, :1]  # grey
    levels[2::6] = (levels[2::6] > 127) * 255  # pure colours
    levels[3::12] = 0
    levels[9::12] = 255
    levels[4::6] = torch.linspace(0, 255, width).long()  # a smooth ramp
    return (levels.float() / 255).contiguous(memory_format=torch.channels_last)
