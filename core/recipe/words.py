"""A recipe's settings as a person reads them: one vocabulary for the form and for everything that
tells recipes apart."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from core.recipe.edit import decisions, differences, flatten
from core.recipe.recipe import Recipe
from core.spec import Setting, Spec, defaults_of, member, settings_of

MISSING = "–"


def show_number(value: Any) -> str:
    """A number as short as it can be written: '0.0001', '1e-8', '10'; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:.10g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def show_numbers(value: Any) -> str:
    """A list of numbers as a person types it: '-10, 10'."""
    if not isinstance(value, list | tuple):
        return show_number(value)
    return ", ".join(show_number(item) for item in value)


def field_words(root: type[Spec], values: Any, path: str, *, units: bool = False) -> str:
    """'optimizer.lr' as a person reads it: 'Optimizer › Learning rate'; unknown parts stay as they are.

    Knows both ways to name an augmentation: by its place ('augmentations.0.p') and, as in differences,
    by its kind ('augmentations.affine 2.p'). With `units` the last part has its unit behind it.
    """
    spec: type[Spec] | None = root
    words: list[str] = []
    choices: tuple[Any, ...] = ()
    setting: Setting | None = None
    parts = path.split(".")
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if choices and part != "order":
            # The item's name says enough without 'Augmentations' before it.
            spec, words[-1], values = _item(choices, values, part)
            choices, setting = (), None
            continue
        setting = next((s for s in _settings(spec) if s.name == part), None) if spec else None
        if setting is None:
            words += [] if part == "kind" else [_unknown(part)]
            spec = None
            continue
        if words and setting.label.startswith(words[-1]):
            words.pop()  # as in 'Warm-up › Warm-up'
        words.append(setting.label)
        values = values.get(part) if isinstance(values, dict) else None
        spec = _inner(setting, values, following)
        choices = setting.choices if setting.type == "specs" else ()
    unit = f" ({setting.unit})" if units and setting and setting.unit not in ("", "epochs") else ""
    return " › ".join(words) + unit


def _unknown(part: str) -> str:
    return f"number {int(part) + 1}" if part.isdigit() else part


def _inner(setting: Setting, values: Any, following: str) -> type[Spec] | None:
    """The spec inside a field, in which the path's next part is to be looked up."""
    if setting.type == "union":
        found = member(setting.choices, values)
        if found and following in found.model_fields:
            return found
        # Values that another choice had: a member that has this field.
        return next((c for c in setting.choices if following in c.model_fields), None)
    return setting.choices[0] if setting.type == "spec" else None


def _item(choices: tuple[Any, ...], values: Any, part: str) -> tuple[type[Spec] | None, str, Any]:
    """The spec, name and values of a list's item, named by its place or its kind."""
    items = values if isinstance(values, list) else []
    if part.isdigit() and int(part) < len(items):
        item = items[int(part)]
        found = member(choices, item)
        return found, _short(found) if found else _unknown(part), item
    kind, _, number = part.partition(" ")
    found = member(choices, {"kind": kind})
    return found, f"{_short(found)} {number}".strip() if found else _unknown(part), None


def _short(spec: type[Spec]) -> str:
    """'Affine' of 'Affine: rotate, shift, scale, shear'."""
    return spec.label.partition(":")[0]


@cache
def _settings(spec: type[Spec]) -> tuple[Setting, ...]:
    return tuple(settings_of(spec))


def setting_words(field: str, values: Any = None) -> str:
    """A recipe's setting by its flattened path, with its unit: 'Affine › Rotation (degrees)'."""
    return field_words(Recipe, values, field, units=True)


def value_words(value: Any, field: str = "") -> str:
    """A setting's value as a person reads it; of a recipe's `field`, a choice by its label."""
    if value is None:
        return "off" if is_switch(field) else MISSING
    if isinstance(value, bool):
        return "on" if value else "off"
    if field.endswith(".kind"):
        if is_switch(field):
            return "on"
        found = _choice(field.partition(".")[0], value)
        return found.label if found else str(value)
    if field == "augmentations.order" and isinstance(value, list):
        return " → ".join(setting_words(f"augmentations.{name}") for name in value)
    if isinstance(value, list | tuple):
        return show_numbers(value) or "none"
    return show_number(value) if isinstance(value, int | float) else str(value)


def is_switch(field: str) -> bool:
    """Whether the setting at this flattened path says that an augmentation is there."""
    return field.startswith("augmentations.") and field.endswith(".kind")


def kind_words(group: str, kind: str) -> str:
    """The label of a choice: kind_words('architecture', 'resnet18') is 'ResNet-18'."""
    return value_words(kind, f"{group}.kind")


def _choice(group: str, kind: Any) -> type[Spec] | None:
    setting = next((s for s in _settings(Recipe) if s.name == group), None)
    return member(setting.choices, {"kind": kind}) if setting else None


def in_order(fields: Iterable[str]) -> list[str]:
    """Flattened paths in the recipe's order, the kind of a choice before the choice's own settings."""
    roots = list(Recipe.model_fields)
    first: dict[str, int] = {}
    placed = []
    for at, field in enumerate(fields):
        root, _, rest = field.partition(".")
        group = f"{root}.{rest.partition('.')[0]}" if root == "augmentations" else root
        first.setdefault(group, at)
        placed.append((roots.index(root), first[group], not field.endswith(".kind"), at, field))
    return [place[-1] for place in sorted(placed)]


def change_words(old: Recipe, new: Recipe) -> list[tuple[str, str, str]]:
    """What differs between two recipes: setting, before, now, in words and in the form's order.

    Where another choice was made, the choice's name, and of its settings those that are not at
    their default: the settings of the old choice say nothing any more.
    """
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    found = {d.field: d for d in differences(old, new)}
    chosen = {field.removesuffix(".kind"): d for field, d in found.items() if field.endswith(".kind")}
    rows = []
    for d in (found[field] for field in in_order(found)):
        owner, _, name = d.field.rpartition(".")
        words = (value_words(d.old, d.field), value_words(d.new, d.field))
        if owner not in chosen and any(d.field.startswith(f"{field}.") for field in chosen):
            owner = next(field for field in chosen if d.field.startswith(f"{field}."))
            name = d.field.removeprefix(f"{owner}.")
        if owner in chosen and name != "kind":
            if d.new is None or d.new == _default(owner, chosen[owner].new, name):
                continue
            words = (MISSING, words[1])
        rows.append((setting_words(d.field, after if d.new is not None else before), *words))
    return rows


def _default(owner: str, kind: Any, path: str) -> Any:
    """The default of a setting inside a choice; None where there is no such choice or setting."""
    group, _, item = owner.partition(".")
    found = _choice(group, item.partition(" ")[0] or kind)
    value: Any = defaults_of(found) if found else None
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def changed_settings(old: Recipe, new: Recipe) -> list[tuple[str, str, str, str]]:
    """What differs, one row per decision (core.recipe.edit.decisions): field, setting, before, now.

    In the form's order. Of another choice, its settings that are not at their default stand beside its
    name: 'AdamW: Learning rate 0.002'.
    """
    flats = (flatten(old), flatten(new))
    drafts = (old.model_dump(mode="json"), new.model_dump(mode="json"))
    found = decisions(*flats)
    owners = {d.field: owner for owner, differences in found.items() for d in differences}
    rows = []
    for owner in dict.fromkeys(owners[field] for field in in_order(owners)):
        first = found[owner][0]
        if first.field != owner:
            before, after = (_owner_words(owner, *side) for side in zip(flats, drafts, strict=True))
            rows.append((owner, setting_words(owner, drafts[1]), before, after))
            continue
        words = (value_words(first.old, owner), value_words(first.new, owner))
        rows.append((owner, setting_words(owner, drafts[first.new is not None]), *words))
    return rows


def _owner_words(owner: str, flat: dict[str, Any], draft: dict[str, Any]) -> str:
    """A choice with those of its settings that are not at their default, as one value."""
    own = {key: value for key, value in flat.items() if key.startswith(f"{owner}.")}
    if not own:
        return "off"
    kind = own.pop(f"{owner}.kind", None)
    head = "on" if kind is None else value_words(kind, f"{owner}.kind")
    told = []
    for key, value in own.items():
        option, nested, name = key.removeprefix(f"{owner}.").rpartition(".")
        holder = f"{owner}.{option}" if nested else owner
        if kind is None or nested:
            defaults = _option_defaults(holder, draft)
            words = f"{_last_words(holder, draft)} on"
            if nested and words not in told:
                told.append(words)
        else:
            defaults = {name: _default(owner, kind, name)}
        if value is not None and value != defaults.get(name):
            told.append(f"{_last_words(key, draft)} {value_words(value, key)}")
    return f"{head}: {', '.join(told)}" if told else head


def _last_words(path: str, draft: dict[str, Any]) -> str:
    """'Learning rate' of 'optimizer.lr'."""
    return field_words(Recipe, draft, path).rpartition(" › ")[2]


def _option_defaults(owner: str, draft: dict[str, Any]) -> dict[str, Any]:
    """What an option inside a choice (without a kind of its own) is filled with when it is switched on."""
    group, _, name = owner.partition(".")
    holder = _choice(group, draft[group]["kind"])
    setting = next((s for s in _settings(holder) if s.name == name), None) if holder else None
    return defaults_of(setting.choices[0]) if setting and setting.type == "spec" else {}
