"""Text to numbers and back, and stored drafts."""

from typing import Any

import pytest

from core.augment.affine import Affine
from core.data import Source
from core.optim import MultiStepSpec
from core.recipe import Recipe, load_presets, recipe_from_draft, recipe_to_draft
from core.recipe.words import show_number, show_numbers
from core.spec import Spec, choices_of, kind_of, settings_of
from ui.form_page import GROUPS
from ui.form_values import conform, read_numbers

AFFINE = {setting.name: setting for setting in settings_of(Affine)}
MULTI_STEP = {setting.name: setting for setting in settings_of(MultiStepSpec)}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1e-4, "0.0001"),
        (1e-8, "1e-8"),
        (3e-5, "3e-5"),
        (0.1 + 0.2, "0.3"),
        (10.0, "10"),
        (64, "64"),
        ("x", "x"),
    ],
)
def test_numbers_are_shown_short(value: Any, shown: str) -> None:
    assert show_number(value) == shown


@pytest.mark.parametrize("text", ["-10, 3.5", "-10 3.5", " [-10; 3.5] ", "-10 to 3.5", "(-10,3.5)"])
def test_two_numbers_are_read_however_they_are_separated(text: str) -> None:
    assert read_numbers(text, Affine, AFFINE["degrees"]) == [-10.0, 3.5]


def test_a_single_number_is_the_short_form_where_the_field_has_one() -> None:
    assert read_numbers("15", Affine, AFFINE["degrees"]) == [-15.0, 15.0]
    assert read_numbers("15", Affine, AFFINE["translate"]) == [15.0]
    assert read_numbers("30", MultiStepSpec, MULTI_STEP["milestones"]) == [30]


def test_what_is_no_number_stays_for_the_check_to_name() -> None:
    assert read_numbers("30, soon", MultiStepSpec, MULTI_STEP["milestones"]) == [30, "soon"]
    assert read_numbers("", MultiStepSpec, MULTI_STEP["milestones"]) == []
    assert read_numbers("1.5", MultiStepSpec, MULTI_STEP["milestones"]) == [1.5]


@pytest.mark.parametrize("values", [[-10.0, 3.5], [0.485, 0.456, 0.406], [30, 45], [0.75, 4 / 3]])
def test_shown_numbers_are_read_back(values: list[float]) -> None:
    read = read_numbers(show_numbers(values), Affine, AFFINE["degrees"])
    assert read == pytest.approx(values, rel=1e-9)


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.id)
def test_a_whole_recipe_is_left_as_it_is(preset: Any) -> None:
    draft = recipe_to_draft(preset.recipe)
    assert conform(Recipe, draft) == draft


def test_a_stored_draft_of_another_shape_is_made_to_fit() -> None:
    stored = {
        "epochs": "many",
        "seed": True,
        "batch_size": -5,
        "optimizer": {"kind": "adam", "lr": None, "eps": "small", "gone": 1},
        "scheduler": {"kind": "unheard of"},
        "architecture": {"kind": "resnet18", "shakedrop": {"probability": 2.0}, "input_size": None},
        "augmentations": [{"kind": "affine", "degrees": 5}, {"kind": "unheard of"}, 7],
        "extra": {},
    }
    fitted = conform(Recipe, stored)
    assert set(fitted) == set(recipe_to_draft(Recipe()))
    assert (fitted["epochs"], fitted["seed"], fitted["batch_size"]) == (15, 0, -5)
    assert fitted["optimizer"]["lr"] is None and fitted["optimizer"]["eps"] == 1e-8
    assert "gone" not in fitted["optimizer"] and fitted["scheduler"] == {"kind": "none"}
    assert fitted["architecture"]["shakedrop"]["probability"] == 2.0
    assert [item["kind"] for item in fitted["augmentations"]] == ["affine"]
    assert recipe_from_draft(conform(Recipe, {})) == Recipe()


@pytest.mark.parametrize("value", [None, 3, "text", []])
def test_no_recipe_at_all_gives_the_defaults(value: Any) -> None:
    assert conform(Recipe, value) == recipe_to_draft(Recipe())


@pytest.mark.parametrize("spec", choices_of(Source), ids=kind_of)
def test_a_text_that_must_be_filled_in_is_empty_and_not_none(spec: type[Spec]) -> None:
    fitted = conform(spec, {s.name: None for s in settings_of(spec)})
    texts = [s.name for s in settings_of(spec) if s.type == "text"]
    assert all(isinstance(fitted[name], str) for name in texts)
    assert all(isinstance(conform(spec, {})[name], str) for name in texts)


def test_every_setting_of_a_recipe_stands_in_exactly_one_group_of_the_form() -> None:
    placed = [name for names in GROUPS.values() for name in names]
    assert sorted(placed) == sorted(s.name for s in settings_of(Recipe) if s.name != "version")
