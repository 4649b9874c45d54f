"""Settings in words: the same in the form, on Live and on Compare."""

from typing import Any

import pytest

from core.recipe import Recipe, flatten, load_presets, recipe_from_draft, recipe_to_draft
from core.recipe.words import (
    change_words,
    changed_settings,
    field_words,
    kind_words,
    setting_words,
    value_words,
)
from tests.pages.made_runs import recipe


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("epochs", "Epochs"),
        ("optimizer.lr", "Optimizer › Learning rate"),
        ("optimizer.kind", "Optimizer"),
        ("scheduler.t_max", "Scheduler › T_max"),
        ("warmup.epochs", "Warm-up"),
        ("architecture.shakedrop.alpha", "Architecture › ShakeDrop › Range of alpha (forward)"),
        ("augmentations", "Augmentations"),
        ("augmentations.0.p", "Horizontal flip › Probability"),
        ("augmentations.0.kind", "Horizontal flip"),
        ("augmentations.affine 2.degrees", "Affine 2 › Rotation"),
        ("augmentations.7", "number 8"),
        ("augmentations.order", "Augmentations › order"),
        ("normalization.mean.1", "Normalization › Mean › number 2"),
        ("unheard.of", "unheard › of"),
    ],
)
def test_paths_are_read_in_the_forms_own_words(path: str, words: str) -> None:
    draft = recipe_to_draft(Recipe())
    draft["architecture"] = {"kind": "resnet18"}
    draft["augmentations"] = [{"kind": "horizontal_flip"}]
    draft["normalization"] = {"kind": "own"}
    assert field_words(Recipe, draft, path) == words


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.id)
def test_every_setting_of_a_preset_has_words_of_its_own(preset) -> None:  # type: ignore[no-untyped-def]
    draft = recipe_to_draft(preset.recipe)
    words = [setting_words(field, draft) for field in flatten(preset.recipe)]
    assert len(set(words)) == len(words)
    assert not [word for word in words if "_" in word and word != "Scheduler › T_max"]


def test_a_table_has_units() -> None:
    assert setting_words("augmentations.affine.degrees") == "Affine › Rotation (degrees)"


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        (None, "", "–"),
        (True, "", "on"),
        (1e-8, "optimizer.eps", "1e-8"),
        ([3, 5], "scheduler.milestones", "3, 5"),
        ([], "", "none"),
        ("sgd", "optimizer.kind", "SGD"),
        ("affine", "augmentations.affine.kind", "on"),
        ("unheard of", "optimizer.kind", "unheard of"),
        (["horizontal_flip", "affine 2"], "augmentations.order", "Horizontal flip → Affine 2"),
    ],
)
def test_values_are_short(value: object, field: str, words: str) -> None:
    assert value_words(value, field) == words
    assert kind_words("architecture", "resnet18") == "ResNet-18"


def test_a_change_is_told_in_words() -> None:
    assert change_words(recipe(), recipe(loss={"label_smoothing": 0.1})) == [
        ("Loss › Label smoothing", "0", "0.1")
    ]


def test_another_choice_is_named_with_what_is_not_at_its_default() -> None:
    old = recipe(optimizer={"kind": "sgd", "lr": 0.1})
    new = recipe(optimizer={"kind": "adamw", "lr": 0.002})
    changes = change_words(old, new)
    assert changes[:2] == [("Optimizer", "SGD", "AdamW"), ("Optimizer › Learning rate", "–", "0.002")]
    assert change_words(recipe(), recipe(augmentations=[{"kind": "horizontal_flip"}])) == [
        ("Horizontal flip", "off", "on")
    ]


def test_defaults_inside_another_choice_are_left_out_however_deep() -> None:
    old = recipe(architecture={"kind": "resnet18"})
    draft = recipe_to_draft(old) | {"architecture": {"kind": "resnet34"}}
    assert change_words(old, recipe_from_draft(draft)) == [("Architecture", "ResNet-18", "ResNet-34")]


RESNET = {"kind": "resnet18"}
SHAKEN = RESNET | {"shakedrop": {"probability": 0.7}}
COSINE = {"scheduler": {"kind": "cosine"}}


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        (
            {"optimizer": {"kind": "sgd", "lr": 0.05}},
            {"optimizer": {"kind": "adamw", "lr": 0.002}},
            [("optimizer", "Optimizer", "SGD: Learning rate 0.05", "AdamW: Learning rate 0.002")],
        ),
        (
            {"architecture": RESNET},
            {"architecture": SHAKEN},
            [("architecture.shakedrop", "Architecture › ShakeDrop", "off", "on: Probability 0.7")],
        ),
        (
            {},
            {"architecture": SHAKEN},
            [
                (
                    "architecture",
                    "Architecture",
                    "my_net (plain CNN): Blocks 1, Width of the first block 8",
                    "ResNet-18: ShakeDrop on, Probability 0.7",
                )
            ],
        ),
        (
            {"augmentations": [{"kind": "affine", "p": 0.5}, {"kind": "affine", "p": 0.7}]},
            {"augmentations": [{"kind": "affine", "p": 0.5}]},
            [("augmentations.affine 2", "Affine 2", "on: Probability 0.7", "off")],
        ),
        (
            COSINE,
            {"scheduler": {"kind": "cosine", "t_max": 20}, "epochs": 20},
            [("epochs", "Epochs", "10", "20")],
        ),
        (
            COSINE,
            {"scheduler": {"kind": "cosine", "t_max": 5}},
            [("scheduler.t_max", "Scheduler › T_max (epochs)", "–", "5")],
        ),
        ({"clip_norm": 1.0}, {}, [("clip_norm", "Clip gradients at", "1", "–")]),
    ],
)
def test_a_decision_is_one_row_with_its_own_settings(old: Any, new: Any, rows: Any) -> None:
    found = changed_settings(recipe(**old), recipe(**new))
    assert [(field, setting.replace(" (epochs)", ""), *words) for field, setting, *words in found] == [
        (field, setting.replace(" (epochs)", ""), *words) for field, setting, *words in rows
    ]


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.id)
def test_no_decision_is_left_out_between_two_presets(preset) -> None:  # type: ignore[no-untyped-def]
    bare = recipe()
    rows = changed_settings(bare, preset.recipe)
    assert len({field for field, *_ in rows}) == len(rows)
    roots = {field.partition(".")[0] for field, *_ in rows}
    assert roots == {
        name for name in Recipe.model_fields if getattr(bare, name) != getattr(preset.recipe, name)
    }
    assert all(old != new for _, _, old, new in rows)
