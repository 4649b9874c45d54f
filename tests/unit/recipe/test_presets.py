"""Every ready-made recipe can be loaded, and says what it is."""

import pytest

from core.errors import NotFound
from core.recipe import Preset, load_preset, load_presets, parse_recipe

PRESETS = load_presets()
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)


def test_there_are_presets_and_their_ids_are_unique() -> None:
    assert PRESETS
    assert len({preset.id for preset in PRESETS}) == len(PRESETS)


@every_preset
def test_a_preset_says_what_it_is(preset: Preset) -> None:
    assert preset.title.strip()
    assert preset.group.strip()
    assert load_preset(preset.id) == preset


@every_preset
def test_a_preset_round_trips_and_names_no_data_set_or_device(preset: Preset) -> None:
    """It must load into the form of any machine, whatever data is there."""
    assert parse_recipe(preset.recipe.model_dump_json()) == preset.recipe
    assert preset.recipe.data.name == ""
    assert preset.recipe.device == "auto"


def test_an_unknown_preset_is_told_from_those_that_it_resembles() -> None:
    with pytest.raises(NotFound, match="did you mean resnet18-small"):
        load_preset("resnet18-smal")


@pytest.mark.parametrize(("number", "preset_id"), [("1", "01-my-net-one-block"), ("20", "20-effnet-plateau")])
def test_an_experiment_of_the_diary_is_found_by_its_number(number: str, preset_id: str) -> None:
    assert load_preset(number).id == preset_id
    for unknown in ("27", "0", "020"):
        with pytest.raises(NotFound):
            load_preset(unknown)
