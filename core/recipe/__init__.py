"""The root of all settings: load, check, change, compare."""

from core.recipe.edit import Difference, choose, differences, flatten, set_values
from core.recipe.fingerprint import SEED_AND_PLACE, recipe_fingerprint
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
    "SEED_AND_PLACE",
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
    "recipe_fingerprint",
    "recipe_from_draft",
    "recipe_to_draft",
    "reported_words",
    "set_values",
]
