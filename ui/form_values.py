"""The form's values without widgets: how text becomes numbers, and what a stored draft must look like."""

import json
import re
from typing import Any

from pydantic import ValidationError

from core.files import to_json
from core.spec import Setting, Spec, kind_of, member, settings_of

_SEPARATORS = re.compile(r"(?:\s*[,;…]\s*|\s+to\s+|\s+)")


def read_numbers(text: str, owner: type[Spec], setting: Setting) -> Any:
    """What a person typed for a 'numbers' field, as a recipe holds it.

    A single number is tried as the field's short form (10 for -10 to 10) where it has one. What is
    no number stays a text: the check names it.
    """
    words = [word for word in _SEPARATORS.split(text.strip().strip("()[]").strip()) if word]
    values = [_number(word, setting.item) for word in words]
    if len(values) == 1 and setting.length != 1:
        tag = {"kind": kind_of(owner)} if "kind" in owner.model_fields else {}
        try:
            spec = owner.model_validate_json(to_json({**tag, setting.name: values[0]}))
        except ValidationError:
            return values
        return spec.model_dump(mode="json")[setting.name]
    return values


def _number(word: str, item: str | None) -> Any:
    """The number that a word says; a whole one stays whole where the field wants that."""
    try:
        value = float(word)
    except ValueError:
        return word
    return int(value) if item == "int" and value.is_integer() else value


def default_of(setting: Setting) -> Any:
    """A field's default as a recipe holds it; what must be filled in is empty, as its widget shows it."""
    if setting.required:
        return {"text": "", "numbers": [], "bool": False}.get(setting.type)
    return _jsonable(setting.default)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.model_dump(mode="json")
    return [_jsonable(item) for item in value] if isinstance(value, tuple | list) else value


def conform(spec: type[Spec], values: Any) -> dict[str, Any]:
    """Stored values made to fit the spec's fields: each has a value of a type that its widget can
    show (not necessarily a valid one), and nothing else is there.

    A draft outlives the version of Plateau that wrote it, and a person may have edited its file.
    """
    given = values if isinstance(values, dict) else {}
    fitted: dict[str, Any] = {}
    if "kind" in spec.model_fields:
        fitted["kind"] = kind_of(spec)
    for setting in settings_of(spec):
        value = given.get(setting.name, default_of(setting))
        fitted[setting.name] = _conform_value(setting, value)
    return fitted


def _conform_value(setting: Setting, value: Any) -> Any:
    default = default_of(setting)
    if value is None and (setting.optional or setting.type in _NUMBERS):
        return None
    match setting.type:
        case "spec":
            return conform(setting.choices[0], value if isinstance(value, dict) else default)
        case "union":
            found = member(setting.choices, value)
            return conform(found, value) if found else default
        case "specs":
            items = value if isinstance(value, list) else []
            known = [(member(setting.choices, item), item) for item in items]
            return [conform(found, item) for found, item in known if found]
        case "numbers":
            plain = isinstance(value, list) and all(isinstance(v, int | float | str) for v in value)
            return value if plain else default
        case "choice":
            return value if value in setting.choices else default
        case _:
            return value if _fits(setting.type, value) else default


_NUMBERS = ("int", "float")
_MOST = 2**53 - 1
"""The largest whole number that a browser holds exactly."""


def _fits(kind: str, value: Any) -> bool:
    """Whether a scalar's widget can show this value."""
    if kind == "text":
        return isinstance(value, str)
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and abs(value) <= _MOST
    return isinstance(value, int | float) and abs(value) <= 1e300


def as_key(value: Any) -> str:
    """A value as one line of JSON: what a cache is keyed by."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
