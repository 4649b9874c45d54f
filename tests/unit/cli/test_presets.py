"""`presets`: the list, and one preset in full."""

import re

import pytest

from core.recipe import DIARY, REPORTED, Preset, differences, load_presets, predecessors, recipe_to_draft
from tests.unit.cli.calls import Call

PRESETS = load_presets()
DIARY_PRESETS = [preset for preset in PRESETS if preset.group == DIARY]
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def test_the_list_has_a_line_for_each_preset_under_its_group(call: Call) -> None:
    answer = call("presets")
    assert (answer.status, answer.err) == (0, "")
    listed = [cells(line)[:3] for line in answer.out.splitlines() if line.startswith("  ")]
    expected = [[preset.id, preset.title, str(preset.recipe.epochs)] for preset in PRESETS]
    assert [row for row in listed if row[0] != "id"] == expected


def test_the_list_has_the_diarys_figures_in_columns(call: Call) -> None:
    lines = call("presets").out.splitlines()
    top = next(i for i, line in enumerate(lines) if line.startswith(DIARY))
    assert "percent" in lines[top]
    assert cells(lines[top + 1]) == ["id", "title", "epochs", *REPORTED.values(), "views"]
    rows = {cells(line)[0]: cells(line)[3:] for line in lines[top + 2 :] if line}
    assert list(rows) == [preset.id for preset in DIARY_PRESETS]
    for preset in DIARY_PRESETS:
        known = [*(preset.reported_percent[split] for split in REPORTED), preset.tta_views]
        assert [None if cell == "-" else float(cell) for cell in rows[preset.id]] == known


@every_preset
def test_one_preset_is_shown_with_all_that_is_known_of_it(call: Call, preset: Preset) -> None:
    answer = call("presets", preset.id)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{preset.id}: {preset.title}\n")
    assert preset.about in answer.out
    assert all(reading in answer.out for reading in preset.readings)
    settings = answer.out.partition("All settings:")[2]
    assert re.search(rf"^  batch_size +{preset.recipe.batch_size}$", settings, re.MULTILINE)
    before = predecessors(PRESETS).get(preset.id)
    assert ("Changed since" in answer.out) == (before is not None)
    assert ("Reported: " in answer.out) == (preset.group == DIARY)
    if before:
        changed = answer.out.partition(f"Changed since {before.id}:\n")[2].partition("\n\n")[0]
        fields = [cells(line)[0] for line in changed.splitlines()[1:]]
        assert fields == [d.field for d in differences(before.recipe, preset.recipe)] != []


def test_an_experiment_tells_figures_changes_and_assumptions_in_plain_words(call: Call) -> None:
    shown = call("presets", "17-effnet-blur-40ep").out.splitlines()
    assert shown[1:3] == [
        "Note: ten views instead of five",
        "Reported: train 69.7 %, val 47.2 %, test with TTA 44.96 % (10 views)",
    ]
    assert [cells(line) for line in shown[4:8]] == [
        ["Changed since 16-effnet-blur-sigma06:"],
        ["setting", "before", "now"],
        ["scheduler.t_max", "30", "40"],
        ["epochs", "30", "40"],
    ]
    plateau = call("presets", "20-effnet-plateau").out
    assert "Reported: no figures" in plateau
    assert "How the diary was read:\n  The patience is not stated: 1" in plateau
    assert ["scheduler.kind", '"cosine"', '"plateau"'] in [cells(line) for line in plateau.splitlines()]


@every_preset
def test_one_preset_as_json_is_its_entry_in_the_list(call: Call, preset: Preset) -> None:
    one = call("presets", preset.id, "--json").json
    before = predecessors(PRESETS).get(preset.id)
    assert {key: value for key, value in one.items() if key != "changes"} == {
        "id": preset.id,
        "title": preset.title,
        "group": preset.group,
        "about": preset.about,
        "reported_percent": dict(preset.reported_percent),
        "tta_views": preset.tta_views,
        "readings": list(preset.readings),
        "before": before.id if before else None,
        "recipe": recipe_to_draft(preset.recipe),
    }
    assert len(one["changes"]) == (len(differences(before.recipe, preset.recipe)) if before else 0)
    assert one in call("presets", "--json").json


def test_an_unknown_preset_is_one_sentence_with_those_that_it_resembles(call: Call) -> None:
    answer = call("presets", "20-effnet-platoe")
    assert (answer.status, answer.out) == (1, "")
    assert "did you mean 20-effnet-plateau" in answer.sentence
