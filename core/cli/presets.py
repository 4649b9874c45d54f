"""`presets`: the ready-made recipes as a list, or one of them in full."""

import argparse
import json
from typing import Any

from core.cli.output import print_json, print_table
from core.recipe import (
    DIARY,
    REPORTED,
    Preset,
    differences,
    flatten,
    load_preset,
    load_presets,
    predecessors,
    recipe_to_draft,
    reported_words,
)


def presets(call: argparse.Namespace) -> None:
    """List the presets under their groups, or show the one that is named. Raises NotFound."""
    found = load_presets()
    before = predecessors(found)
    if call.preset:
        preset = load_preset(call.preset)
        if call.json:
            print_json(_as_json(preset, before.get(preset.id)))
        else:
            _print_one(preset, before.get(preset.id))
    elif call.json:
        print_json([_as_json(preset, before.get(preset.id)) for preset in found])
    else:
        for group in dict.fromkeys(preset.group for preset in found):
            _print_group(group, [preset for preset in found if preset.group == group])


def _as_json(preset: Preset, before: Preset | None) -> dict[str, Any]:
    return {
        "id": preset.id,
        "title": preset.title,
        "group": preset.group,
        "about": preset.about,
        "reported_percent": dict(preset.reported_percent),
        "tta_views": preset.tta_views,
        "readings": preset.readings,
        "before": before.id if before else None,
        "changes": [
            {"setting": d.field, "before": d.old, "now": d.new}
            for d in (differences(before.recipe, preset.recipe) if before else ())
        ],
        "recipe": recipe_to_draft(preset.recipe),
    }


def _print_group(group: str, members: list[Preset]) -> None:
    """One line per preset; those of the diary with what they reported."""
    header = ["  id", "title", "epochs"]
    rows = [[f"  {preset.id}", preset.title, str(preset.recipe.epochs)] for preset in members]
    if group == DIARY:
        header += [*REPORTED.values(), "views"]
        for row, preset in zip(rows, members, strict=True):
            figures = [preset.reported_percent.get(split) for split in REPORTED]
            row += [_figure(value) for value in (*figures, preset.tta_views)]
    print(f"{group} (reported figures in percent)" if group == DIARY else group)
    print_table(header, rows)
    print()


def _print_one(preset: Preset, before: Preset | None) -> None:
    """A preset with all that is known of it, and all of its settings."""
    print(f"{preset.id}: {preset.title}")
    if preset.about:
        print(f"{'Note' if preset.group == DIARY else 'About'}: {preset.about}")
    if preset.group == DIARY:
        print(f"Reported: {reported_words(preset) or 'no figures'}")
    if before:
        print(f"\nChanged since {before.id}:")
        changes = differences(before.recipe, preset.recipe)
        print_table(
            ["  setting", "before", "now"],
            [[f"  {d.field}", _value(d.old), _value(d.new)] for d in changes],
        )
    if preset.readings:
        print("\nHow the diary was read:")
        for reading in preset.readings:
            print(f"  {reading}")
    print("\nAll settings:")
    settings = flatten(preset.recipe)
    print_table(["  setting", "value"], [[f"  {field}", _value(value)] for field, value in settings.items()])


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _value(value: Any) -> str:
    """A setting's value as in a recipe file; '-' for one that is empty or not there."""
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
