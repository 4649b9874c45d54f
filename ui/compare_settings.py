"""The settings in which several runs differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.errors import PlateauError
from core.recipe import Recipe, flatten, recipe_to_draft
from core.recipe.words import MISSING, in_order, is_switch, setting_words, value_words
from core.runs import Run

SETTING = "_setting"
"""The column of names; the others are runs, and no run's id begins like this."""
_ABSENT = object()


def differing_settings(recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    """One row per setting that is not the same in all recipes, one column per run's id."""
    flat = {run_id: flatten(recipe) for run_id, recipe in recipes.items()}
    drafts = {run_id: recipe_to_draft(recipe) for run_id, recipe in recipes.items()}
    fields: dict[str, str] = {}
    for run_id, settings in flat.items():
        for field in settings:
            fields.setdefault(field, run_id)
    rows: dict[str, list[str]] = {}
    for field in in_order(fields):
        values = [settings.get(field, _ABSENT) for settings in flat.values()]
        if any(value != values[0] for value in values):
            words = (_words(value, field) for value in values)
            rows[field] = [setting_words(field, drafts[fields[field]]), *words]
    if any(is_switch(field) for field in rows):
        # Their order differs because they themselves do.
        rows.pop("augmentations.order", None)
    return pd.DataFrame(list(rows.values()), columns=[SETTING, *flat], dtype=object)


def _words(value: Any, field: str) -> str:
    if value is _ABSENT:
        return value_words(None, field) if is_switch(field) else MISSING
    return value_words(value, field)


def recipes_of(runs: Sequence[Run]) -> tuple[dict[str, Recipe], list[str]]:
    """The recipes of these runs by id, and a sentence for each that cannot be read."""
    recipes: dict[str, Any] = {}
    problems = []
    for run in runs:
        try:
            recipes[run.id] = run.recipe()
        except PlateauError as error:
            problems.append(str(error))
    return recipes, problems
