"""Every choice of the project describes itself well enough for form, command line and reference page."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import pytest
from pydantic import Field

from core.augment import AnyAugmentation
from core.data import DatasetInfo, ImportOptions, Source
from core.optim import AnyOptimizer
from core.recipe import Recipe
from core.spec import Spec, choice, choices_of, kind_of, setting, settings_of

UNIONS: dict[str, Any] = {
    field.name: Recipe.model_fields[field.name].annotation
    for field in settings_of(Recipe)
    if field.type == "union"
} | {"augmentations": AnyAugmentation, "source": Source}


def reachable(spec: type[Spec]) -> Iterator[type[Spec]]:
    """A spec and all specs that its fields name, however deep."""
    yield spec
    for field in settings_of(spec):
        if field.type in ("spec", "union", "specs"):
            for member in field.choices:
                yield from reachable(member)


SPECS = sorted(
    {
        found
        for root in (Recipe, ImportOptions, *(m for union in UNIONS.values() for m in choices_of(union)))
        for found in reachable(root)
    },
    key=lambda spec: f"{spec.__module__}.{spec.__qualname__}",
)
MEMBERS = [member for union in UNIONS.values() for member in choices_of(union)]
every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
every_member = pytest.mark.parametrize("spec", MEMBERS, ids=lambda spec: spec.__name__)


def subclasses(spec: type[Spec]) -> Iterator[type[Spec]]:
    for child in spec.__subclasses__():
        yield child
        yield from subclasses(child)


def test_every_finished_choice_is_reachable_from_the_unions() -> None:
    """A class with a kind that stands in no union is a choice that nobody can make; one that only
    brings a choice's bytes from elsewhere (an upload is a zip) has that choice's kind."""
    finished = {s for s in subclasses(Spec) if s.__module__.startswith("core.") and "kind" in s.model_fields}
    for spec in finished - set(SPECS):
        assert kind_of(spec) in {kind_of(parent) for parent in spec.__bases__ if parent in SPECS}, spec


@every_spec
def test_every_field_has_a_label_and_a_help_text(spec: type[Spec]) -> None:
    for field in settings_of(spec):
        if field.name == "version":
            continue
        assert field.label.strip(), field.name
        assert spec.model_fields[field.name].title, f"{field.name} is not made by setting()"
        assert field.help.strip().endswith((".", ")")), f"{field.name}: {field.help!r}"


@every_spec
def test_the_docstring_names_its_source(spec: type[Spec]) -> None:
    text = " ".join((spec.__doc__ or "").split())
    if spec.__name__ in ("Recipe", "CheckpointSettings"):
        assert text  # our own; there is nothing that they follow
        return
    assert "Source: " in text


@every_spec
def test_the_default_is_valid_and_survives_json(spec: type[Spec]) -> None:
    required = [field.name for field in settings_of(spec) if field.required]
    if required:
        pytest.skip(f"{', '.join(required)} must be given")
    default = spec()
    assert spec.model_validate_json(default.model_dump_json()) == default


@every_spec
def test_defaults_lie_within_the_bounds_that_the_form_gets(spec: type[Spec]) -> None:
    for field in settings_of(spec):
        if field.type not in ("int", "float") or field.default is None:
            continue
        assert field.ge is None or field.default >= field.ge
        assert field.gt is None or field.default > field.gt
        assert field.le is None or field.default <= field.le
        assert field.lt is None or field.default < field.lt


@every_spec
def test_a_choice_among_words_has_its_default_among_them(spec: type[Spec]) -> None:
    for field in settings_of(spec):
        if field.type == "choice" and not field.required:
            assert field.default in field.choices


@every_member
def test_every_choice_has_a_label_and_a_kind(spec: type[Spec]) -> None:
    assert spec.label.strip()
    assert kind_of(spec) == spec.model_fields["kind"].default
    assert kind_of(spec) == kind_of(spec.model_construct())
    assert "kind" not in [field.name for field in settings_of(spec)]


@pytest.mark.parametrize("union", UNIONS.values(), ids=UNIONS.keys())
def test_kinds_and_labels_are_unique_within_a_union(union: Any) -> None:
    members = choices_of(union)
    assert len(members) > 1
    assert len({kind_of(member) for member in members}) == len(members)
    assert len({member.label for member in members}) == len(members)
    for member in members:
        assert choice(union, kind_of(member)) is member


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        choice(AnyOptimizer, "sdg")


class _A(Spec):
    """One. Source: this test."""

    kind: Literal["a"] = "a"


class _B(Spec):
    """Another of the same kind. Source: this test."""

    kind: Literal["a"] = "a"


def test_two_choices_of_one_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="share a kind"):
        choices_of(Annotated[_A | _B, Field()])


class _Shapes(Spec):
    """Every kind of field there is. Source: this test."""

    label: ClassVar[str] = "Shapes"
    kind: Literal["shapes"] = "shapes"
    switch: bool = setting(True, label="Switch")
    """Bool."""
    whole: int | None = setting(None, label="Whole", unit="px", ge=1, lt=9, level="expert")
    """Optional int."""
    real: float = setting(label="Real", gt=0, le=2, step=0.5)
    """Required
    float."""
    text: str = setting("x", label="Text")
    """Text."""
    word: Literal["a", "b"] = setting("a", label="Word")
    """Choice."""
    pair: tuple[float, float] = setting((1.0, 2.0), label="Pair")
    """Two numbers."""
    many: tuple[int, ...] = setting((), label="Many")
    """Numbers."""
    one: _A = setting(_A(), label="One")
    """Spec."""
    maybe: _A | None = setting(None, label="Maybe")
    """Optional spec."""
    of: AnyOptimizer = setting(label="Of")
    """Union."""
    listed: tuple[AnyOptimizer, ...] = setting((), label="Listed")
    """Specs."""
    plain: int = 4


def test_settings_of_tells_what_a_form_needs() -> None:
    fields = {field.name: field for field in settings_of(_Shapes)}
    assert list(fields)[:3] == ["switch", "whole", "real"]
    assert (fields["switch"].type, fields["switch"].default) == ("bool", True)
    whole = fields["whole"]
    assert (whole.type, whole.optional, whole.unit, whole.level) == ("int", True, "px", "expert")
    assert (whole.ge, whole.lt, whole.gt, whole.le) == (1, 9, None, None)
    real = fields["real"]
    assert (real.type, real.required, real.gt, real.le, real.step) == ("float", True, 0, 2, 0.5)
    assert (real.help, real.default) == ("Required float.", None)
    assert (fields["text"].type, fields["word"].type) == ("text", "choice")
    assert fields["word"].choices == ("a", "b")
    assert (fields["pair"].type, fields["pair"].item, fields["pair"].length) == ("numbers", "float", 2)
    assert (fields["many"].type, fields["many"].item, fields["many"].length) == ("numbers", "int", None)
    assert (fields["one"].type, fields["one"].choices, fields["one"].optional) == ("spec", (_A,), False)
    assert (fields["maybe"].type, fields["maybe"].optional) == ("spec", True)
    assert (fields["of"].type, fields["of"].choices) == ("union", choices_of(AnyOptimizer))
    assert (fields["listed"].type, fields["listed"].choices) == ("specs", choices_of(AnyOptimizer))
    assert (fields["plain"].label, fields["plain"].level) == ("Plain", "basic")


@every_spec
def test_specs_are_frozen_and_refuse_unknown_names(spec: type[Spec]) -> None:
    with pytest.raises(ValueError, match=r"[Ee]xtra inputs are not permitted"):
        spec.model_validate_json('{"no_such_setting": 1}')
    some = spec.model_construct()
    name = next(iter(spec.model_fields), None)
    if name is not None:
        with pytest.raises(ValueError, match="frozen"):
            setattr(some, name, 1)


@every_spec
def test_no_field_is_of_a_type_that_the_form_cannot_show(spec: type[Spec]) -> None:
    """An unknown annotation raises in settings_of instead of showing nothing."""

    class _Odd(Spec):
        when: dict[str, int] = setting({}, label="When")

    with pytest.raises(TypeError, match="no form"):
        settings_of(_Odd)
    assert len(settings_of(spec)) == len([n for n in spec.model_fields if n != "kind"])


def test_the_stored_description_of_a_data_set_is_no_choice() -> None:
    assert "kind" not in DatasetInfo.model_fields


def test_annotations_of_unions_are_unions() -> None:
    for union in UNIONS.values():
        parts = get_args(union)[0] if get_origin(union) is Annotated else union
        assert get_origin(parts) in (Union, UnionType)
