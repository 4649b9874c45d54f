"""`presets`."""

import argparse

from core.cli.output import print_json, print_table
from core.recipe import load_presets, recipe_to_draft


def presets(call: argparse.Namespace) -> None:
    """List the presets, under their groups."""
    found = load_presets()
    if call.json:
        print_json(
            [
                {
                    "id": preset.id,
                    "title": preset.title,
                    "group": preset.group,
                    "about": preset.about,
                    "recipe": recipe_to_draft(preset.recipe),
                }
                for preset in found
            ]
        )
        return
    for group in dict.fromkeys(preset.group for preset in found):
        print(group)
        rows = [["  " + p.id, p.title, f"{p.recipe.epochs} epochs"] for p in found if p.group == group]
        print_table(["  id", "title", "length"], rows)
        print()
