"""Settings and figures of several runs as axes, colours and facets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.insight.palette import PALETTE
from core.recipe.words import MISSING
from core.runs import Notes, Run, RunEntry, Status
from core.runs.status import Best
from ui.run_fields import (
    BEST,
    CHOICES,
    OTHERS,
    PARTS,
    RAMP,
    REPEATS,
    Field,
    fields_of,
    spread_fields,
)


def entry(at: int, best: float = 0.5, fingerprint: str = "", seed: int = 0) -> RunEntry:
    status = Status(
        state="finished",
        epoch=10,
        epochs=10,
        created_at=f"2026-09-01T12:00:{at:02}+00:00",
        dataset="shapes",
        architecture="my_net",
        recipe_fingerprint=fingerprint or f"recipe {at}",
        seed=seed,
        best=Best(epoch=at + 1, val_accuracy=best, gap=0.1),
    )
    return RunEntry(Run(Path("/nowhere") / f"r{at}"), Notes(name=f"run {at}"), status)


def fields(*settings: dict[str, Any]) -> dict[str, Field]:
    entries = [entry(at, 0.5 + at / 100) for at in range(len(settings))]
    return fields_of(entries, {f"r{at}": flat for at, flat in enumerate(settings)})


def numbers(*values: float | None) -> Field:
    return Field("lr", "Learning rate", tuple(values), is_number=True)


class TestWhatTellsRunsApart:
    def test_settings_that_differ_and_best_val(self) -> None:
        found = fields({"batch_size": 32, "epochs": 10}, {"batch_size": 64, "epochs": 10})
        assert found["batch_size"].values == (32.0, 64.0) and found["batch_size"].is_number
        assert "epochs" not in found
        assert found[BEST].values == pytest.approx((50.0, 51.0))

    def test_an_augmentation_is_on_or_off_and_its_own_settings_are_only_where_it_is(self) -> None:
        found = fields({}, {"augmentations.affine.kind": "affine", "augmentations.affine.p": 0.5})
        assert found["augmentations.affine.kind"].values == ("off", "on")
        assert "augmentations.affine.p" not in found

    def test_a_setting_that_only_another_choice_has_is_not_a_difference_of_its_own(self) -> None:
        found = fields(
            {"optimizer.kind": "sgd", "optimizer.momentum": 0.9},
            {"optimizer.kind": "adamw"},
            {"optimizer.kind": "sgd", "optimizer.momentum": 0.9},
        )
        assert found["optimizer.kind"].values == ("SGD", "AdamW", "SGD")
        assert "optimizer.momentum" not in found

    def test_words_are_those_of_a_person(self) -> None:
        found = fields({"compile": True}, {"compile": False})
        assert found["compile"].values == ("on", "off") and not found["compile"].is_number

    def test_a_damaged_recipe_leaves_gaps(self) -> None:
        entries = [entry(at) for at in range(3)]
        found = fields_of(entries, {"r0": {"batch_size": 8}, "r2": {"batch_size": 16}})
        assert found["batch_size"].values == (8.0, None, 16.0)

    def test_groups_of_repeats_are_a_field_where_there_are_any(self) -> None:
        entries = [entry(0, fingerprint="a"), entry(1, fingerprint="a", seed=1), entry(2)]
        assert fields_of(entries, {})[REPEATS].values == ("run 0", "run 0", "run 2")
        assert REPEATS not in fields_of(entries[1:], {})
        assert REPEATS not in fields_of(entries[:2], {})

    def test_two_groups_of_one_name_are_two_choices_with_a_colour_each(self) -> None:
        made = [entry(at, fingerprint=recipe, seed=at % 2) for at, recipe in enumerate("aabb")]
        twins = [replace(run, notes=Notes(name="same")) for run in made]
        found = fields_of(twins, {})[REPEATS]
        assert found.values == ("same (r0)", "same (r0)", "same (r2)", "same (r2)")
        assert len(set(found.colors.values())) == 2

    def test_a_part_of_a_group_has_the_whole_groups_colour(self) -> None:
        made = [entry(at, fingerprint=recipe, seed=at) for at, recipe in enumerate("aabb")]
        for at, run in enumerate(made):
            run.status.color = at  # type: ignore[union-attr]
        colors = [fields_of(some, {}, made)[REPEATS].colors for some in (made, made[1:])]
        assert colors[1] == {"run 1": colors[0]["run 0"], "run 2": colors[0]["run 2"]}

    def test_axes_to_begin_with_are_settings(self) -> None:
        found = fields({"batch_size": 8, "seed": 0}, {"batch_size": 16, "seed": 1})
        assert spread_fields(found) == ["batch_size"]


class TestParts:
    def test_few_numbers_stand_for_themselves_in_order(self) -> None:
        named, order = numbers(0.1, 0.01, None, 0.1).parts
        assert named == ("0.1", "0.01", MISSING, "0.1") and order == ("0.01", "0.1", MISSING)

    def test_many_numbers_become_stretches_with_about_equally_many_runs(self) -> None:
        field = numbers(*(float(at) for at in range(60)))
        named, order = field.parts
        assert not field.has_few and len(order) == PARTS
        assert {named.count(part) for part in order} <= {9, 10, 11}
        assert list(dict.fromkeys(named)) == list(order)

    def test_numbers_far_apart_stand_on_a_logarithmic_axis(self) -> None:
        assert numbers(0.001, 0.1).is_log
        assert not numbers(0.01, 0.1).is_log and not numbers(0.0, 1.0).is_log and not numbers(None).is_log

    def test_of_very_many_choices_the_rarest_are_others(self) -> None:
        values = [f"net {at}" for at in range(CHOICES + 3) for _ in range(2 if at else 5)]
        named, order = Field("a", "A", tuple(values), is_number=False).parts
        assert len(order) == CHOICES and order[-1] == OTHERS
        assert named.count("net 0") == 5 and named.count(OTHERS) == 8

    def test_each_part_has_a_colour(self) -> None:
        assert list(numbers(1.0, 2.0, None).colors.values()) == [RAMP[0], RAMP[-1], "#9aa0a6"]
        choice = Field("a", "A", ("x", None, "y"), is_number=False)
        assert choice.colors == {"x": PALETTE[0], "y": PALETTE[1], MISSING: "#9aa0a6"}

    def test_a_known_colour_is_kept_and_no_two_choices_share_one(self) -> None:
        known = {"x": PALETTE[2], "y": PALETTE[0], "z": PALETTE[2]}
        choice = Field("a", "A", ("w", "x", "y", "z"), is_number=False, known_colors=known)
        colors = choice.colors
        assert (colors["x"], colors["y"]) == (PALETTE[2], PALETTE[0])
        assert (colors["w"], colors["z"]) == (PALETTE[1], PALETTE[3])

    def test_as_many_choices_as_there_are_colours_have_one_each(self) -> None:
        names = tuple("abcdefghijklmnopqrstuvwxyz"[: len(PALETTE)])
        choice = Field("a", "A", names, is_number=False, known_colors=dict.fromkeys(names, PALETTE[-1]))
        assert set(choice.colors.values()) == set(PALETTE)
