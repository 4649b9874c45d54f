"""The root of all settings: load, check, change, compare."""

from core.recipe.edit import Difference, choose, differences, flatten, set_values
from core.recipe.normalization import AnyNormalization, Statistics
from core.recipe.presets import (
    DIARY,
    REPORTED,
    Preset,
    load_preset,
    load_presets,
    predecessors,
    reported_words,
)
from core.recipe.recipe import AverageSettings, CheckpointSettings, DataSettings, LossSettings, Recipe
from core.recipe.validation import parse_recipe, recipe_from_draft, recipe_to_draft

__all__ = [
    "DIARY",
    "REPORTED",
    "AnyNormalization",
    "AverageSettings",
    "CheckpointSettings",
    "DataSettings",
    "Difference",
    "LossSettings",
    "Preset",
    "Recipe",
    "Statistics",
    "choose",
    "differences",
    "flatten",
    "load_preset",
    "load_presets",
    "parse_recipe",
    "predecessors",
    "recipe_from_draft",
    "recipe_to_draft",
    "reported_words",
    "set_values",
]
