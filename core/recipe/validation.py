"""From JSON to a recipe, or to a list of everything that is wrong with it."""

import json
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput, InvalidSettings, shown
from core.files import to_json
from core.problems import problems_of
from core.recipe.recipe import VERSION, Recipe

MAX_BYTES = 1_000_000
_GIVE = "give a file that Plateau saved"


def parse_recipe(text: str | bytes) -> Recipe:
    """The recipe in a JSON text.

    Raises InvalidSettings with every problem at once; BadInput where the text is no recipe at all.
    """
    if len(text) > MAX_BYTES:
        raise BadInput(f"The recipe has {len(text):,} bytes, and a recipe less than {MAX_BYTES:,}; {_GIVE}.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The recipe is not valid JSON; {_GIVE}.") from error
    if not isinstance(content, dict):
        raise BadInput(
            f"The recipe must be a JSON object with keys such as architecture and optimizer; {_GIVE}."
        )
    return recipe_from_draft(migrate(content))


def recipe_from_draft(draft: dict[str, Any]) -> Recipe:
    """The recipe of a plain dict, as the form keeps it. Raises InvalidSettings."""
    try:
        text = to_json(draft)
    except (TypeError, ValueError) as error:
        raise BadInput(f"The recipe holds something that JSON cannot: {error}; remove it.") from error
    except RecursionError as error:
        raise BadInput("The recipe is nested deeper than any recipe is; check its brackets.") from error
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        raise InvalidSettings(problems_of(error, Recipe)) from error


def recipe_to_draft(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a plain dict: the JSON that a recipe file holds."""
    return recipe.model_dump(mode="json")


def migrate(content: dict[str, Any]) -> dict[str, Any]:
    """A recipe of an older version, brought up to this one.

    Raises BadInput for an unknown or newer version.
    """
    version = content.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise BadInput(
            f"version = {shown(str(version))}: this Plateau reads recipes up to version {VERSION}; update "
            "Plateau."
        )
    if version != VERSION:
        raise BadInput(
            f"version = {shown(repr(version))}: must be a whole number from 1 on; write {VERSION}."
        )
    return content
