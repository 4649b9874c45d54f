"""What a recipe file may say, and what it may not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from core.augment import AnyAugmentation, Augmentation
from core.errors import BadInput
from core.spec import choices_of, kind_of

from .cases import every_case, generator, make

ADAPTER: TypeAdapter[Augmentation] = TypeAdapter(AnyAugmentation)


@every_case
def test_settings_survive_a_file(augmentation: Augmentation) -> None:
    assert ADAPTER.validate_json(augmentation.model_dump_json()) == augmentation


@pytest.mark.parametrize("choice", choices_of(AnyAugmentation), ids=lambda choice: choice.__name__)
def test_the_defaults_are_valid(choice: type[Augmentation]) -> None:
    assert ADAPTER.validate_json(choice().model_dump_json()) == choice()


@pytest.mark.parametrize(
    ("short", "field", "expected"),
    [
        (make("affine", degrees=15), "degrees", (-15, 15)),
        (make("affine", degrees=0), "degrees", (0, 0)),
        (make("affine", degrees=[5, 6.5]), "degrees", (5, 6.5)),
        (make("affine", shear=5), "shear", (-5, 5, 0, 0)),
        (make("affine", shear=[1, 2]), "shear", (1, 2, 0, 0)),
        (make("affine", shear=[1, 2, 3, 4]), "shear", (1, 2, 3, 4)),
        (make("gaussian_blur", sigma=0.6), "sigma", (0.6, 0.6)),
        (make("color_jitter", brightness=0.4), "brightness", (0.6, 1.4)),
        (make("color_jitter", contrast=1.5), "contrast", (0, 2.5)),
        (make("color_jitter", hue=0.1), "hue", (-0.1, 0.1)),
    ],
)
def test_short_forms_mean_what_they_mean_in_torchvision(
    short: Augmentation, field: str, expected: tuple[float, ...]
) -> None:
    assert getattr(short, field) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "field", "value", "rule"),
    [
        ("affine", "degrees", [10, -10], "minimum must not be above the maximum"),
        ("affine", "degrees", -10, "minimum must not be above the maximum"),
        ("affine", "degrees", [0, 400], "between -360 and 360"),
        ("affine", "translate", [0.1, 1.5], "fractions between 0 and 1"),
        ("affine", "translate", [-0.1, 0.1], "fractions between 0 and 1"),
        ("affine", "scale", [0, 1], "above 0"),
        ("affine", "scale", [1.2, 0.8], "minimum must not be above the maximum"),
        ("affine", "shear", [5, -5], "minimum must not be above the maximum"),
        ("affine", "shear", 90, "between -90 and 90"),
        ("gaussian_blur", "kernel_size", 4, "must be odd"),
        ("gaussian_blur", "sigma", [0, 1], "above 0"),
        ("random_resized_crop", "scale", [0.5, 1.5], "between 0 and 1"),
        ("random_resized_crop", "scale", [0, 0.5], "above 0"),
        ("random_resized_crop", "ratio", [2, 1], "minimum must not be above the maximum"),
        ("color_jitter", "brightness", [-0.5, 1], "at or above 0"),
        ("color_jitter", "hue", 0.6, "between -0.5 and 0.5"),
        ("random_erasing", "scale", [0.1, 1.1], "between 0 and 1"),
        ("random_erasing", "ratio", [-1, 1], "above 0"),
        ("rand_augment", "magnitude", 31, "below num_magnitude_bins = 31"),
    ],
)
def test_an_impossible_value_is_refused_at_its_field_with_rule_and_remedy(
    kind: str, field: str, value: object, rule: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        make(kind, **{field: value})
    (error,) = caught.value.errors()
    assert error["loc"] == (kind, field)
    message = str(error["ctx"]["error"])
    assert rule in message
    assert "; " in message
    assert not message.endswith(".")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("horizontal_flip", {"p": 1.1}),
        ("solarize", {"threshold": -0.1}),
        ("random_crop", {"padding": -1}),
        ("random_crop", {"padding": 1.5}),
        ("random_crop", {"padding_mode": "edge"}),
        ("gaussian_blur", {"kernel_size": 0}),
        ("random_erasing", {"value": 1}),
        ("affine", {"degrees": True}),
        ("affine", {"degrees": "ten"}),
        ("affine", {"degrees": [1, 2, 3]}),
        ("affine", {"angle": 10}),
        ("color_jitter", {"hue": None}),
        ("trivial_augment_wide", {"num_magnitude_bins": 1}),
        ("rand_augment", {"num_ops": 0}),
        ("rand_augment", {"magnitude": -1}),
        ("rand_augment", {"num_magnitude_bins": 1, "magnitude": 0}),
        ("rotate", {}),
    ],
)
def test_values_of_the_wrong_kind_are_refused(kind: str, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make(kind, **settings)


def test_fewer_strengths_than_the_default_strength_are_refused_at_the_strength() -> None:
    with pytest.raises(ValidationError) as caught:
        make("rand_augment", num_magnitude_bins=9)
    (error,) = caught.value.errors()
    assert error["loc"] == ("rand_augment", "magnitude")
    assert "use at most 8" in str(error["ctx"]["error"])


@pytest.mark.parametrize(
    ("augmentation", "field"),
    [
        (make("random_crop", padding=8, padding_mode="reflect"), "padding = 8"),
        (make("gaussian_blur", kernel_size=17), "kernel_size = 17"),
    ],
)
def test_what_is_too_large_for_the_images_is_said_in_one_sentence(
    augmentation: Augmentation, field: str
) -> None:
    augmentation.draw(2, 9, 9, generator())
    with pytest.raises(BadInput) as caught:
        augmentation.draw(2, 8, 12, generator())
    assert field in str(caught.value)
    assert "12x8" in str(caught.value)


def test_kinds_are_the_names_of_the_files() -> None:
    for choice in choices_of(AnyAugmentation):
        assert choice.__module__ == f"core.augment.{kind_of(choice)}"
