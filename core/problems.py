"""What pydantic finds wrong with a spec's values, as field, value, rule and remedy, and what the system
refuses, as file, reason and remedy: the one translation that recipe, form, import, pages and command line
share."""

import errno
import os
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.errors import Problem, first_line, shown
from core.spec import Setting, Spec, kind_of, settings_of

_RULES = {
    "greater_than": ("must be above {gt}", "raise it"),
    "greater_than_equal": ("must be at least {ge}", "raise it"),
    "less_than": ("must be below {lt}", "lower it"),
    "less_than_equal": ("must be at most {le}", "lower it"),
    "extra_forbidden": ("is not a setting here", "remove it or correct its name"),
    "missing": ("is missing", "add it"),
    "int_type": ("must be a whole number", "give one, such as 10"),
    "int_from_float": ("must be a whole number", "give one, such as 10"),
    "float_type": ("must be a number", "give one, such as 0.1, without quotation marks"),
    "finite_number": ("must be a finite number", "lower it"),
    "bool_type": ("must be true or false", "give one of the two, without quotation marks"),
    "string_type": ("must be a text", "put it in quotation marks"),
    "tuple_type": ("must be a list", "put it in square brackets"),
    "model_type": ("must be a group of settings", "give a JSON object with its fields"),
    "dict_type": ("must be a group of settings", "give a JSON object with its fields"),
    "string_too_short": ("must have at least {min_length} characters", "write more"),
    "string_too_long": ("must have at most {max_length} characters", "shorten it"),
    "too_short": ("has too few entries, for it needs {min_length}", "add some"),
    "too_long": ("has too many entries, for it takes {max_length}", "remove some"),
    "literal_error": ("must be one of {expected}", "choose one of them"),
    "union_tag_invalid": ("must be one of {expected_tags}", "choose one of them"),
    "union_tag_not_found": ("needs a 'kind'", "name the choice"),
}
"""pydantic's kinds of errors: rule and remedy."""
_FREE = "free some space and try again"
_OPEN = "let it be read and written, and try again"
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FREE),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _OPEN),
}
"""What helps against what the system refuses."""


def refusal(error: OSError, otherwise: str = "try again") -> str:
    """What the system refused in one sentence: the file, the reason, and a remedy; `otherwise` is that of a
    reason which says nothing of its remedy."""
    named = isinstance(error.filename, (str, bytes, os.PathLike)) and error.filename
    file = shown(os.fsdecode(error.filename), 300) if named else "A file"
    reason = error.strerror or first_line(error)
    return f"{file} cannot be read or written: {reason}; {_REMEDIES.get(error.errno or 0, otherwise)}."


def problems_of(
    error: ValidationError, spec: type[Spec], names: Mapping[str, str] | None = None
) -> list[Problem]:
    """Everything that is wrong with the values of a `spec`, by dotted path ('optimizer.lr').

    `names` says what the person who gave the values calls a root field, such as '--size' for
    'image_size'; an entry of a list is then 'Milestones, entry 2'.
    """
    names = names or {}
    return [_problem(details, spec, names) for details in _own_errors(error)]


def _own_errors(error: ValidationError) -> list[ErrorDetails]:
    """All errors but those that only follow from others: pydantic calls a list whose entries are
    all invalid too short besides."""
    found = error.errors()
    return [
        details
        for details in found
        if details["type"] != "too_short"
        or not any(other["loc"][:-1] == details["loc"] for other in found if other is not details)
    ]


def _problem(details: ErrorDetails, spec: type[Spec], names: Mapping[str, str]) -> Problem:
    """pydantic's error as field, value, rule, remedy."""
    path = list(_path(details["loc"], spec))
    context: dict[str, Any] = details.get("ctx", {})
    kind = details["type"]
    value: object = details.get("input")
    if kind == "union_tag_invalid":
        value = context.get("tag")
        path.append("kind")
    field = _named(path, names) or "recipe"
    if kind == "value_error":
        rule, _, remedy = str(context.get("error", details["msg"])).partition("; ")
        return Problem(field, _short(value), rule, remedy)
    if kind == "missing":
        # The input is the group that lacks the field.
        value = None
    rule, remedy = _RULES.get(kind, (details["msg"][:1].lower() + details["msg"][1:], ""))
    if kind == "string_too_short" and value == "":
        rule, remedy = "must not be empty", "fill it in"
    return Problem(field, value, rule.format(**_shown(context)), remedy)


def _path(location: tuple[int | str, ...], spec: type[Spec]) -> Iterator[str]:
    """'optimizer', 'lr' out of pydantic's ('optimizer', 'sgd', 'lr'): a union's tag is left out."""
    owner: type[Spec] | None = spec
    setting: Setting | None = None
    for part in location:
        if setting and setting.type in ("union", "specs") and not isinstance(part, int):
            owner = next((choice for choice in setting.choices if kind_of(choice) == part), None)
            setting = None
            continue
        yield str(part)
        if setting and setting.type == "specs":
            continue  # the number of an item; its tag follows
        setting = next((s for s in settings_of(owner) if s.name == part), None) if owner else None
        owner = setting.choices[0] if setting and setting.type == "spec" else None


def _named(path: list[str], names: Mapping[str, str]) -> str:
    if not path or path[0] not in names:
        return ".".join(path)
    inside = [f"entry {int(part) + 1}" if part.isdigit() else part for part in path[1:]]
    return ", ".join([names[path[0]], *inside])


def _shown(context: dict[str, Any]) -> dict[str, Any]:
    """Bounds as a person writes them: 0 and not 0.0, 65,536 and not 65536."""
    styles = {int: "{:,}", float: "{:,.6g}"}
    return {key: styles.get(type(value), "{}").format(value) for key, value in context.items()}


def _short(value: object) -> object:
    """What to show for a value_error: its object may be a whole choice, which its kind stands for."""
    if isinstance(value, dict):
        return value.get("kind", value)
    return value
