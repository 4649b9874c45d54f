"""docs/diary.md is what the presets and the stored figures say, and claims no more than that."""

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import diary_page
from benchmarks.diary_page import EFFECT_PRESETS, diary_lines, page_lines
from benchmarks.diary_runs import Figures, Measurement
from benchmarks.effect import CASES
from benchmarks.effect_figures import Result
from core.errors import Damaged
from core.recipe import DIARY, Preset, load_presets
from tests.unit.benchmarks.results import result_of

DOCS = Path(__file__).resolve().parents[3] / "docs"
PRESETS = [preset for preset in load_presets() if preset.group == DIARY]
MEASURED: dict[str, Any] = {
    "preset": "03-resnet18",
    "data": "some-set",
    "split_fingerprint": "0123456789abcdef",
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


def page(
    *runs: dict[str, Any], data: dict[str, str] | None = None, compared: Result | None = None
) -> list[str]:
    figures = Figures(data=data or {}, runs=tuple(Measurement(**(MEASURED | run)) for run in runs))
    return list(page_lines(PRESETS, figures, compared))


def row(lines: list[str], number: str) -> list[str]:
    """The cells of an experiment in the first table."""
    line = next(line for line in lines if line.startswith(f"| {number} "))
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "diary.md").read_text(encoding="utf-8").splitlines() == list(diary_lines()), (
        "run `python -m benchmarks.diary page --out docs/diary.md`"
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
        "The order on some-set (split fingerprint 0123456789ab), 1,234 train and 56 val images, float32, "
        "seed 0: by the best val, 02 60.0 %, 03 44.5 %; "
        "by the last, 03 43.4 %, 02 30.0 %."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"data": "other-set"},
        {"split_fingerprint": "fedcba987654"},
        {"train_images": 1233},
        {"val_images": 55},
        {"precision": "bfloat16"},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_trainings_that_differ_in_more_than_the_preset_are_not_put_in_order(change: dict[str, Any]) -> None:
    other = {"preset": "02-my-net-two-blocks"}
    assert any(line.startswith("The order on ") for line in page({}, other))
    assert not any(line.startswith("The order on ") for line in page({}, other | change))


def test_a_row_names_the_data_by_its_fingerprint() -> None:
    assert any("| some-set (split fingerprint 0123456789ab): 4 classes, 28 px |" in line for line in page({}))


def test_the_optimism_of_the_best_val_is_said_once() -> None:
    assert "\n".join(page({}, {})).count("optimistic") == 1


def test_a_data_set_is_explained_where_it_was_trained_on() -> None:
    lines = page({}, data={"some-set": "what it is.", "unused": "what that is."})
    assert "- some-set: what it is." in lines
    assert "unused" not in "\n".join(lines)


def test_without_its_figures_the_comparison_says_that_it_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diary_page, "EFFECT_FIGURES", tmp_path / "effect.json")
    assert "Not measured." in diary_lines()


@pytest.mark.parametrize("file", ["EFFECT_FIGURES", "DIARY_FIGURES"])
def test_damaged_figures_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    (tmp_path / "figures.json").write_text('{"unknown": 1}')
    monkeypatch.setattr(diary_page, file, tmp_path / "figures.json")
    with pytest.raises(Damaged, match=r"figures\.json"):
        list(diary_lines())


def test_the_compared_models_tell_what_they_have_that_the_diarys_have_not() -> None:
    accuracies = {("my_net", who): [0.5, 0.6] for who in ("engine", "notebook")}
    lines = page(compared=result_of(accuracies), data={"some-set": "what it is."})
    assert set(EFFECT_PRESETS) == set(CASES)
    (resnet,) = [line for line in lines if line.startswith("- my_resnet18 against 04: ")]
    assert "network: + width 8; optimizer: lr 0.01 → 0.05; scheduler: None (constant) → Cosine" in resnet
    (my_net,) = [line for line in lines if line.startswith("- my_net against 02: ")]
    for words in ("+ Shift up to 1/8 (p 1)", "weight_decay 0 → 0.0005", "dropout: 0 → 0.2", "epochs: 15 → 8"):
        assert words in my_net
    assert "- some-set: what it is." in lines
    assert any("the engine's builder on both sides" in line for line in lines)
