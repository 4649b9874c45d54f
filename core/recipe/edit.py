"""Changing single settings of a recipe by their path, and telling two recipes apart."""

import json
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput, InvalidSettings, Problem, shown
from core.recipe.recipe import Recipe
from core.recipe.validation import recipe_from_draft, recipe_to_draft
from core.spec import choice, choices_of, kind_of


def set_values(recipe: Recipe, assignments: list[str]) -> Recipe:
    """The recipe with assignments such as 'optimizer.lr=0.05' or 'scheduler.kind=cosine' made.

    A value is JSON where it can be read so, else a text. A new `kind` brings that choice's
    defaults. Raises InvalidSettings naming every field that is wrong.
    """
    draft = recipe_to_draft(recipe)
    problems: list[Problem] = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise BadInput(
                f"--set {shown(assignment)}: must be FIELD=VALUE; write it like optimizer.lr=0.05."
            )
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        try:
            _assign(draft, path.strip(), value)
        except InvalidSettings as error:
            problems += error.problems
    try:
        changed = recipe_from_draft(draft)
    except InvalidSettings as error:
        raise InvalidSettings([*problems, *error.problems]) from error
    if problems:
        raise InvalidSettings(problems)
    return changed


def choose(draft: dict[str, Any], field: str, kind: str) -> dict[str, Any]:
    """The settings of another choice of `field`, keeping the values of fields that both have.

    Raises KeyError for an unknown kind.
    """
    union = Recipe.model_fields[field].annotation
    defaults = choice(union, kind)().model_dump(mode="json")
    old = draft.get(field) or {}
    known = choices_of(union)
    old_defaults: dict[str, Any] = next(
        (c().model_dump(mode="json") for c in known if kind_of(c) == old.get("kind")), {}
    )
    for name in defaults:
        # A value that the person never touched is not carried into a choice with another default.
        if name != "kind" and name in old and old[name] != old_defaults.get(name):
            defaults[name] = old[name]
    return defaults


def _assign(draft: dict[str, Any], path: str, value: Any) -> None:
    parts = path.split(".")
    target: Any = draft
    for at, part in enumerate(parts[:-1]):
        target = _step_into(target, part, path, value)
        if target is None:
            rule, remedy = f"{'.'.join(parts[: at + 1])} is empty", "set all of it at once, as JSON"
            raise InvalidSettings([Problem(path, value, rule, remedy)])
    last = parts[-1]
    if last == "kind" and len(parts) == 2 and isinstance(target, dict) and "kind" in target:
        try:
            draft[parts[0]] = choose(draft, parts[0], str(value))
        except KeyError as error:
            kinds = ", ".join(kind_of(c) for c in choices_of(Recipe.model_fields[parts[0]].annotation))
            raise InvalidSettings(
                [Problem(path, value, f"must be one of {kinds}", "choose one of them")]
            ) from error
    elif isinstance(target, list) and _is_place(last, target):
        target[int(last)] = value
    elif isinstance(target, dict):
        target[last] = value
    else:
        raise InvalidSettings(
            [Problem(path, value, "is not a setting", "see the recipe's JSON for the names")]
        )


def _is_place(part: str, items: list[Any]) -> bool:
    """Whether a part of a path is the number of one of these. Not any digits: '²' is one too, and
    Python refuses to read thousands of them."""
    return part in map(str, range(len(items)))


def _step_into(target: Any, part: str, path: str, value: Any) -> Any:
    if isinstance(target, list) and _is_place(part, target):
        return target[int(part)]
    if isinstance(target, dict) and part in target:
        return target[part]
    raise InvalidSettings([Problem(path, value, "is not a setting", "see the recipe's JSON for the names")])


@dataclass(frozen=True)
class Difference:
    """A setting that differs between two recipes; None where one of them has no such setting."""

    field: str
    old: Any
    new: Any


def differences(old: Recipe, new: Recipe) -> list[Difference]:
    """Settings that differ, by dotted path, in the recipe's order.

    Augmentations are told apart by kind: 'augmentations.affine.p'; a second one of a kind is
    'augmentations.affine 2.p'. Where those that both have stand in another order, that is one more
    difference, 'augmentations.order'.
    """
    return differing(flatten(old), flatten(new))


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """The same of two flattened recipes."""
    found = [
        Difference(field, before.get(field), after.get(field))
        for field in [*before, *(f for f in after if f not in before)]
        if before.get(field) != after.get(field)
    ]
    orders = [flat.get("augmentations.order", []) for flat in (before, after)]
    both = set(orders[0]) & set(orders[1])
    reordered = [n for n in orders[0] if n in both] != [n for n in orders[1] if n in both]
    return [d for d in found if reordered or d.field != "augmentations.order"]


def decisions(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Difference]]:
    """What differs between two flattened recipes, by decision: path -> its differences.

    A choice that took another's place is one decision together with its own settings, and so is an
    augmentation or an option (such as ShakeDrop) that was added or taken out. A T_max that is as long
    as the run is none of its own beside the number of epochs.
    """
    owners = _replaced(before, after)
    both_follow = all(follows_length(flat) for flat in (before, after))
    found: dict[str, list[Difference]] = {}
    for difference in differing(before, after):
        field = difference.field
        if field == "scheduler.t_max" and both_follow:
            continue
        owner = next((owner for owner in owners if field.startswith(f"{owner}.")), field)
        found.setdefault(owner, []).append(difference)
    return found


def _replaced(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Paths whose settings belong to another choice, or to an option that one side does not have; the
    outermost only."""
    both = before | after
    found = {
        key.removesuffix(".kind")
        for key in both
        if key.endswith(".kind") and before.get(key) != after.get(key)
    }
    for key in before.keys() ^ after.keys():
        if any(other.startswith(f"{key}.") for other in both):
            found.add(key)
    return [key for key in found if not any(key.startswith(f"{other}.") for other in found)]


def follows_length(flat: dict[str, Any]) -> bool:
    """Whether the cosine is as long as the run, said or left empty."""
    length = max(1, flat["epochs"] - flat["warmup.epochs"])
    return flat["scheduler.kind"] == "cosine" and flat["scheduler.t_max"] in (None, length)


def flatten(recipe: Recipe) -> dict[str, Any]:
    """Every setting of a recipe as dotted path -> value; lists of numbers stay whole."""
    return flatten_draft(recipe_to_draft(recipe))


def flatten_draft(draft: dict[str, Any]) -> dict[str, Any]:
    """The same of a valid recipe as plain values, or of some of its root fields."""
    augmentations = draft.get("augmentations", [])
    flat: dict[str, Any] = {}
    for key, value in draft.items():
        if key not in ("version", "augmentations"):
            _flatten_into(flat, key, value)
    seen: dict[str, int] = {}
    order = []
    for augmentation in augmentations:
        kind = augmentation["kind"]
        seen[kind] = seen.get(kind, 0) + 1
        name = kind if seen[kind] == 1 else f"{kind} {seen[kind]}"
        order.append(name)
        _flatten_into(flat, f"augmentations.{name}", augmentation)
    if order:
        flat["augmentations.order"] = order
    return flat


def _flatten_into(flat: dict[str, Any], path: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten_into(flat, f"{path}.{key}", item)
    else:
        flat[path] = value
