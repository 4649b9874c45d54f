"""The base of every choice: one class holds a choice's fields, bounds, help and `build`.

A group of choices (optimizers, augmentations, ...) is a union of specs told apart by `kind`.
Form, validation, recipe file, command line and the reference page are all derived from the
classes: `settings_of` lists a class's fields, `choices_of` a union's members.
"""

import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

Level = Literal["basic", "expert"]


class Spec(BaseModel):
    """A frozen, strictly checked description of one choice. Validate JSON, not Python objects:
    strict mode takes no list for a tuple in Python mode."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    label: ClassVar[str] = ""
    """What a person reads for this choice."""


def setting(
    default: Any = ...,
    *,
    label: str,
    unit: str = "",
    level: Level = "basic",
    step: float | None = None,
    **constraints: Any,
) -> Any:
    """A field of a spec: its default, bounds (`gt`, `ge`, `lt`, `le`), and how the form shows it.

    The field's help is the string literal below it. `unit` stands behind the label, `step` is the
    form's increment, and `level` 'expert' hides the field in the basic view.
    """
    extra: dict[str, Any] = {"unit": unit, "level": level, "step": step}
    return Field(default, title=label, json_schema_extra=extra, **constraints)


@dataclass(frozen=True)
class Setting:
    """One field of a spec, as the form, the command line and the reference page need it."""

    name: str
    label: str
    help: str
    unit: str
    level: Level
    step: float | None
    default: Any
    """None where the field is required or its default is made by a factory that needs nothing."""
    required: bool
    type: Literal["bool", "int", "float", "text", "choice", "numbers", "spec", "union", "specs"]
    """'numbers' is a tuple of numbers, 'specs' an ordered list of members of a union."""
    optional: bool
    """True where None is allowed."""
    choices: tuple[Any, ...] = ()
    """The values of a 'choice'; the spec classes of a 'spec', 'union' or 'specs'."""
    item: Literal["int", "float"] | None = None
    """What 'numbers' holds."""
    length: int | None = None
    """How many 'numbers' there are, where that is fixed."""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None


def settings_of(spec: type[Spec]) -> list[Setting]:
    """All fields of a spec in order, without `kind`."""
    return [_setting(name, field) for name, field in spec.model_fields.items() if name != "kind"]


def kind_of(spec: type[Spec] | Spec) -> str:
    """The tag of a choice, as it stands in a recipe file."""
    cls = spec if isinstance(spec, type) else type(spec)
    return str(cls.model_fields["kind"].default)


def choices_of(union: Any) -> tuple[type[Spec], ...]:
    """The spec classes of a union such as `Annotated[SGD | Adam, Field(discriminator="kind")]`.

    A spec class counts as a union of one.
    """
    if get_origin(union) is Annotated:
        union = get_args(union)[0]
    if isinstance(union, type) and issubclass(union, Spec):
        return (union,)
    members = tuple(m for part in get_args(union) for m in choices_of(part) if part is not type(None))
    kinds = [kind_of(member) for member in members]
    if len(set(kinds)) != len(kinds):
        raise TypeError(f"two choices share a kind: {sorted(kinds)}")
    return members


def choice(union: Any, kind: str) -> type[Spec]:
    """The member of a union with this kind. Raises KeyError for an unknown one."""
    for member in choices_of(union):
        if kind_of(member) == kind:
            return member
    raise KeyError(kind)


def member(choices: Sequence[Any], value: Any) -> type[Spec] | None:
    """The spec class that a stored choice names, if it is one of these."""
    kind = value.get("kind") if isinstance(value, dict) else None
    return next((c for c in choices if kind_of(c) == kind), None)


def defaults_of(spec: type[Spec]) -> dict[str, Any]:
    """A choice's defaults as a recipe holds them."""
    return spec().model_dump(mode="json")


def _setting(name: str, field: FieldInfo) -> Setting:
    extra: Any = field.json_schema_extra or {}
    default = field.get_default(call_default_factory=True) if not field.is_required() else None
    if default is PydanticUndefined:
        default = None
    bounds: dict[str, Any] = {}
    for constraint in field.metadata:
        for bound, cls in _BOUNDS.items():
            if isinstance(constraint, cls):
                bounds[bound] = getattr(constraint, bound)
    shape = _shape(field.annotation)
    return Setting(
        name=name,
        label=field.title or name.replace("_", " ").capitalize(),
        help=" ".join((field.description or "").split()),
        unit=str(extra.get("unit", "")),
        level=extra.get("level", "basic"),
        step=extra.get("step"),
        default=default,
        required=field.is_required(),
        **shape,
        **bounds,
    )


_BOUNDS: dict[str, type] = {
    "ge": annotated_types.Ge,
    "gt": annotated_types.Gt,
    "le": annotated_types.Le,
    "lt": annotated_types.Lt,
}
_SCALARS: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "text"}


def _shape(annotation: Any) -> dict[str, Any]:
    """Type, choices and optionality of a field's annotation."""
    if get_origin(annotation) is Annotated:
        return _shape(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        optional = len(parts) < len(get_args(annotation))
        if len(parts) == 1:
            return _shape(parts[0]) | {"optional": optional}
        return {"type": "union", "choices": choices_of(annotation), "optional": optional}
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation], "optional": False}
    if get_origin(annotation) is Literal:
        return {"type": "choice", "choices": get_args(annotation), "optional": False}
    if get_origin(annotation) is tuple:
        return _tuple_shape(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return {"type": "spec", "choices": (annotation,), "optional": False}
    raise TypeError(f"no form for a field of type {annotation}")


def _tuple_shape(parts: tuple[Any, ...]) -> dict[str, Any]:
    """The shape of `tuple[int, ...]`, `tuple[float, float]` or `tuple[SomeUnion, ...]`."""
    if parts[0] in (int, float):
        length = None if parts[-1] is Ellipsis else len(parts)
        return {"type": "numbers", "item": _SCALARS[parts[0]], "length": length, "optional": False}
    return {"type": "specs", "choices": choices_of(parts[0]), "optional": False}
