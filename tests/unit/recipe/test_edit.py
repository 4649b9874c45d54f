"""Single settings are changed by their path; two recipes are told apart by theirs."""

from typing import Any

import pytest

from core.errors import BadInput, InvalidSettings
from core.recipe import (
    Recipe,
    choose,
    differences,
    flatten,
    recipe_from_draft,
    recipe_to_draft,
    set_values,
)
from core.spec import Setting, choices_of, kind_of, settings_of

UNION_FIELDS = [field.name for field in settings_of(Recipe) if field.type == "union"]


def augmented(*augmentations: Any) -> Recipe:
    return recipe_from_draft(
        {"augmentations": [a if isinstance(a, dict) else {"kind": a} for a in augmentations]}
    )


# set_values


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("epochs=4", "epochs", 4),
        (" epochs = 4", "epochs", 4),
        ("optimizer.lr=0.05", "optimizer.lr", 0.05),
        ("optimizer.lr=1", "optimizer.lr", 1.0),
        ("optimizer.nesterov=true", "optimizer.nesterov", True),
        ("data.name=cats", "data.name", "cats"),
        ('data.name="12"', "data.name", "12"),
        ("data.name=a=b", "data.name", "a=b"),
        ("data.name=", "data.name", ""),
        ("scheduler.kind=cosine", "scheduler.kind", "cosine"),
        ('scheduler={"kind":"step","step_size":3}', "scheduler.step_size", 3),
        ("checkpoints.epochs=[3,5]", "checkpoints.epochs", [3, 5]),
        ("architecture.input_size=null", "architecture.input_size", None),
        ("architecture.blocks=3", "architecture.blocks", 3),
        ('augmentations=[{"kind":"solarize","p":0.3}]', "augmentations.solarize.p", 0.3),
    ],
)
def test_a_setting_is_changed_by_its_path(assignment: str, path: str, value: object) -> None:
    changed = set_values(Recipe(), [assignment])
    assert flatten(changed)[path] == value
    other = {f for f in flatten(Recipe()) if f.partition(".")[0] != path.partition(".")[0]}
    assert all(flatten(changed)[f] == flatten(Recipe())[f] for f in other)


def test_an_augmentation_is_named_by_its_place() -> None:
    changed = set_values(augmented("affine", "solarize"), ["augmentations.1.p=0.25"])
    assert [a.p for a in changed.augmentations] == [1.0, 0.25]


def test_assignments_are_made_in_order() -> None:
    changed = set_values(Recipe(), ["optimizer.kind=adam", "optimizer.beta1=0.8", "epochs=2", "epochs=3"])
    assert (kind_of(changed.optimizer), changed.optimizer.model_dump()["beta1"]) == ("adam", 0.8)
    assert changed.epochs == 3


@pytest.mark.parametrize(
    "assignment",
    [
        "optimizer.learning_rate=1",
        "optimiser.lr=1",
        "epoch=3",
        "optimizer.lr.x=1",
        "augmentations.0.p=1",
        "augmentations.x=1",
        "augmentations.-1=1",
        "epochs.kind=3",
        "data.kind=x",
        "loss.kind=x",
        "warmup.kind=x",
        "checkpoints.kind=x",
        "augmentations.kind=affine",
        "kind=adam",
        "version=2",
        "optimizer.kind=sdg",
        'optimizer.kind=["adam"]',
        "optimizer.lr=",
        "optimizer.lr=fast",
        "optimizer.lr=NaN",
        "optimizer.lr=-1",
        "=3",
        "..=3",
    ],
)
@pytest.mark.parametrize("start", [Recipe(), augmented()], ids=["plain", "augmented"])
def test_a_wrong_assignment_is_named(assignment: str, start: Recipe) -> None:
    with pytest.raises(InvalidSettings) as caught:
        set_values(start, [assignment])
    path = assignment.partition("=")[0]
    assert caught.value.problems[0].field in (path, "recipe")


@pytest.mark.parametrize("assignment", ["augmentations.kind=affine", "augmentations.3.p=1"])
def test_a_wrong_place_in_the_list_is_named(assignment: str) -> None:
    with pytest.raises(InvalidSettings, match=r"augmentations\."):
        set_values(augmented("affine"), [assignment])


def test_a_part_of_an_empty_setting_says_so() -> None:
    resnet = recipe_from_draft({"architecture": {"kind": "resnet18"}})
    with pytest.raises(InvalidSettings, match=r"architecture\.shakedrop is empty; set all of it"):
        set_values(resnet, ["architecture.shakedrop.probability=0.3"])
    changed = set_values(resnet, ['architecture.shakedrop={"probability": 0.3}'])
    assert flatten(changed)["architecture.shakedrop.probability"] == 0.3


def test_every_wrong_assignment_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        set_values(Recipe(), ["optimizer.lr=-1", "foo.bar=2", "scheduler.kind=x", "epochs=0"])
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"optimizer.lr", "foo.bar", "scheduler.kind", "epochs"}


def test_an_assignment_without_an_equals_sign_says_how_it_is_written() -> None:
    with pytest.raises(BadInput, match=r"FIELD=VALUE; write it like optimizer\.lr=0\.05"):
        set_values(Recipe(), ["optimizer.lr"])


def test_the_recipe_that_is_changed_stays_as_it_was() -> None:
    recipe = augmented("affine")
    before = recipe_to_draft(recipe)
    set_values(recipe, ["epochs=2", "augmentations.0.p=0.1", "optimizer.lr=3"])
    assert recipe_to_draft(recipe) == before


# choose


@pytest.mark.parametrize("field", UNION_FIELDS)
def test_any_choice_can_follow_any_other(field: str) -> None:
    kinds = [kind_of(member) for member in choices_of(Recipe.model_fields[field].annotation)]
    for first in kinds:
        draft = recipe_to_draft(recipe_from_draft({field: {"kind": first}}))
        for second in kinds:
            draft[field] = choose(draft, field, second)
            assert draft[field]["kind"] == second
            recipe_from_draft(draft)


def test_a_touched_value_that_both_choices_have_is_kept() -> None:
    draft = recipe_to_draft(set_values(Recipe(), ["optimizer.lr=0.03", "optimizer.weight_decay=0.002"]))
    adamw = choose(draft, "optimizer", "adamw")
    assert (adamw["lr"], adamw["weight_decay"], adamw["beta1"]) == (0.03, 0.002, 0.9)
    assert "momentum" not in adamw


def test_an_untouched_value_takes_the_new_choices_default() -> None:
    draft = recipe_to_draft(Recipe())
    adamw = choose(draft, "optimizer", "adamw")
    assert (adamw["lr"], adamw["weight_decay"]) == (0.001, 0.01)


def test_the_same_choice_keeps_everything() -> None:
    draft = recipe_to_draft(set_values(Recipe(), ["optimizer.lr=0.03", "optimizer.nesterov=true"]))
    assert choose(draft, "optimizer", "sgd") == draft["optimizer"]


def test_choosing_leaves_the_draft_alone_and_refuses_an_unknown_kind() -> None:
    draft = recipe_to_draft(Recipe())
    before = recipe_to_draft(Recipe())
    choose(draft, "optimizer", "adam")
    assert draft == before
    with pytest.raises(KeyError):
        choose(draft, "optimizer", "sdg")


def test_a_damaged_draft_can_still_get_another_choice() -> None:
    assert choose({"optimizer": {"kind": "old"}}, "optimizer", "adam")["kind"] == "adam"
    assert choose({}, "optimizer", "adam")["kind"] == "adam"


# differences


def fields(old: Recipe, new: Recipe) -> dict[str, tuple[Any, Any]]:
    return {d.field: (d.old, d.new) for d in differences(old, new)}


def test_equal_recipes_do_not_differ() -> None:
    assert differences(augmented("affine", "solarize"), augmented("affine", "solarize")) == []


def test_a_difference_has_its_path_and_both_values() -> None:
    old, new = Recipe(), set_values(Recipe(), ["optimizer.lr=0.5", "checkpoints.epochs=[3,4]", "epochs=9"])
    assert fields(old, new) == {
        "optimizer.lr": (old.optimizer.lr, 0.5),
        "checkpoints.epochs": ([], [3, 4]),
        "epochs": (old.epochs, 9),
    }


def test_another_choice_differs_in_its_kind_and_in_what_only_one_has() -> None:
    found = fields(Recipe(), set_values(Recipe(), ["scheduler.kind=step"]))
    assert found["scheduler.kind"] == ("none", "step")
    assert found["scheduler.step_size"] == (None, 10)


def test_differences_come_in_the_recipes_order() -> None:
    new = set_values(Recipe(), ["epochs=9", "optimizer.lr=0.5", "data.name=x", "architecture.blocks=4"])
    order = [d.field for d in differences(Recipe(), new)]
    assert order == ["data.name", "architecture.blocks", "optimizer.lr", "epochs"]


def test_augmentations_are_told_apart_by_kind_not_by_place() -> None:
    old = augmented("solarize", {"kind": "affine", "p": 0.3})
    new = augmented({"kind": "affine", "p": 0.4})
    found = fields(old, new)
    assert found["augmentations.affine.p"] == (0.3, 0.4)
    assert found["augmentations.solarize.kind"] == ("solarize", None)
    assert "augmentations.order" not in found
    assert not [f for f in found if f.startswith("augmentations.affine.") and f != "augmentations.affine.p"]


def test_a_second_one_of_a_kind_has_a_number() -> None:
    old = augmented("affine")
    new = augmented("affine", {"kind": "affine", "p": 0.2})
    assert fields(old, new)["augmentations.affine 2.p"] == (None, 0.2)


def test_a_changed_order_alone_is_one_difference() -> None:
    found = fields(augmented("affine", "solarize"), augmented("solarize", "affine"))
    assert found == {"augmentations.order": (["affine", "solarize"], ["solarize", "affine"])}


def test_a_changed_order_is_not_hidden_by_an_addition() -> None:
    found = fields(augmented("affine", "solarize"), augmented("solarize", "affine", "gaussian_blur"))
    assert "augmentations.order" in found
    assert found["augmentations.gaussian_blur.kind"] == (None, "gaussian_blur")


def test_an_addition_in_the_middle_changes_no_order() -> None:
    found = fields(augmented("affine", "solarize"), augmented("affine", "gaussian_blur", "solarize"))
    assert "augmentations.order" not in found


def test_flatten_names_every_setting_once_and_without_nesting() -> None:
    flat = flatten(augmented("affine"))
    assert flat["optimizer.kind"] == "sgd"
    assert flat["augmentations.affine.degrees"] == [-10.0, 10.0]
    assert flat["augmentations.order"] == ["affine"]
    assert "version" not in flat
    assert not [value for value in flat.values() if isinstance(value, dict)]


def changed(field: Setting, value: Any) -> Any:
    """Another valid value of a setting of the recipe, as JSON."""
    match field.type:
        case "union":
            return {"kind": next(kind_of(c) for c in field.choices if kind_of(c) != value["kind"])}
        case "specs":
            return [{"kind": kind_of(field.choices[0])}]
        case "spec":
            inner = next(
                s for s in settings_of(field.choices[0]) if s.type in ("text", "int", "float", "bool")
            )
            return {**value, inner.name: changed(inner, value[inner.name])}
        case "choice":
            return next(choice for choice in field.choices if choice != value)
        case "bool":
            return not value
        case "text":
            return "cpu" if value == "auto" else f"{value}x"
        case "int" | "float" if value is None:
            return 1
        case "int" | "float":
            return (value + 1) if field.lt is None else (value or 0) / 2 + 0.1
    raise AssertionError(f"no other value known for a {field.type}")


@pytest.mark.parametrize(
    "field", [s for s in settings_of(Recipe) if s.name != "version"], ids=lambda s: s.name
)
def test_every_setting_of_the_recipe_is_compared(field: Setting) -> None:
    base = recipe_to_draft(Recipe())
    other = recipe_from_draft(base | {field.name: changed(field, base[field.name])})
    found = {d.field.partition(".")[0] for d in differences(Recipe(), other)}
    assert found == {field.name}
