"""Ready-made recipes: one JSON file each, in this folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound
from core.recipe.recipe import Recipe
from core.recipe.validation import recipe_from_draft

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """A recipe with a name, the group it is listed under, and what it is for."""

    id: str
    title: str
    group: str
    about: str
    recipe: Recipe


def load_presets() -> list[Preset]:
    """All presets, in the order of their file names."""
    return [_load(path) for path in sorted(_FOLDER.glob("*.json"))]


def load_preset(preset_id: str) -> Preset:
    """The preset with this id. Raises NotFound."""
    for preset in load_presets():
        if preset.id == preset_id:
            return preset
    known = ", ".join(preset.id for preset in load_presets())
    raise NotFound(f"There is no preset {preset_id!r}; there are {known}.")


def _load(path: Path) -> Preset:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Preset(
        id=content["id"],
        title=content["title"],
        group=content["group"],
        about=content["about"],
        recipe=recipe_from_draft(content["recipe"]),
    )
