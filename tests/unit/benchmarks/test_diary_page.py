"""docs/diary.md is what the presets and the stored figures say, and claims no more than that."""

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import diary
from benchmarks.diary import changed, contents, diary_lines, page_lines
from benchmarks.diary_runs import Figures, Measurement, read_figures
from core.data import Library
from core.recipe import DIARY, Preset, differences, load_presets
from tests.unit import tiny

DOCS = Path(__file__).resolve().parents[3] / "docs"
PRESETS = [preset for preset in load_presets() if preset.group == DIARY]
MEASURED: dict[str, Any] = {
    "preset": "03-resnet18",
    "data": "some-set",
    "classes": 4,
    "image_size": 28,
    "train_images": 1234,
    "val_images": 56,
    "seed": 0,
    "epochs": 20,
    "preset_epochs": 20,
    "precision": "float32",
    "train_accuracy": 0.512,
    "clean_train_accuracy": 0.523,
    "val_accuracy": 0.434,
    "best_val_accuracy": 0.445,
    "best_epoch": 17,
    "seconds": 61.0,
    "device": "CPU, 1 thread",
    "cpu": "a processor",
    "torch": "2.0.0",
    "date": "2026-01-02",
}


def page(*runs: dict[str, Any], data: dict[str, str] | None = None) -> list[str]:
    figures = Figures(data=data or {}, runs=tuple(Measurement(**(MEASURED | run)) for run in runs))
    return list(page_lines(PRESETS, figures))


def row(lines: list[str], number: str) -> list[str]:
    """The cells of an experiment in the first table."""
    line = next(line for line in lines if line.startswith(f"| {number} "))
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "diary.md").read_text(encoding="utf-8").splitlines() == list(diary_lines()), (
        "run `python -m benchmarks.diary page > docs/diary.md`"
    )


def test_every_file_that_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\((\S+)\)", "\n".join(page()))
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_every_experiment_has_its_row_with_what_it_reported() -> None:
    lines = page()
    assert len(PRESETS) == 26
    for preset in PRESETS:
        cells = row(lines, preset.title[:2])
        assert cells[0] == preset.title
        reported = [preset.reported_percent[name] for name in ("train", "val", "test")]
        assert cells[2:5] == ["–" if value is None else f"{value:g}" for value in reported]


@pytest.mark.parametrize("number", range(1, len(PRESETS)))
def test_a_change_names_every_part_that_came_or_went_and_no_other(number: int) -> None:
    before, preset = PRESETS[number - 1], PRESETS[number]
    assert differences(before.recipe, preset.recipe)
    text = changed(before, preset)
    columns = {part.partition(": ")[0] for part in text.split("; ")}
    old, new = contents(before), contents(preset)
    assert columns == {column for column in new if old[column] != new[column]} != set()


def test_of_another_choice_all_is_told_and_of_the_same_one_what_changed() -> None:
    by_number = {preset.id[:2]: preset for preset in PRESETS}
    assert changed(by_number["07"], by_number["08"]) == "scheduler: T_max 20 → T_max 10"
    assert changed(by_number["08"], by_number["09"]) == (
        "scheduler: CosineAnnealingLR, T_max 10 → MultiStepLR, milestones 10, gamma 0.1"
    )
    assert changed(by_number["13"], by_number["14"]) == "augmentations: + Rotate ±10° (p 0.6)"
    assert changed(by_number["17"], by_number["18"]).startswith("augmentations: − Blur")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_reading_of_a_preset_stands_on_the_page_once_and_is_pointed_at(preset: Preset) -> None:
    lines = page()
    contained = [line for line in lines if line.startswith(f"| {preset.id[:2]} |")]
    numbers = contained[0].rstrip(" |").rpartition("| ")[2].split(", ")
    assert preset.readings
    assert len(numbers) == len(preset.readings)
    for reading in preset.readings:
        (found,) = [line for line in lines if line.endswith(f". {reading}")]
        assert found.partition(".")[0] in numbers


def test_what_was_not_trained_says_so() -> None:
    lines = page({})
    assert [preset.id for preset in PRESETS if row(lines, preset.id[:2])[-1] != "not run"] == ["03-resnet18"]


def test_a_whole_training_names_data_and_images_before_its_accuracies() -> None:
    assert row(page({}), "03")[-1] == (
        "some-set, 1,234 images: train 51.2 %, val 43.4 % (best 44.5 % at epoch 17)"
    )


def test_a_part_of_the_epochs_is_no_figure_of_the_experiment() -> None:
    cell = row(page({"epochs": 2}), "03")[-1]
    assert "some-set, 1,234 images: 2 of 20 epochs" in cell
    assert "%" not in cell


def test_several_trainings_of_a_preset_are_all_told() -> None:
    cell = row(page({}, {"data": "other-set"}), "03")[-1]
    first, second = cell.split("<br>")
    assert first.startswith("some-set")
    assert second.startswith("other-set")


def test_whole_trainings_on_the_same_images_are_put_in_order() -> None:
    lines = page(
        {},
        {"preset": "02-my-net-two-blocks", "val_accuracy": 0.3, "best_val_accuracy": 0.6},
        {"preset": "04-my-resnet18", "epochs": 1},
        {"preset": "05-effnet-cosine15", "data": "other-set"},
    )
    (order,) = [line for line in lines if line.startswith("The order on ")]
    assert order == (
        "The order on some-set, 1,234 images, seed 0: by the best val, 02 60.0 %, 03 44.5 %; "
        "by the last, 03 43.4 %, 02 30.0 %."
    )


def test_a_data_set_is_explained_where_it_was_trained_on() -> None:
    lines = page({}, data={"some-set": "what it is.", "unused": "what that is."})
    assert "- some-set: what it is." in lines
    assert "unused" not in "\n".join(lines)


def test_without_its_figures_the_comparison_says_that_it_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary, "EFFECT_FIGURES", tmp_path / "effect.json")
    assert "Not measured." in page()


def test_the_command_trains_and_stores_what_the_page_then_shows(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    monkeypatch.setattr(diary, "DIARY_FIGURES", tmp_path / "diary.json")
    preset = "01-my-net-one-block"
    assert diary.main(["run", preset, "--data", tiny.DATASET, "--epochs", "2", "--train", "70"]) == 0
    (found,) = read_figures(tmp_path / "diary.json").runs
    assert (found.preset, found.epochs, found.train_images, found.val_images) == (preset, 2, 70, 18)
    capsys.readouterr()
    assert diary.main(["page"]) == 0
    assert f"{tiny.DATASET}, 70 images: 2 of 15 epochs" in capsys.readouterr().out


def test_the_command_says_in_one_sentence_what_is_wrong(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    assert diary.main(["run", "03-resnet81", "--data", tiny.DATASET]) == 1
    assert capsys.readouterr().err.startswith("There is no preset and no recipe file '03-resnet81'")
