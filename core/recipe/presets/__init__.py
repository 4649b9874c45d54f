"""Ready-made recipes: one JSON file each, in this folder and in `diary/`."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from core.errors import NotFound
from core.recipe.recipe import Recipe
from core.recipe.validation import recipe_from_draft

_FOLDER = Path(__file__).parent

DIARY = "The diary"
"""The group of the presets that are experiments, in the order in which they were made."""

REPORTED = {"train": "train", "val": "val", "test": "test", "test_tta": "test with TTA"}
"""What an experiment may have reported, and how a person reads it."""


@dataclass(frozen=True)
class Preset:
    """A recipe with a name, the group it is listed under, and what it is for."""

    id: str
    title: str
    group: str
    about: str
    """What it is for; of an experiment of the diary, the diary's note on it."""
    recipe: Recipe
    reported_percent: Mapping[str, float | None] = field(default_factory=dict)
    """For an experiment of the diary: what it reported for each of REPORTED."""
    tta_views: int | None = None
    """The views of the reported test-time augmentation."""
    readings: tuple[str, ...] = ()
    """What was assumed where the diary is silent."""


def load_presets() -> list[Preset]:
    """All presets: our starting points, then the diary, each in the order of the file names."""
    paths = [*sorted(_FOLDER.glob("*.json")), *sorted((_FOLDER / "diary").glob("*.json"))]
    return [_load(path) for path in paths]


def load_preset(preset_id: str) -> Preset:
    """The preset with this id; an experiment of the diary also by its number. Raises NotFound."""
    presets = load_presets()
    number = f"{int(preset_id):02d}-" if re.fullmatch(r"[0-9]{1,2}", preset_id) else None
    for preset in presets:
        if preset.id == preset_id or (number and preset.id.startswith(number)):
            return preset
    near = difflib.get_close_matches(preset_id, [preset.id for preset in presets], n=3, cutoff=0.3)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise NotFound(
        f"There is no preset and no recipe file {preset_id!r}; {meant}`python -m core presets` lists them."
    )


def predecessors(presets: Sequence[Preset]) -> dict[str, Preset]:
    """For each experiment of the diary but the first, by its id: the experiment before it."""
    return {new.id: old for old, new in pairwise(presets) if old.group == new.group == DIARY}


def reported_words(preset: Preset) -> str:
    """'train 54.7 %, val 45 %, test with TTA 41.8 % (5 views)', as it was reported."""
    views = f" ({preset.tta_views} views)" if preset.tta_views else ""
    known = {split: value for split, value in preset.reported_percent.items() if value is not None}
    return ", ".join(
        f"{words} {known[split]:g} %{views if split == 'test_tta' else ''}"
        for split, words in REPORTED.items()
        if split in known
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
