"""Everything that is wrong with a recipe is named at once: field, value, rule, remedy."""

import json
import math
from typing import Any

import pytest

from core.errors import BadInput, InvalidSettings
from core.recipe import Recipe, parse_recipe, recipe_from_draft
from core.spec import choices_of, kind_of, settings_of

# draft, field, value as it is shown, words of the rule and the remedy
INVALID: list[tuple[dict[str, Any], str, object, str]] = [
    ({"batch_size": 0}, "batch_size", 0, "must be at least 1; raise it"),
    ({"batch_size": 10**6}, "batch_size", 10**6, "must be at most 65,536; lower it"),
    ({"batch_size": 1.5}, "batch_size", 1.5, "must be a whole number"),
    ({"batch_size": "32"}, "batch_size", "32", "must be a whole number"),
    ({"batch_size": None}, "batch_size", None, "must be a whole number"),
    ({"batch_size": True}, "batch_size", True, "must be a whole number"),
    ({"epochs": 0}, "epochs", 0, "must be at least 1"),
    ({"epochs": 10**9}, "epochs", 10**9, "must be at most 100,000"),
    ({"seed": -1}, "seed", -1, "must be at least 0"),
    ({"seed": 2**31}, "seed", 2**31, "must be at most 2,147,483,647"),
    ({"precision": "fp16"}, "precision", "fp16", "must be one of 'auto' or 'fp32'; choose one"),
    ({"device": "cuda:x"}, "device", "cuda:x", "must be auto, cpu, mps, cuda or cuda with a number; write"),
    ({"device": "cpu\n"}, "device", "cpu\n", "must be auto, cpu"),
    ({"no_such": 1}, "no_such", 1, "is not a setting here; remove it or correct its name"),
    ({"data": {"nam": "x"}}, "data.nam", "x", "is not a setting here"),
    ({"data": {"name": 3}}, "data.name", 3, "must be a text"),
    ({"data": {"name": "x" * 65}}, "data.name", "x" * 65, "must have at most 64 characters; shorten it"),
    ({"data": {"color": "grey"}}, "data.color", "grey", "must be one of 'as stored' or 'rgb'"),
    ({"data": "cats"}, "data", "cats", "must be a group of settings; give a JSON object"),
    ({"optimizer": {"kind": "sgd", "lr": 0}}, "optimizer.lr", 0, "must be above 0"),
    ({"optimizer": {"kind": "sgd", "lr": -0.1}}, "optimizer.lr", -0.1, "must be above 0"),
    ({"optimizer": {"kind": "sgd", "lr": 1e30}}, "optimizer.lr", 1e30, "must be at most 100"),
    ({"optimizer": {"kind": "sgd", "lr": math.nan}}, "optimizer.lr", "nan", "must be a number"),
    ({"optimizer": {"kind": "sgd", "lr": math.inf}}, "optimizer.lr", "inf", "must be a number"),
    ({"optimizer": {"kind": "sgd", "lr": "0.1"}}, "optimizer.lr", "0.1", "must be a number"),
    ({"optimizer": {"kind": "sgd", "momentum": 1}}, "optimizer.momentum", 1, "must be below 1"),
    ({"optimizer": {"kind": "sgd", "nesterov": 1}}, "optimizer.nesterov", 1, "must be true or false"),
    ({"optimizer": {"kind": "sgd", "beta1": 0.9}}, "optimizer.beta1", 0.9, "is not a setting here"),
    ({"optimizer": {"kind": "sdg"}}, "optimizer.kind", "sdg", "must be one of 'sgd', 'adam'"),
    ({"optimizer": {"lr": 0.1}}, "optimizer", {"lr": 0.1}, "needs a 'kind'; name the choice"),
    ({"optimizer": "sgd"}, "optimizer", "sgd", "must be a group of settings"),
    ({"optimizer": None}, "optimizer", None, "must be a group of settings"),
    (
        {"optimizer": {"kind": "sgd", "momentum": 0.0, "nesterov": True}},
        "optimizer",
        "sgd",
        "Nesterov needs a momentum above 0; raise the momentum or turn Nesterov off",
    ),
    (
        {"scheduler": {"kind": "multi_step", "milestones": []}},
        "scheduler.milestones",
        [],
        "has too few entries, for it needs 1; add some",
    ),
    ({"scheduler": {"kind": "multi_step", "milestones": [9, 3]}}, "scheduler", "multi_step", "must grow"),
    ({"scheduler": {"kind": "multi_step", "milestones": [3, 3]}}, "scheduler", "multi_step", "must grow"),
    ({"scheduler": {"kind": "multi_step", "milestones": [0]}}, "scheduler", "multi_step", "from 1 on"),
    ({"scheduler": {"kind": "multi_step", "milestones": 3}}, "scheduler.milestones", 3, "must be a list"),
    (
        {"scheduler": {"kind": "multi_step", "milestones": ["a"]}},
        "scheduler.milestones.0",
        "a",
        "must be a whole number",
    ),
    ({"scheduler": {"kind": "cosine", "t_max": 0}}, "scheduler.t_max", 0, "must be at least 1"),
    ({"warmup": {"epochs": -1}}, "warmup.epochs", -1, "must be at least 0"),
    ({"warmup": {"start_factor": 0}}, "warmup.start_factor", 0, "must be above 0"),
    ({"loss": {"label_smoothing": 1.0}}, "loss.label_smoothing", 1.0, "must be below 1"),
    ({"checkpoints": {"epochs": [4, "x"]}}, "checkpoints.epochs.1", "x", "must be a whole number"),
    ({"normalization": {"kind": "own", "mean": [1, 2], "std": [1]}}, "normalization", "own", "same length"),
    (
        {"normalization": {"kind": "own", "mean": [0.5], "std": [0]}},
        "normalization",
        "own",
        "the standard deviation must be above 0 in every channel; raise it",
    ),
    ({"architecture": {"kind": "my_net", "width": 3}}, "architecture.width", 3, "must be at least 4"),
    ({"architecture": {"kind": "resnet18", "dropout": 1}}, "architecture.dropout", 1, "must be below 1"),
    (
        {"architecture": {"kind": "resnet18", "shakedrop": {"probability": 2}}},
        "architecture.shakedrop.probability",
        2,
        "must be at most 1",
    ),
    ({"augmentations": {}}, "augmentations", {}, "must be a list"),
    ({"augmentations": [7]}, "augmentations.0", 7, "must be a group of settings"),
    ({"augmentations": [{"kind": "flip"}]}, "augmentations.0.kind", "flip", "'horizontal_flip'"),
    (
        {"augmentations": [{"kind": "horizontal_flip"}, {"kind": "affine", "p": 1.5}]},
        "augmentations.1.p",
        1.5,
        "must be at most 1",
    ),
    (
        {"augmentations": [{"kind": "affine", "degrees": [30, -30]}]},
        "augmentations.0.degrees",
        [30, -30],
        "the minimum must not be above the maximum; swap the two numbers",
    ),
    ({"augmentations": [{"kind": "solarize", "x": 1}]}, "augmentations.0.x", 1, "is not a setting here"),
    ({"version": 2}, "version", 2, "must be one of 1"),
]


@pytest.mark.parametrize(("draft", "field", "value", "words"), INVALID, ids=lambda v: str(v)[:60])
def test_an_invalid_value_is_named_with_its_rule_and_remedy(
    draft: dict[str, Any], field: str, value: object, words: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        recipe_from_draft(draft)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert problem.value == value
    assert type(problem.value) is type(value)
    assert words in f"{problem.rule}; {problem.remedy}"
    sentence = problem.sentence()
    assert sentence.startswith(f"{field}: " if value is None else f"{field} = ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("field", [s.name for s in settings_of(Recipe) if s.type == "union"])
def test_the_tag_of_a_union_is_no_part_of_a_path(field: str) -> None:
    for member in choices_of(Recipe.model_fields[field].annotation):
        with pytest.raises(InvalidSettings) as caught:
            recipe_from_draft({field: {"kind": kind_of(member), "no_such_field": 1}})
        assert [problem.field for problem in caught.value.problems] == [f"{field}.no_such_field"]


def test_all_problems_are_named_at_once() -> None:
    """One invalid value per group that can stand beside the others."""
    draft = {
        "data": {"color": "grey"},
        "architecture": {"kind": "resnet18", "dropout": 2, "shakedrop": {"probability": -1, "place": "x"}},
        "augmentations": [{"kind": "affine", "p": 2}, {"kind": "nope"}, {"kind": "solarize", "q": 0}],
        "optimizer": {"kind": "adam", "lr": 0, "momentum": 0.9},
        "scheduler": {"kind": "cosin"},
        "warmup": {"epochs": -1},
        "batch_size": 0,
        "epochs": "many",
        "extra": None,
    }
    with pytest.raises(InvalidSettings) as caught:
        recipe_from_draft(draft)
    assert {problem.field for problem in caught.value.problems} == {
        "data.color",
        "architecture.dropout",
        "architecture.shakedrop.probability",
        "architecture.shakedrop.place",
        "augmentations.0.p",
        "augmentations.1.kind",
        "augmentations.2.q",
        "optimizer.lr",
        "optimizer.momentum",
        "scheduler.kind",
        "warmup.epochs",
        "batch_size",
        "epochs",
        "extra",
    }
    for problem in caught.value.problems:
        assert problem.sentence() in str(caught.value)


def test_a_list_of_invalid_entries_is_not_called_too_short_besides() -> None:
    with pytest.raises(InvalidSettings) as caught:
        recipe_from_draft({"scheduler": {"kind": "multi_step", "milestones": ["a", 1.5]}})
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["scheduler.milestones.0", "scheduler.milestones.1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("hello", "not valid JSON"),
        ('{"epochs": ', "not valid JSON"),
        (b"\x89PNG\r\n\x1a\n", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"epochs": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("3", "must be a JSON object"),
        (" " * 1_000_001, "less than 1,000,000"),
        ('{"version": 2}', "reads recipes up to version 1; update Plateau"),
        ('{"version": 99, "unheard_of": 1}', "update Plateau"),
        ('{"version": "1"}', "version = '1'"),
        ('{"version": null}', "version = None"),
        ('{"version": 0}', "version = 0"),
        ('{"a": ' * 700 + "1" + "}" * 700, ""),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_recipe_gets_one_plain_sentence(text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_recipe(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_byte_order_mark_is_taken() -> None:
    assert parse_recipe(b"\xef\xbb\xbf" + b'{"epochs": 4}').epochs == 4


def test_a_draft_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(BadInput, match="JSON"):
        recipe_from_draft({"data": {"name": object()}})
    with pytest.raises(BadInput, match="JSON"):
        recipe_from_draft({"augmentations": {1, 2}})
    loop: dict[str, Any] = {}
    loop["data"] = loop
    with pytest.raises(BadInput):
        recipe_from_draft(loop)


def test_half_of_a_character_in_a_name_is_no_reason_to_fail() -> None:
    recipe = recipe_from_draft({"data": {"name": "caf\udce9"}})
    recipe.model_dump_json().encode()


def test_tuples_and_whole_numbers_of_the_form_are_taken() -> None:
    """The form keeps Python's values: a tuple is a list, and 1 is a number as 1.0 is."""
    recipe = recipe_from_draft(
        {
            "scheduler": {"kind": "multi_step", "milestones": (3, 5)},
            "optimizer": {"kind": "sgd", "lr": 1},
        }
    )
    assert recipe.scheduler.model_dump()["milestones"] == (3, 5)
    assert recipe.optimizer.lr == 1.0


def test_the_default_recipe_passes_its_own_validation() -> None:
    assert parse_recipe(json.dumps(Recipe().model_dump(mode="json"))) == Recipe()
