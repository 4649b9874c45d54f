"""From JSON to a recipe, or to a list of everything that is wrong with it."""

import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.errors import BadInput, InvalidSettings, Problem
from core.files import to_json
from core.recipe.recipe import VERSION, Recipe

MAX_BYTES = 1_000_000


def parse_recipe(text: str | bytes) -> Recipe:
    """The recipe in a JSON text.

    Raises InvalidSettings with every problem at once; BadInput where the text is no recipe at all.
    """
    if len(text) > MAX_BYTES:
        raise BadInput(f"The recipe has {len(text):,} bytes; a recipe has less than {MAX_BYTES:,}.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("The recipe is not valid JSON; give a file that Plateau saved.") from error
    if not isinstance(content, dict):
        raise BadInput("The recipe must be a JSON object with keys such as architecture and optimizer.")
    return recipe_from_draft(migrate(content))


def recipe_from_draft(draft: dict[str, Any]) -> Recipe:
    """The recipe of a plain dict, as the form keeps it. Raises InvalidSettings."""
    try:
        text = to_json(draft)
    except (TypeError, ValueError) as error:
        raise BadInput(f"The recipe holds something that JSON cannot: {error}.") from error
    except RecursionError as error:
        raise BadInput("The recipe is nested deeper than any recipe is; check its brackets.") from error
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        raise InvalidSettings([_problem(details) for details in _own_errors(error)]) from error


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
            f"version = {version}: this Plateau reads recipes up to version {VERSION}; update Plateau."
        )
    if version != VERSION:
        raise BadInput(f"version = {version!r}: must be a whole number from 1 to {VERSION}.")
    return content


def _own_errors(error: ValidationError) -> list[ErrorDetails]:
    """All errors but those that only follow from others: pydantic calls a list whose entries are
    all invalid too short besides."""
    found = error.errors()
    return [
        details
        for details in found
        if details["type"] != "too_short"
        or not any(other["loc"][:-1] == details["loc"] for other in found if other is not details)
    ]


def _problem(details: ErrorDetails) -> Problem:
    """pydantic's error as field, value, rule, remedy."""
    field = _field(details["loc"])
    context = details.get("ctx", {})
    kind = details["type"]
    bounds = {
        "greater_than": ("must be above {gt}", "raise it"),
        "greater_than_equal": ("must be at least {ge}", "raise it"),
        "less_than": ("must be below {lt}", "lower it"),
        "less_than_equal": ("must be at most {le}", "lower it"),
        "extra_forbidden": ("is not a setting here", "remove it or correct its name"),
        "missing": ("is missing", "add it"),
        "int_type": ("must be a whole number", ""),
        "int_from_float": ("must be a whole number", ""),
        "float_type": ("must be a number", ""),
        "finite_number": ("must be a finite number", ""),
        "bool_type": ("must be true or false", ""),
        "string_type": ("must be a text", ""),
        "tuple_type": ("must be a list", ""),
        "model_type": ("must be a group of settings", "give a JSON object with its fields"),
        "dict_type": ("must be a group of settings", "give a JSON object with its fields"),
        "string_too_long": ("must have at most {max_length} characters", "shorten it"),
        "too_short": ("has too few entries, for it needs {min_length}", "add some"),
        "too_long": ("has too many entries, for it takes {max_length}", "remove some"),
        "literal_error": ("must be one of {expected}", "choose one of them"),
        "union_tag_invalid": ("must be one of {expected_tags}", "choose one of them"),
        "union_tag_not_found": ("needs a 'kind'", "name the choice"),
    }
    value: object = details.get("input")
    if kind == "union_tag_invalid":
        value = context.get("tag")
        field = f"{field}.kind"
    if kind == "value_error":
        rule, _, remedy = str(context.get("error", details["msg"])).partition("; ")
        return Problem(field or "recipe", _short(value), rule, remedy)
    if kind == "missing":
        return Problem(field, None, "is missing", "add it")
    rule, remedy = bounds.get(kind, (details["msg"][:1].lower() + details["msg"][1:], ""))
    return Problem(field or "recipe", value, rule.format(**_shown(context)), remedy)


def _shown(context: dict[str, Any]) -> dict[str, Any]:
    """Bounds as a person writes them: 0 and not 0.0, 65,536 and not 65536."""
    styles = {int: "{:,}", float: "{:,.6g}"}
    return {key: styles.get(type(value), "{}").format(value) for key, value in context.items()}


def _short(value: object) -> object:
    """What to show for a value_error: its object may be a whole choice, which its kind stands for."""
    if isinstance(value, dict):
        return value.get("kind", value)
    return value


def _field(location: tuple[int | str, ...]) -> str:
    """'optimizer.lr' out of pydantic's ('optimizer', 'sgd', 'lr'): the union's tag is left out."""
    parts: list[str] = []
    tag_follows = False
    for part in location:
        if tag_follows:
            tag_follows = False
            continue
        parts.append(str(part))
        in_list = isinstance(part, int) and parts[0] == "augmentations"
        tag_follows = in_list or (len(parts) == 1 and part in _TAGGED)
    return ".".join(parts)


_TAGGED = ("architecture", "mixing", "optimizer", "scheduler", "normalization")
