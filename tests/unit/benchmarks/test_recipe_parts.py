"""What an experiment changed: every part that came, went or has another value, under its own name."""

import pytest

from benchmarks.recipe_parts import cells, changed, table
from core.recipe import DIARY, differences, load_presets
from core.recipe.contents import contents
from tests.unit import tiny

PRESETS = [preset for preset in load_presets() if preset.group == DIARY]
BY_NUMBER = {preset.id[:2]: preset.recipe for preset in PRESETS}


@pytest.mark.parametrize("number", range(1, len(PRESETS)))
def test_a_change_names_every_column_that_changed_and_no_other(number: int) -> None:
    before, recipe = PRESETS[number - 1].recipe, PRESETS[number].recipe
    assert differences(before, recipe)
    columns = {part.partition(": ")[0] for part in changed(before, recipe).split("; ") if ": " in part}
    old, new = contents(before), contents(recipe)
    assert columns == {column for column in new if old[column] != new[column]} != set()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("02", "03", "optimizer: lr 0.1 → 0.01;"),
        (
            "03",
            "04",
            "network: + first 2 downsampling steps at full resolution; + no max-pool; "
            "optimizer: + nesterov; weight_decay 0 → 0.0001; epochs: 20 → 10",
        ),
        ("07", "08", "scheduler: T_max 20 → 10"),
        ("08", "09", "scheduler: CosineAnnealingLR, T_max 10 → MultiStepLR, milestones 10, gamma 0.1"),
        (
            "09",
            "10",
            "augmentations: − Solarize from 0.4 (p 0.5); + Shift up to 1/8 (p 0.6); "
            "scheduler: milestones 10 → 10, 11",
        ),
        ("13", "14", "augmentations: + Rotate ±10° (p 0.6)"),
        ("17", "18", "augmentations: − Blur, kernel 3, sigma 0.6 (p 0.3); dropout: 0.6 → 0.7"),
        (
            "18",
            "19",
            "augmentations: Shift up to 1/8 (p 0.6) → Shift up to 1/8 (p 0.8); "
            "Rotate ±10° (p 0.6) → Rotate ±10° (p 0.8)",
        ),
        ("25", "26", "epochs: + epoch 46 kept"),
    ],
)
def test_a_value_stands_beside_the_former_one_of_the_same_setting(
    before: str, after: str, words: str
) -> None:
    assert words in f"{changed(BY_NUMBER[before], BY_NUMBER[after])};"


def test_a_setting_that_went_is_taken_away_and_not_replaced() -> None:
    assert "optimizer: − nesterov; weight_decay 0.0001 → 0" in changed(BY_NUMBER["04"], BY_NUMBER["03"])


def test_two_of_one_kind_are_told_apart() -> None:
    blurs = [{"kind": "gaussian_blur", "kernel_size": 3, "sigma": sigma, "p": 0.5} for sigma in (1, 2, 3)]
    two, other = (tiny.recipe(augmentations=[blurs[0], second]) for second in blurs[1:])
    assert changed(two, other) == (
        "augmentations: Blur, kernel 3, sigma 2 (p 0.5) → Blur, kernel 3, sigma 3 (p 0.5)"
    )


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_no_two_parts_of_a_column_have_one_name(preset) -> None:
    for parts in contents(preset.recipe).values():
        assert len({part.name for part in parts}) == len(parts)


def test_a_cell_is_never_empty_and_a_bar_does_not_end_it() -> None:
    assert cells(tiny.recipe())[1] == "none"
    assert list(table(["a"], [["x|y"]])) == ["| a |", "| --- |", "| x\\|y |"]
