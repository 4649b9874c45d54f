"""core/augment/policy.py: each operation by itself, and the sorting by operation."""

import pytest
import torch
from torch import Tensor

from core.augment.policy import OPERATIONS, SIGNED, Largest, apply_operations, magnitude_table
from core.augment.rand_augment import RandAugment
from core.augment.trivial_augment_wide import LARGEST
from core.vision import torchvision  # noqa: F401  (must come before its parts)

from .cases import generator, some_images
from .references import THEIR_NAMES, policy_operation

from torchvision.transforms import v2  # isort: skip

TOLERANCE = {
    "identity": 0.0,
    "shear_x": 0.0,
    "shear_y": 0.0,
    "translate_x": 0.0,
    "translate_y": 0.0,
    "rotate": 0.0,
    "brightness": 0.0,
    "color": 1e-6,
    "contrast": 1e-6,
    "sharpness": 1e-6,
    "posterize": 1e-7,
    "solarize": 0.0,
    "auto_contrast": 0.0,
    "equalize": 1e-7,
}
"""On values from 0 to 1. Up to 1e-6 is float32's rounding; pixels and levels are the same ones."""

MOVES = ("shear_x", "shear_y", "rotate")
"""A source coordinate may lie on the border between two pixels, and the processor's rounding decides: where
torchvision itself says something else for a strength that is a NUDGE more or less."""
NUDGE = 1e-5

every_policy = pytest.mark.parametrize("policy", ["trivial_augment_wide", "rand_augment"])


def _largest(policy: str, height: int, width: int) -> Largest:
    return LARGEST if policy == "trivial_augment_wide" else RandAugment.largest(height, width)


def _applied(images: Tensor, operation: int | Tensor, magnitude: Tensor) -> Tensor:
    operations = torch.as_tensor(operation).expand(len(images))
    return apply_operations(images, {"operation": operations[:, None], "magnitude": magnitude[:, None]})


@every_policy
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (40, 40), (33, 48)], ids=str)
@pytest.mark.parametrize("bins", [31, 5])
def test_magnitudes_are_torchvisions(policy: str, size: tuple[int, int], bins: int) -> None:
    theirs = (
        v2.TrivialAugmentWide if policy == "trivial_augment_wide" else v2.RandAugment
    )._AUGMENTATION_SPACE
    assert list(theirs) == list(THEIR_NAMES.values())
    table = magnitude_table(_largest(policy, *size), bins)
    for row, name in zip(table, OPERATIONS, strict=True):
        magnitudes, signed = theirs[THEIR_NAMES[name]]
        expected = magnitudes(bins, *size)
        assert torch.equal(row, torch.zeros(bins) if expected is None else expected.float()), name
        assert signed == (name in SIGNED), name


@pytest.mark.parametrize("name", OPERATIONS)
@every_policy
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (40, 40)], ids=str)
def test_every_strength_gives_torchvisions_pixels(
    name: str, policy: str, channels: int, size: tuple[int, int]
) -> None:
    operation = OPERATIONS.index(name)
    strengths = magnitude_table(_largest(policy, *size), 31)[operation]
    magnitude = torch.cat((strengths, -strengths)) if name in SIGNED else strengths
    images = some_images(len(magnitude), channels, *size)
    changed = _applied(images, operation, magnitude)
    expected = torch.stack(
        [policy_operation(image, name, m) for image, m in zip(images, magnitude.tolist(), strict=True)]
    )
    beyond = (changed - expected).abs() > TOLERANCE[name]
    if name in MOVES:
        less, more = (
            torch.stack(
                [policy_operation(i, name, m * by) for i, m in zip(images, magnitude.tolist(), strict=True)]
            )
            for by in (1 - NUDGE, 1 + NUDGE)
        )
        on_a_border = less != more
        assert on_a_border.float().mean() < 0.01
        beyond &= ~on_a_border
    assert not beyond.any()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_but_identity_changes_something(name: str) -> None:
    images = some_images(24) * 0.8
    strongest = magnitude_table(LARGEST, 31)[OPERATIONS.index(name), -1]
    changed = _applied(images, OPERATIONS.index(name), strongest.expand(24))
    assert torch.equal(changed, images) == (name == "identity")


def test_images_stay_in_their_places_whatever_their_operations() -> None:
    images = some_images(200, height=8, width=8)
    operation = torch.randint(len(OPERATIONS), (200,), generator=generator())
    magnitude = magnitude_table(LARGEST, 31)[operation, 7]
    batch = _applied(images, operation, magnitude)
    for name, n in zip(OPERATIONS, range(len(OPERATIONS)), strict=True):
        rows = operation == n
        assert rows.any()
        alone = _applied(images[rows], n, magnitude[rows])
        torch.testing.assert_close(batch[rows], alone, rtol=0, atol=1e-6, msg=name)


def test_steps_follow_one_another() -> None:
    images = some_images(30)
    operations = torch.randint(len(OPERATIONS), (30, 2), generator=generator())
    magnitudes = magnitude_table(LARGEST, 31)[operations, 5]
    first = _applied(images, operations[:, 0], magnitudes[:, 0])
    both = apply_operations(images, {"operation": operations, "magnitude": magnitudes})
    assert torch.equal(both, _applied(first, operations[:, 1], magnitudes[:, 1]))
    assert not torch.equal(both, first)
