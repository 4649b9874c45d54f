"""What a recipe is made of as rows of a table, and what one has that another has not."""

from collections.abc import Iterator, Sequence

from core.recipe import Recipe
from core.recipe.contents import Part, contents

CHOICES = ("network", "optimizer", "scheduler")
"""Columns whose first part is the name of a choice, and the others its settings."""


def cells(recipe: Recipe) -> list[str]:
    """The contents as a row of a table."""
    return [", ".join(part.text for part in parts) or "none" for parts in contents(recipe).values()]


def changed(before: Recipe, recipe: Recipe) -> str:
    """What a recipe contains that the one before it did not, and the other way round."""
    old, new = contents(before), contents(recipe)
    found = []
    for column, parts in new.items():
        if parts == old[column]:
            continue
        if column in CHOICES and old[column][0] != parts[0]:
            # Of another choice all is told: what two choices have in common says nothing.
            gone, come = (", ".join(part.text for part in side) for side in (old[column], parts))
            found.append(f"{column}: {gone} → {come}")
        else:
            found.append(f"{column}: {'; '.join(_differences(old[column], parts))}")
    return "; ".join(found)


def _differences(old: Sequence[Part], new: Sequence[Part]) -> Iterator[str]:
    """What went, then what came or has another value: each beside the part of the same name only."""
    before = {part.name: part for part in old}
    kept = {part.name for part in new}
    yield from (f"− {part.text}" for part in old if part.name not in kept)
    for part in new:
        if part.name not in before:
            yield f"+ {part.text}"
        elif part != before[part.name]:
            yield f"{before[part.name].text} → {part.value or part.text}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
