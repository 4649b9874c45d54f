"""The list of settings that opens an entry."""

import pytest

from core.insight.diary.settings import settings_list
from core.recipe import DIARY, Preset, load_presets
from tests.pages.made_runs import recipe

PRESETS = [preset for preset in load_presets() if preset.group == DIARY]
MAIN = [
    "Data set",
    "Architecture",
    "Augmentations",
    "Optimizer",
    "Schedule",
    "Dropout",
    "Normalization",
    "Batch size",
    "Epochs",
    "Seed",
]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_experiment_of_the_origin_can_be_listed(preset: Preset) -> None:
    lines = dict(settings_list(preset.recipe))
    assert list(lines)[: len(MAIN)] == MAIN
    assert f"lr {preset.recipe.optimizer.lr:g}" in lines["Optimizer"]
    assert lines["Batch size"] == str(preset.recipe.batch_size)
    assert (lines["Augmentations"] == "none") is not bool(preset.recipe.augmentations)


def test_what_most_runs_leave_alone_is_named_only_where_it_was_changed() -> None:
    assert [name for name, _ in settings_list(recipe())] == MAIN
    changed = recipe(loss={"label_smoothing": 0.1}, ema={"decay": 0.99}, clip_norm=1.0)
    assert settings_list(changed)[len(MAIN) :] == [
        ("Clip gradients at", "1"),
        ("Average of the weights › EMA decay", "0.99"),
        ("Loss › Label smoothing", "0.1"),
    ]


def test_an_extension_is_told() -> None:
    assert dict(settings_list(recipe(epochs=10), 25))["Epochs"] == "10, extended to 25"
    assert dict(settings_list(recipe(epochs=10), 10))["Epochs"] == "10"
