"""Which recipes are one and the same training but for chance: the same fingerprint, other seeds."""

import hashlib
import json
from typing import Any

from core.recipe.edit import flatten_draft, follows_length
from core.recipe.recipe import Recipe
from core.recipe.validation import recipe_to_draft

SEED_AND_PLACE = frozenset({"seed", "device", "launcher", "compile", "checkpoints"})
"""Top-level fields that do not say what is trained: the seed, where and by which means it is computed,
and which epochs' weights are kept of it. `precision` is not among them: half precision may change a
result by more than chance does."""


def what_is_trained(recipe: Recipe) -> dict[str, Any]:
    """A recipe's root fields as JSON, without those of SEED_AND_PLACE and the file's version.

    A cosine's T_max that is as long as the run is left empty, which means the same.
    """
    draft = recipe_to_draft(recipe)
    if follows_length(flatten_draft(draft)):
        draft["scheduler"]["t_max"] = None
    return {field: value for field, value in draft.items() if field not in SEED_AND_PLACE | {"version"}}


def recipe_fingerprint(recipe: Recipe) -> str:
    """Hash of what is trained: 16 hexadecimal digits."""
    # Sorted: the order of the fields in the code may change, and the recipe stays the same.
    settings = json.dumps(what_is_trained(recipe), sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:16]
