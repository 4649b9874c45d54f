"""A recipe's settings in words, and the settings in which runs differ."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from core.errors import PlateauError
from core.recipe import Recipe, differences, flatten
from core.runs import Run
from core.spec import Spec, choices_of, kind_of, settings_of

MISSING = "–"


def setting_words(field: str) -> str:
    """'optimizer.lr' as 'Optimizer: Learning rate', 'augmentations.affine.p' as 'Affine: Probability'."""
    root, _, rest = field.partition(".")
    titles = _titles()
    if root != "augmentations":
        if not rest or rest == "kind":
            return titles.get(root, root)
        group, label = titles.get(root, root), titles.get(field, _spaced(rest))
        return label if label.startswith(group) else f"{group}: {label}"
    if rest == "order":
        return "Augmentations: order"
    name, _, part = rest.partition(".")
    kind, _, number = name.partition(" ")
    label = titles.get(f"augmentations.{kind}", _spaced(kind)) + (f" ({number})" if number else "")
    return (
        label if part == "kind" else f"{label}: {titles.get(f'augmentations.{kind}.{part}', _spaced(part))}"
    )


def value_words(field: str, value: Any) -> str:
    """A setting's value as a person reads it; a choice by its label."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field.endswith(".kind"):
        if field.startswith("augmentations."):
            return "yes"
        return _labels().get((field.partition(".")[0], str(value)), str(value))
    if field == "augmentations.order" and isinstance(value, list):
        return " → ".join(_titles().get(f"augmentations.{name}", _spaced(str(name))) for name in value)
    if isinstance(value, (list, tuple)):
        return ", ".join(value_words("", item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def change_words(old: Recipe, new: Recipe) -> list[tuple[str, str, str]]:
    """What differs between two recipes: setting, old value, new value, in words."""
    return [
        (setting_words(d.field), value_words(d.field, d.old), value_words(d.field, d.new))
        for d in differences(old, new)
    ]


def differing_settings(recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    """One row per setting that is not the same in all recipes, one column per name."""
    flat = {name: flatten(recipe) for name, recipe in recipes.items()}
    fields: dict[str, None] = {}
    for settings in flat.values():
        fields.update(dict.fromkeys(settings))
    rows = []
    for field in sorted(fields, key=_place(list(fields))):
        values = [settings.get(field, _ABSENT) for settings in flat.values()]
        if all(value == values[0] for value in values):
            continue
        words = (MISSING if value is _ABSENT else value_words(field, value) for value in values)
        rows.append([setting_words(field), *words])
    rows = [row for row in rows if not _told_by_kind(row, rows)]
    return pd.DataFrame(rows, columns=["Setting", *flat], dtype=object)


def _place(fields: Sequence[str]) -> Callable[[str], tuple[int, bool]]:
    """Settings in their order, the kind of a choice before the choice's own settings."""

    def group(field: str) -> str:
        return ".".join(field.split(".")[: 2 if field.startswith("augmentations.") else 1])

    first: dict[str, int] = {}
    for at, field in enumerate(fields):
        first.setdefault(group(field), at)
    return lambda field: (first[group(field)], not field.endswith(".kind"))


def recipes_of(runs: Sequence[Run]) -> tuple[dict[str, Recipe], list[str]]:
    """The recipes of these runs by id, and a sentence for each that cannot be read."""
    recipes, problems = {}, []
    for run in runs:
        try:
            recipes[run.id] = run.recipe()
        except PlateauError as error:
            problems.append(str(error))
    return recipes, problems


_ABSENT = object()


def _told_by_kind(row: list[str], rows: list[list[str]]) -> bool:
    """Whether only the order of augmentations differs because the augmentations themselves do."""
    return row[0] == "Augmentations: order" and any(other[1:].count("yes") for other in rows)


def _spaced(name: str) -> str:
    return name.replace("_", " ").replace(".", ": ").capitalize()


@cache
def _titles() -> dict[str, str]:
    """Every setting's label by its path in a flattened recipe."""
    titles: dict[str, str] = {}
    for setting in settings_of(Recipe):
        titles[setting.name] = setting.label
        for spec in setting.choices if setting.type in ("spec", "union", "specs") else ():
            prefix = setting.name
            if setting.type == "specs":
                prefix = f"{setting.name}.{kind_of(spec)}"
                titles[prefix] = spec.label.partition(":")[0]
            _add_titles(titles, prefix, spec)
    return titles


def _add_titles(titles: dict[str, str], prefix: str, spec: type[Spec]) -> None:
    for inner in settings_of(spec):
        unit = f" ({inner.unit})" if inner.unit and inner.unit != "epochs" else ""
        titles.setdefault(f"{prefix}.{inner.name}", inner.label + unit)
        for nested in inner.choices if inner.type in ("spec", "union") else ():
            for part in settings_of(nested):
                titles.setdefault(f"{prefix}.{inner.name}.{part.name}", f"{inner.label}: {part.label}")


@cache
def _labels() -> dict[tuple[str, str], str]:
    """The label of each choice, by setting and kind."""
    return {
        (name, kind_of(spec)): spec.label
        for name, field in Recipe.model_fields.items()
        if name in ("architecture", "optimizer", "scheduler", "normalization")
        for spec in choices_of(field.annotation)
    }


def kind_words(group: str, kind: str) -> str:
    """The label of a choice: kind_words('architecture', 'resnet18') is 'ResNet-18'."""
    return _labels().get((group, kind), kind)
