"""core/augment/__init__.py: whole lists of augmentations."""

import pytest
import torch

from core.augment import AnyAugmentation, augment, describe
from core.spec import choices_of, settings_of

from .cases import CASES, every_case, generator, make, some_images

LIST = [CASES[name] for name in ("horizontal_flip", "affine-all", "color_jitter", "random_erasing-noise")]


def test_an_empty_list_gives_the_images_back() -> None:
    images = some_images(3)
    assert torch.equal(augment(images, [], generator()), images)


def test_no_images_are_fine() -> None:
    assert augment(torch.empty(0, 3, 32, 32), LIST, generator()).shape == (0, 3, 32, 32)


@pytest.mark.parametrize("chunk", [1, 7, 16, 40, 41, 1000])
def test_the_result_does_not_depend_on_the_chunk(chunk: int) -> None:
    images = some_images(41)
    whole = augment(images, LIST, generator(5))
    torch.testing.assert_close(augment(images, LIST, generator(5), chunk), whole, rtol=0, atol=1e-6)


def test_chunks_keep_format_and_leave_the_input_alone() -> None:
    images = some_images(41)
    before = images.clone()
    changed = augment(images, LIST, generator(), chunk=8)
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)


def test_the_same_seed_gives_the_same_images_and_the_generator_moves_on() -> None:
    images, random = some_images(20), generator(1)
    first, second = augment(images, LIST, random), augment(images, LIST, random)
    assert torch.equal(first, augment(images, LIST, generator(1)))
    assert not torch.equal(first, second)


def test_the_order_of_the_list_is_the_order_of_the_changes() -> None:
    images = some_images(8)
    shift = make("affine", degrees=0, translate=[0.5, 0.5])
    invert = make("solarize", threshold=0.0, p=1.0)
    corner = torch.zeros(8, 3, 32, 32)
    filled_after = augment(corner, [invert, shift], generator())
    filled_before = augment(corner, [shift, invert], generator())
    assert filled_after.min() == 0
    assert filled_before.min() == 1
    assert not torch.equal(augment(images, [invert, shift], generator()), images)


def test_equal_images_of_one_batch_become_different_ones() -> None:
    images = some_images(1).expand(30, -1, -1, -1)
    changed = augment(images, [make("affine", translate=[0.2, 0.2])], generator())
    assert len(changed.flatten(1).unique(dim=0)) > 25


@pytest.mark.parametrize(
    ("augmentation", "text"),
    [
        (make("horizontal_flip"), "Flip left to right, p 0.5"),
        (make("vertical_flip", p=0.25), "Flip top to bottom, p 0.25"),
        (make("affine", degrees=10, translate=[0.125, 0.125], p=0.6), "Rotate ±10°, shift up to 1/8, p 0.6"),
        (make("affine", degrees=0, translate=[0.2, 0.15]), "Shift up to 1/5 by 15 %, p 1"),
        (
            make("affine", degrees=[5, 10], scale=[0.8, 1.2], shear=[-5, 5, 0, 3]),
            "Rotate 5° to 10°, scale 0.8 to 1.2, shear x ±5°, shear y 0° to 3°, p 1",
        ),
        (make("affine", degrees=0), "Affine, all off, p 1"),
        (make("random_crop", padding=4), "Crop after 4 px of padding, p 1"),
        (
            make("random_crop", padding=2, padding_mode="reflect"),
            "Crop after 2 px of mirrored padding, p 1",
        ),
        (make("random_resized_crop", scale=[0.5, 1.0]), "Resized crop of 50 to 100 % of the area, p 1"),
        (
            make("random_resized_crop", ratio=[1.0, 1.0]),
            "Resized crop of 8 to 100 % of the area, aspect ratio 1, p 1",
        ),
        (
            make("color_jitter", brightness=0.4, contrast=0, saturation=0, hue=0.1),
            "Brightness 0.6 to 1.4, hue ±0.1, p 1",
        ),
        (make("solarize", threshold=0.4), "Solarize from 0.4, p 0.5"),
        (make("gaussian_blur", sigma=0.6, p=0.3), "Blur, kernel 3, sigma 0.6, p 0.3"),
        (make("random_erasing"), "Cover 2 to 33 % of the area with black, p 0.5"),
        (make("random_erasing", value="random"), "Cover 2 to 33 % of the area with noise, p 0.5"),
        (
            make("trivial_augment_wide", p=0.5),
            "One of 14 operations (TrivialAugment wide), 31 strengths, p 0.5",
        ),
        (make("rand_augment"), "2 operations of 14 (RandAugment), strength 9 of 30, p 1"),
        (make("rand_augment", num_ops=1), "1 operation of 14 (RandAugment), strength 9 of 30, p 1"),
    ],
)
def test_a_description_is_short_and_plain(augmentation: object, text: str) -> None:
    assert describe(augmentation) == text


@every_case
def test_every_case_has_a_one_line_description(augmentation: object) -> None:
    assert 5 < len(describe(augmentation)) < 120
    assert "\n" not in describe(augmentation)


@pytest.mark.parametrize("choice", choices_of(AnyAugmentation), ids=lambda choice: choice.__name__)
def test_every_choice_can_be_shown_in_a_form(choice: type) -> None:
    assert choice.label
    assert "Source: " in choice.__doc__
    settings = settings_of(choice)
    assert settings[0].name == "p"
    for each in settings:
        assert each.help
        assert each.label
        assert not each.required
