"""core/augment/operations.py at its edges; test_policy.py compares all of it with torchvision."""

import pytest
import torch

from core.augment.operations import adjust_sharpness, autocontrast, equalize, posterize, to_levels, warp
from core.augment.policy import OPERATIONS, apply_operations

from .cases import some_images
from .references import policy_operation

LEVELS = (torch.arange(256).float() / 255).view(1, 1, 16, 16)


def test_every_stored_level_becomes_itself() -> None:
    assert torch.equal(to_levels(LEVELS).flatten(), torch.arange(256, dtype=torch.uint8))


def test_all_8_bits_keep_every_stored_level_to_the_bit_and_0_bits_none() -> None:
    assert torch.equal(posterize(LEVELS, torch.tensor([8.0])), LEVELS)
    assert not posterize(LEVELS, torch.tensor([0.0])).any()


def test_posterize_keeps_the_highest_bits() -> None:
    kept = posterize(LEVELS, torch.tensor([2.0])).flatten().mul(255).round()
    assert kept.unique().tolist() == [0, 64, 128, 192]


def test_an_image_of_one_value_is_neither_stretched_nor_equalized() -> None:
    flat = torch.full((2, 3, 28, 28), 100 / 255)
    assert torch.equal(autocontrast(flat), flat)
    assert torch.equal(equalize(flat), flat)


def test_channels_are_stretched_by_themselves() -> None:
    image = torch.stack((LEVELS[0, 0] * 0.5, LEVELS[0, 0] * 0.2 + 0.3, LEVELS[0, 0])).unsqueeze(0)
    torch.testing.assert_close(autocontrast(image), LEVELS.expand(-1, 3, -1, -1), rtol=0, atol=1e-6)


def test_an_equalized_dark_image_uses_the_whole_range() -> None:
    dark = torch.randint(0, 60, (1, 1, 64, 64), generator=torch.Generator().manual_seed(0)) / 255
    bright = equalize(dark)
    assert bright.min() == 0
    assert bright.max() == 1
    assert 0.45 < bright.mean() < 0.55


@pytest.mark.parametrize("size", [(1, 9), (2, 2), (2, 9), (9, 2), (3, 3)])
@pytest.mark.parametrize("name", ["sharpness", "auto_contrast", "equalize", "contrast"])
def test_tiny_images_are_torchvisions(name: str, size: tuple[int, int]) -> None:
    images = some_images(5, 3, *size)
    draws = {"operation": torch.full((5, 1), OPERATIONS.index(name)), "magnitude": torch.full((5, 1), 0.7)}
    expected = torch.stack([policy_operation(image, name, 0.7) for image in images])
    torch.testing.assert_close(apply_operations(images, draws), expected, rtol=0, atol=1e-6)


def test_factor_0_of_sharpness_softens_all_but_the_outermost_pixels() -> None:
    image = torch.zeros(1, 1, 5, 5)
    image[..., 2, 2] = 1.0
    image[..., 0, 0] = 1.0
    soft = adjust_sharpness(image, torch.zeros(1, 1, 1, 1))
    assert soft[0, 0, 2, 2].item() == pytest.approx(5 / 13)
    assert soft[0, 0, 1, 2].item() == pytest.approx(1 / 13)
    assert soft[0, 0, 0, 0].item() == 1.0


def test_shears_keep_the_upper_left_corner_and_rotations_the_centre() -> None:
    image = torch.zeros(1, 1, 9, 9)
    image[..., 0, 0] = image[..., 4, 4] = 1.0
    still = torch.zeros(1)
    sheared = warp(image, still, still, still, torch.full((1,), 0.3), still)
    turned = warp(image, torch.full((1,), 30.0), still, still, still, still)
    assert sheared[0, 0, 0, 0] == 1
    assert sheared[0, 0, 4, 4] == 0
    assert turned[0, 0, 4, 4] == 1
    assert turned[0, 0, 0, 0] == 0


def test_shifts_are_cut_towards_none() -> None:
    image = torch.zeros(1, 1, 9, 9)
    image[..., 4, 4] = 1.0
    still = torch.zeros(1)
    for right, place in ((2.9, 6), (-2.9, 2), (0.9, 4)):
        moved = warp(image, still, torch.tensor([right]), still, still, still)
        assert moved[0, 0, 4].argmax() == place
