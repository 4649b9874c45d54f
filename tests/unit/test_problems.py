"""pydantic's errors as field, value, rule and remedy, for specs of every shape."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from core.errors import Problem
from core.problems import problems_of
from core.spec import Spec, setting


class Inner(Spec):
    """Settings inside others. Source: these tests."""

    share: float = setting(0.5, label="Share", ge=0, le=1)
    """A share."""


class One(Spec):
    """A choice. Source: these tests."""

    kind: Literal["one"] = "one"
    steps: tuple[int, ...] = setting((1,), label="Steps", min_length=1)
    """Numbers."""
    inner: Inner | None = setting(None, label="Inner")
    """A group that may be left out."""


class Two(Spec):
    """Another choice. Source: these tests."""

    kind: Literal["two"] = "two"
    name: str = setting(label="Name", min_length=1, max_length=5)
    """A text that must be given."""


AnyChoice = Annotated[One | Two, Field(discriminator="kind")]


class Root(Spec):
    """All shapes of fields. Source: these tests."""

    picked: AnyChoice = setting(One(), label="Picked")
    """One of two."""
    items: tuple[AnyChoice, ...] = setting((), label="Items")
    """Several of them."""
    size: int = setting(8, label="Size", ge=8, le=65_536)
    """A number."""
    sizes: tuple[int, ...] = setting((), label="Sizes")
    """Numbers."""
    long_name: str = setting("abc", label="Long name", min_length=3)
    """A text."""


def found(values: dict[str, Any], names: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ValidationError) as caught:
        Root.model_validate(values, strict=False)
    return problems_of(caught.value, Root, names)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"size": 7}, "size = 7: must be at least 8; raise it."),
        ({"size": 10**6}, "size = 1000000: must be at most 65,536; lower it."),
        ({"colour": 1}, "colour = 1: is not a setting here; remove it or correct its name."),
        ({"long_name": "x"}, "long_name = 'x': must have at least 3 characters; write more."),
        ({"picked": {"kind": "two"}}, "picked.name: is missing; add it."),
        ({"picked": {"kind": "two", "name": ""}}, "picked.name: must not be empty; fill it in."),
        (
            {"picked": {"kind": "three"}},
            "picked.kind = 'three': must be one of 'one', 'two'; choose one of them.",
        ),
        (
            {"picked": {"kind": "one", "inner": {"share": 2}}},
            "picked.inner.share = 2: must be at most 1; lower it.",
        ),
        (
            {"items": [{"kind": "one"}, {"kind": "one", "steps": []}]},
            "items.1.steps = []: has too few entries, for it needs 1; add some.",
        ),
    ],
)
def test_every_rule_has_its_sentence(values: dict[str, Any], sentence: str) -> None:
    assert [problem.sentence() for problem in found(values)] == [sentence]


def test_the_entry_of_a_list_is_named() -> None:
    assert [p.field for p in found({"sizes": [1, "a", "b"]})] == ["sizes.1", "sizes.2"]
    assert [p.field for p in found({"items": [{"kind": "one", "steps": [1, "x"]}]})] == ["items.0.steps.1"]


def test_a_choice_called_like_a_field_is_no_part_of_the_path() -> None:
    """The tag is left out by its place, not by its name."""
    assert [p.field for p in found({"picked": {"kind": "one", "one": 1}})] == ["picked.one"]


def test_fields_may_be_called_as_the_person_knows_them() -> None:
    problems = found({"size": 1, "sizes": ["a"], "items": 3}, {"size": "--size", "sizes": "Sizes"})
    assert [p.field for p in problems] == ["items", "--size", "Sizes, entry 1"]


def test_a_list_of_invalid_entries_is_not_called_too_short_besides() -> None:
    problems = found({"picked": {"kind": "one", "steps": ["a", "b"]}})
    assert [p.field for p in problems] == ["picked.steps.0", "picked.steps.1"]
