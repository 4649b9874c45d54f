"""The 26 experiments of the diary: their presets carry what it states, setting by setting."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.recipe import DIARY, REPORTED, Preset, Recipe, load_presets, predecessors, presets, reported_words

FOLDER = Path(presets.__file__).parent / "diary"
EXPERIMENTS = [preset for preset in load_presets() if preset.group == DIARY]
every_experiment = pytest.mark.parametrize("preset", EXPERIMENTS, ids=lambda preset: preset.id)

EFFNET = "efficientnet_v2_s"

# Architecture, batch size, epochs, schedule, dropout, ShakeDrop's probability.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "01-my-net-one-block": ("my_net", 64, 15, "none", 0, None),
    "02-my-net-two-blocks": ("my_net", 64, 15, "none", 0, None),
    "03-resnet18": ("resnet18", 64, 20, "none", 0, None),
    "04-my-resnet18": ("resnet18", 64, 10, "none", 0, None),
    "05-effnet-cosine15": (EFFNET, 64, 15, "cosine 15", 0.2, None),
    "06-effnet-solarize-dropout": (EFFNET, 64, 20, "cosine 20", 0.4, None),
    "07-effnet-batch32": (EFFNET, 32, 20, "cosine 20", 0.4, None),
    "08-effnet-cosine10-of-20": (EFFNET, 32, 20, "cosine 10", 0.4, None),
    "09-effnet-multistep10": (EFFNET, 32, 20, "multi_step 10", 0.4, None),
    "10-effnet-shift-multistep10-11": (EFFNET, 32, 20, "multi_step 10 11", 0.4, None),
    "11-effnet-shift-cosine20": (EFFNET, 32, 20, "cosine 20", 0.4, None),
    "12-effnet-dropout06-30ep": (EFFNET, 32, 30, "cosine 30", 0.6, None),
    "13-effnet-dataset-normalization": (EFFNET, 32, 30, "cosine 30", 0.6, None),
    "14-effnet-rotate": (EFFNET, 32, 30, "cosine 30", 0.6, None),
    "15-effnet-blur": (EFFNET, 32, 30, "cosine 30", 0.6, None),
    "16-effnet-blur-sigma06": (EFFNET, 32, 30, "cosine 30", 0.6, None),
    "17-effnet-blur-40ep": (EFFNET, 32, 40, "cosine 40", 0.6, None),
    "18-effnet-dropout07-40ep": (EFFNET, 32, 40, "cosine 40", 0.7, None),
    "19-effnet-p08": (EFFNET, 32, 40, "cosine 40", 0.7, None),
    "20-effnet-plateau": (EFFNET, 32, 40, "plateau max 0.1", 0.7, None),
    "21-effnet-multistep20-30": (EFFNET, 32, 40, "multi_step 20 30", 0.7, None),
    "22-effnet-shakedrop": (EFFNET, 32, 40, "cosine 40", 0.4, 0.5),
    "23-effnet-shakedrop-cosine100": (EFFNET, 32, 100, "cosine 100", 0.4, 0.5),
    "24-effnet-shakedrop-multistep50-75": (EFFNET, 32, 100, "multi_step 50 75", 0.4, 0.5),
    "25-effnet-shakedrop-60ep": (EFFNET, 32, 60, "multi_step 30 45", 0.8, 0.5),
    "26-effnet-best-checkpoint-46": (EFFNET, 32, 60, "multi_step 30 45", 0.8, 0.5),
}

# What was reported for train, val, test and test with TTA, in percent; and TTA's views.
FIGURES: dict[int, tuple[tuple[float | None, ...], int | None]] = {
    1: ((None, 20, None, None), None),
    2: ((44.8, 23.5, 20.7, None), None),
    3: ((None, None, 28, None), None),
    4: ((44, 37, 34.8, None), None),
    5: ((51.9, 39.8, 37.56, None), None),
    6: ((55, 41.8, 39.6, None), None),
    7: ((59.8, 43, 40.5, None), None),
    8: ((37.6, 36.5, None, None), None),
    9: ((52, 42.3, 39, None), None),
    10: ((42.3, 40.6, None, 37.6), 5),
    11: ((54.7, 45, 41.48, 41.8), 5),
    12: ((64.2, 47.3, None, 44.6), 5),
    13: ((64.5, 47.2, None, None), None),
    14: ((60.8, 47.4, None, None), None),
    15: ((57, 46.3, None, None), None),
    16: ((58.2, 46.7, None, None), None),
    17: ((69.7, 47.2, None, 44.96), 10),
    18: ((67.8, 47.7, None, 45.74), 10),
    19: ((65.8, 47.7, None, None), None),
    20: ((None, None, None, None), None),
    21: ((54.3, 46.8, None, None), None),
    22: ((76.1, 49.4, None, None), None),
    23: ((None, None, None, None), None),
    24: ((None, 51.3, 47.06, None), None),
    25: ((65.2, 52, 48.4, None), None),
    26: ((65.2, 52, 49.06, None), None),
}

FLIP, SOLARIZE = ("horizontal_flip", 0.5), ("solarize", 0.5)

# By the first experiment's number: what the training images go through from there on.
AUGMENTED: dict[int, tuple[tuple[str, float], ...]] = {
    1: (),
    3: (FLIP,),
    6: (FLIP, SOLARIZE),
    10: (FLIP, ("shift", 0.6)),
    14: (FLIP, ("shift", 0.6), ("rotate", 0.6)),
    15: (FLIP, ("shift", 0.6), ("rotate", 0.6), ("blur 0.1 to 2", 0.3)),
    16: (FLIP, ("shift", 0.6), ("rotate", 0.6), ("blur 0.6 to 0.6", 0.3)),
    18: (FLIP, ("shift", 0.6), ("rotate", 0.6)),
    19: (FLIP, ("shift", 0.8), ("rotate", 0.8)),
}

# The notes that say something, by words in them; the other experiments have none.
NOTES = {
    1: "'about 20%' on validation; lr not stated",
    8: "climbs back up after epoch 10",
    13: "epoch 29 was better on validation",
    15: "sigma range, (0.1, 2.0)",
    17: "ten views instead of five",
    18: "without saying whether with TTA",
    20: "took the learning rate to almost nothing very early",
    22: "'somewhere in the centre'",
    24: "51.3 is the best on validation",
    26: "run 25 with the weights saved at epoch 46",
}


def number(preset: Preset) -> int:
    return int(preset.id[:2])


def schedule(recipe: Recipe) -> str:
    settings = recipe.scheduler.model_dump()
    words = {
        "none": "",
        "cosine": settings.get("t_max"),
        "multi_step": " ".join(map(str, settings.get("milestones", ()))),
        "plateau": f"{settings.get('mode')} {settings.get('factor')}",
    }
    return f"{recipe.scheduler.kind} {words[recipe.scheduler.kind]}".strip()


def augmentation(settings: dict[str, Any]) -> tuple[str, float]:
    kind, p = settings["kind"], settings["p"]
    if kind == "affine":
        still, shifted = settings["degrees"] == [0, 0], settings["translate"] == [0.125, 0.125]
        turned, in_place = settings["degrees"] == [-10, 10], settings["translate"] == [0, 0]
        assert (still and shifted) or (turned and in_place), settings
        kind = "shift" if shifted else "rotate"
    if kind == "gaussian_blur":
        kind = "blur {:g} to {:g}".format(*settings["sigma"])
        assert settings["kernel_size"] == 3
    if kind == "solarize":
        assert settings["threshold"] == 0.4
    return kind, p


def test_the_files_are_the_26_experiments_in_order() -> None:
    ids = [json.loads(path.read_text(encoding="utf-8"))["id"] for path in sorted(FOLDER.glob("*.json"))]
    assert ids == [path.stem for path in sorted(FOLDER.glob("*.json"))] == list(SETTINGS)
    assert [preset.id for preset in EXPERIMENTS] == ids
    assert [number(preset) for preset in EXPERIMENTS] == list(range(1, 27))
    assert all(preset.title.startswith(f"{preset.id[:2]} ") for preset in EXPERIMENTS)


@every_experiment
def test_an_experiment_has_the_diarys_settings_and_figures(preset: Preset) -> None:
    recipe = preset.recipe
    settings = recipe.architecture.model_dump()
    shaken = settings.get("shakedrop")
    assert SETTINGS[preset.id] == (
        recipe.architecture.kind,
        recipe.batch_size,
        recipe.epochs,
        schedule(recipe),
        settings["dropout"],
        shaken["probability"] if shaken else None,
    )
    reported = tuple(preset.reported_percent[split] for split in REPORTED)
    assert (reported, preset.tta_views) == FIGURES[number(preset)]
    assert list(preset.reported_percent) == list(REPORTED), "each figure is there or said to be missing"


@every_experiment
def test_an_experiment_has_the_diarys_optimizer_and_resolution(preset: Preset) -> None:
    optimizer, which = preset.recipe.optimizer.model_dump(), number(preset)
    assert (optimizer["kind"], optimizer["momentum"]) == ("sgd", 0.9)
    assert optimizer["lr"] == (0.1 if which < 3 else 0.01)
    assert (optimizer["weight_decay"], optimizer["nesterov"]) == ((0, False) if which < 4 else (1e-4, True))
    network = preset.recipe.architecture.model_dump()
    if which >= 3:
        assert network["pretrained"] == "none"
        assert network["full_resolution_steps"] == (0 if which == 3 else 2)
    assert network.get("blocks") == {1: 1, 2: 2}.get(which)
    assert network.get("max_pool") == {3: True, 4: False}.get(which)


@every_experiment
def test_an_experiment_has_the_diarys_augmentations_and_normalization(preset: Preset) -> None:
    found = [augmentation(a.model_dump(mode="json")) for a in preset.recipe.augmentations]
    assert tuple(found) == AUGMENTED[max(first for first in AUGMENTED if first <= number(preset))]
    assert preset.recipe.normalization.kind == ("half" if number(preset) < 13 else "dataset")
    assert preset.recipe.checkpoints.epochs == ((46,) if number(preset) == 26 else ())


@every_experiment
def test_an_experiment_has_the_diarys_note_and_says_what_was_assumed(preset: Preset) -> None:
    words = NOTES.get(number(preset))
    assert words in preset.about if words else preset.about == ""
    readings = " ".join(preset.readings)
    assert "normalization" in readings, "the diary leaves it open at first, and names its own images' later"
    assert ("ShakeDrop's place" in readings) == (SETTINGS[preset.id][5] is not None)
    effnet = preset.recipe.architecture.kind == "efficientnet_v2_s"
    assert ("Stochastic depth" in readings) == effnet
    assert ("patience" in readings) == (preset.recipe.scheduler.kind == "plateau")
    assert ("lr is not stated" in readings) == (number(preset) == 1)
    assert ("without saying whether with TTA" in readings) == (number(preset) == 18)


def test_each_experiment_but_the_first_has_the_one_before_it() -> None:
    before = predecessors(load_presets())
    assert [before[preset.id] for preset in EXPERIMENTS[1:]] == EXPERIMENTS[:-1]
    assert len(before) == 25


def test_reported_figures_are_told_as_they_were_reported() -> None:
    told = {number(preset): reported_words(preset) for preset in EXPERIMENTS}
    assert told[11] == "train 54.7 %, val 45 %, test 41.48 %, test with TTA 41.8 % (5 views)"
    assert told[26] == "train 65.2 %, val 52 %, test 49.06 %"
    assert told[3] == "test 28 %"
    assert told[20] == told[23] == ""
