"""Recipes as text, as a form's draft, and as assignments of the command line."""

from pathlib import Path
from random import Random
from typing import Any

from core.recipe import flatten, load_presets, parse_recipe, recipe_from_draft, recipe_to_draft, set_values
from core.recipe.contents import contents
from tests.faults.fuzz_mutations import TEXTS, hostile_value, json_bytes, mutated_json, mutated_value
from tests.faults.fuzz_target import Target
from tests.unit import tiny


class RecipeText(Target):
    """An uploaded recipe file."""

    name = "recipe"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.drafts = [recipe_to_draft(preset.recipe) for preset in load_presets()]

    def draw(self, rng: Random) -> bytes:
        return mutated_json(rng, self.drafts)

    def feed(self, given: bytes) -> None:
        recipe = parse_recipe(given)
        assert parse_recipe(recipe.model_dump_json()) == recipe
        assert flatten(recipe)
        assert contents(recipe)


class RecipeDraft(RecipeText):
    """A form's draft: Python values, of which JSON cannot hold all."""

    name = "recipe-draft"

    def draw(self, rng: Random) -> Any:
        draft = mutated_value(rng, rng.choice(self.drafts), self.drafts)
        if rng.random() < 0.3:
            own: list[Any] = []
            own.append(own)
            strange = rng.choice([b"bytes", {1, 2}, (1, 2), object(), 1j, own, {1: 2}, {(1, 2): 3}, range(3)])
            draft = draft if isinstance(draft, dict) else {}
            draft[rng.choice(sorted(self.drafts[0]))] = strange
        return draft

    def feed(self, given: Any) -> None:
        recipe = recipe_from_draft(given)
        assert recipe_from_draft(recipe_to_draft(recipe)) == recipe


class Assignments(RecipeText):
    """`--set FIELD=VALUE`."""

    name = "assignments"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.start = tiny.recipe(augmentations=tiny.AUGMENTATIONS)
        self.paths = [
            *flatten(self.start),
            "augmentations.0.p",
            "augmentations.9",
            "scheduler.kind",
            "clip_norm.x",
        ]

    def draw(self, rng: Random) -> list[str]:
        return [self._assignment(rng) for _ in range(rng.randint(1, 3))]

    def _assignment(self, rng: Random) -> str:
        path = rng.choice(self.paths)
        if rng.random() < 0.3:
            parts = path.split(".")
            parts[rng.randrange(len(parts))] = rng.choice([*TEXTS, "0", "-1", "kind", "²"])
            path = ".".join(parts)
        value = json_bytes(rng, hostile_value(rng)).decode("utf-8", "surrogateescape")
        return rng.choice((f"{path}={value}", f"{path}={value[:-1]}", f"{path}{value}", f"{path}=cosine"))

    def feed(self, given: list[str]) -> None:
        recipe = set_values(self.start, given)
        assert parse_recipe(recipe.model_dump_json()) == recipe


RECIPE_TARGETS: tuple[type[Target], ...] = (RecipeText, RecipeDraft, Assignments)
