"""Ready-made recipes: one JSON file each, in this folder and in `diary/`."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    reported_percent: Mapping[str, float | None] = field(default_factory=dict)
    """For an experiment of the diary: what it reported for train, val, test, test_tta."""
    tta_views: int | None = None
    """The views of the reported test-time augmentation."""
    readings: tuple[str, ...] = ()
    """What was assumed where the diary is silent."""


def load_presets() -> list[Preset]:
    """All presets: our starting points, then the diary, each in the order of the file names."""
    paths = [*sorted(_FOLDER.glob("*.json")), *sorted((_FOLDER / "diary").glob("*.json"))]
    return [_load(path) for path in paths]


def load_preset(preset_id: str) -> Preset:
    """The preset with this id. Raises NotFound."""
    for preset in load_presets():
        if preset.id == preset_id:
            return preset
    near = difflib.get_close_matches(preset_id, [preset.id for preset in load_presets()], n=3, cutoff=0.3)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise NotFound(
        f"There is no preset and no recipe file {preset_id!r}; {meant}`python -m core presets` lists them."
    )


def _load(path: Path) -> Preset:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Preset(
        id=content["id"],
        title=content["title"],
        group=content["group"],
        about=content["about"],
        recipe=recipe_from_draft(content["recipe"]),
        reported_percent=content.get("reported_percent", {}),
        tta_views=content.get("tta_views"),
        readings=tuple(content.get("readings", ())),
    )
