"""A recipe holds every choice, and comes back from its JSON as it was."""

import json
from typing import Any

import pytest

from core.recipe import (
    CheckpointSettings,
    Recipe,
    parse_recipe,
    recipe_from_draft,
    recipe_to_draft,
)
from core.spec import kind_of, settings_of

CHOICES = [
    (field.name, kind_of(member))
    for field in settings_of(Recipe)
    if field.type in ("union", "specs")
    for member in field.choices
]

FULL: dict[str, Any] = {
    "data": {"name": "cats", "color": "rgb"},
    "architecture": {
        "kind": "resnet18",
        "full_resolution_steps": 2,
        "dropout": 0.1,
        "input_size": 40,
        "shakedrop": {"place": "stages", "stages": [2, 4], "alpha": [-0.5, 1]},
    },
    "augmentations": [
        {"kind": "affine", "degrees": [-5, 20], "p": 0.3},
        {"kind": "horizontal_flip"},
        {"kind": "affine", "degrees": 0, "translate": [0.1, 0.2]},
    ],
    "optimizer": {"kind": "rmsprop", "lr": 0.01, "momentum": 0.5},
    "scheduler": {"kind": "multi_step", "milestones": [10, 20]},
    "warmup": {"epochs": 3},
    "loss": {"label_smoothing": 0.1},
    "normalization": {"kind": "own", "mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]},
    "batch_size": 32,
    "epochs": 60,
    "seed": 7,
    "checkpoints": {"best": False, "every": 10, "epochs": [46]},
    "precision": "fp32",
    "device": "cuda:1",
}


@pytest.mark.parametrize(("field", "kind"), CHOICES, ids=lambda value: str(value))
def test_every_choice_round_trips_through_json(field: str, kind: str) -> None:
    value: Any = {"kind": kind}
    recipe = recipe_from_draft({field: [value] if field == "augmentations" else value})
    again = parse_recipe(json.dumps(recipe_to_draft(recipe)))
    assert again == recipe
    found = getattr(again, field)
    found = found[0] if isinstance(found, tuple) else found
    assert kind_of(found) == kind


def test_a_recipe_with_everything_set_round_trips() -> None:
    recipe = recipe_from_draft(FULL)
    draft = recipe_to_draft(recipe)
    assert parse_recipe(json.dumps(draft)) == recipe
    assert parse_recipe(recipe.model_dump_json(indent=1).encode()) == recipe
    assert draft["checkpoints"] == {"best": False, "every": 10, "epochs": [46]}
    assert draft["architecture"]["shakedrop"]["stages"] == [2, 4]
    assert [item["kind"] for item in draft["augmentations"]] == ["affine", "horizontal_flip", "affine"]
    assert json.loads(json.dumps(draft)) == draft, "a draft is plain JSON: no tuples, no specs"


def test_an_empty_draft_is_the_default_recipe() -> None:
    assert recipe_from_draft({}) == Recipe()
    assert parse_recipe("{}") == Recipe()


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Recipe().epochs = 3  # type: ignore[misc]


def test_a_recipe_keeps_its_version_in_the_file() -> None:
    assert recipe_to_draft(Recipe())["version"] == 1


def test_which_epochs_are_kept() -> None:
    kept = CheckpointSettings(every=4, epochs=(3, 9))
    assert [epoch for epoch in range(1, 13) if kept.keeps(epoch)] == [3, 4, 8, 9, 12]
    assert not any(CheckpointSettings().keeps(epoch) for epoch in range(1, 50))
