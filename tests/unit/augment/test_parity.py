"""Our drawn parameters, injected image by image into torchvision's v2 functional, give the same pixels.

Tolerances are absolute, on values from 0 to 1; one level of 255 is 0.0039.
"""

import pytest
import torch
from torch import Tensor

from core.augment import AnyAugmentation, Augmentation
from core.augment.policy import OPERATIONS
from core.augment.random_erasing import noise
from core.spec import choices_of, kind_of
from core.vision import torchvision  # noqa: F401  (must come before its parts)

from .cases import CASES, every_case, generator, some_images
from .references import policy_operation

from torchvision.transforms import InterpolationMode  # isort: skip
from torchvision.transforms.v2 import functional  # isort: skip

TOLERANCE = {
    "horizontal_flip": 0.0,
    "vertical_flip": 0.0,
    "affine": 0.0,
    "affine, bilinear": 2e-5,
    "random_crop": 0.0,
    "random_resized_crop": 2e-5,
    "color_jitter": 1e-5,
    "solarize": 0.0,
    "gaussian_blur": 1e-6,
    "random_erasing": 0.0,
    # the loosest of their operations; test_policy.py has each by itself
    "trivial_augment_wide": 1e-6,
    "rand_augment": 1e-5,
}
# A source coordinate may lie so close to the border between two pixels that rounding decides; a mere
# shift has none. None did where this was written; another processor may round another way.
# In a chain of operations, a rounded value may also lie on a threshold or between two levels.
ON_A_BORDER = {"affine": 1e-4, "trivial_augment_wide": 1e-4, "rand_augment": 1e-3}

Drawn = dict[str, Tensor]


def _affine(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    return functional.affine(
        image,
        angle=drawn["angle"].item(),
        translate=drawn["translate"].tolist(),
        scale=drawn["scale"].item(),
        shear=drawn["shear"].tolist(),
        interpolation=InterpolationMode(spec.interpolation),
        fill=0,
    )


def _random_crop(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    padded = functional.pad(image, [spec.padding], fill=0, padding_mode=spec.padding_mode)
    return functional.crop(padded, drawn["top"].item(), drawn["left"].item(), *image.shape[-2:])


def _random_resized_crop(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    place = [drawn[name].item() for name in ("top", "left", "height", "width")]
    return functional.resized_crop(image, *place, size=list(image.shape[-2:]), antialias=True)


def _color_jitter(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    names = ("brightness", "contrast", "saturation", "hue")
    for n in drawn["order"].tolist():
        image = getattr(functional, f"adjust_{names[n]}")(image, drawn[names[n]].item())
    return image


def _random_erasing(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    top, left, height, width = (drawn[name].item() for name in ("top", "left", "height", "width"))
    value = torch.zeros(1, 1, 1)
    if spec.value == "random":
        whole = noise(drawn["seed"].unsqueeze(0), image.unsqueeze(0))[0]
        value = whole[:, top : top + height, left : left + width]
    return functional.erase(image, top, left, height, width, value)


def _policy(spec: Augmentation, image: Tensor, drawn: Drawn) -> Tensor:
    for operation, magnitude in zip(drawn["operation"].tolist(), drawn["magnitude"].tolist(), strict=True):
        image = policy_operation(image, OPERATIONS[operation], magnitude)
    return image


REFERENCE = {
    "horizontal_flip": lambda spec, image, drawn: functional.horizontal_flip(image),
    "vertical_flip": lambda spec, image, drawn: functional.vertical_flip(image),
    "affine": _affine,
    "random_crop": _random_crop,
    "random_resized_crop": _random_resized_crop,
    "color_jitter": _color_jitter,
    "solarize": lambda spec, image, drawn: functional.solarize(image, spec.threshold),
    "gaussian_blur": lambda spec, image, drawn: functional.gaussian_blur(
        image, [spec.kernel_size] * 2, [drawn["sigma"].item()] * 2
    ),
    "random_erasing": _random_erasing,
    "trivial_augment_wide": _policy,
    "rand_augment": _policy,
}


def test_every_choice_has_a_reference() -> None:
    assert set(REFERENCE) == {kind_of(choice) for choice in choices_of(AnyAugmentation)}


@every_case
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (40, 40), (64, 64), (33, 48)], ids=str)
def test_pixels_equal_torchvisions(augmentation: Augmentation, channels: int, size: tuple[int, int]) -> None:
    count, kind = 18, kind_of(augmentation)
    images = some_images(count, channels, *size)
    draws = augmentation.draw(count, *size, generator(channels))
    changed = augmentation.apply(images, draws)
    expected = torch.stack(
        [
            REFERENCE[kind](augmentation, images[i], {name: v[i] for name, v in draws.items()})
            if draws["active"][i]
            else images[i]
            for i in range(count)
        ]
    )
    bilinear = getattr(augmentation, "interpolation", "") == "bilinear"
    tolerance = TOLERANCE[f"{kind}, bilinear" if bilinear else kind]
    beyond = ((changed - expected).abs() > tolerance).float().mean().item()
    copied = getattr(augmentation, "only_shifts", False)
    assert beyond <= (0.0 if copied else ON_A_BORDER.get(kind, 0.0))


def test_a_threshold_on_a_level_is_met_by_that_level() -> None:
    # 0.4 is level 102 of 255: the diary's threshold
    images = (torch.arange(256).float() / 255).view(1, 1, 16, 16)
    draws = {"active": torch.ones(1, dtype=torch.bool)}
    inverted = CASES["solarize"].apply(images, draws) != images
    assert inverted.flatten().nonzero().min() == 102


def test_a_shift_alone_gives_the_pixels_of_the_general_path() -> None:
    images = some_images(30)
    shift = CASES["affine-shift"]
    draws = shift.draw(30, 32, 32, generator())
    general = shift.model_copy(update={"degrees": (0.0, 1e-30)})
    assert shift.only_shifts
    assert not general.only_shifts
    assert torch.equal(shift.apply(images, draws), general.apply(images, draws))
