"""The arithmetic of the comparison, its tables, and the file that holds it."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import effect, effect_figures
from benchmarks.effect_figures import EFFECT_FIGURES, Comparison, comparisons, lines, read_result
from core.errors import Damaged
from core.files import write_json
from tests.unit.benchmarks.results import content_of, result_of

SOME = {("my_net", "engine"): [0.5, 0.52], ("my_net", "notebook"): [0.6, 0.62]}


def test_standard_errors_and_the_answer_follow_from_the_accuracies() -> None:
    assert effect_figures.standard_error([0.5, 0.6, 0.7]) == pytest.approx(0.1 / 3**0.5)
    near = Comparison([0.5, 0.6, 0.7], [0.6, 0.7, 0.8])
    assert near.difference == pytest.approx(-0.1)
    assert near.error == pytest.approx((0.01 / 3 + 0.01 / 3) ** 0.5)
    assert near.agrees
    assert not Comparison([0.5, 0.6, 0.7], [0.67, 0.77, 0.87]).agrees
    assert not Comparison([0.67, 0.77, 0.87], [0.5, 0.6, 0.7]).agrees


def test_the_tables_show_the_cases_and_the_seeds_that_both_sides_have_trained() -> None:
    result = result_of(
        {
            ("my_net", "engine"): [0.5, 0.52, 0.99],
            ("my_net", "notebook"): [0.6, 0.62],
            ("my_resnet18", "engine"): [0.5, 0.52],
            ("my_resnet18", "notebook"): [0.5],
        }
    )
    shown = list(lines(result))
    (resnet,) = [line for line in shown if line.startswith("| my_resnet18 | ")]
    assert resnet == (
        "| my_resnet18 | ResNet-18, first 2 downsampling steps at full resolution, no max-pool, width 8 | "
        "Flip left to right (p 0.5) | SGD, lr 0.05, momentum 0.9, nesterov, weight_decay 0.0001 | "
        "CosineAnnealingLR, T_max all epochs | 0 | 0.5 (pixels in -1 to 1) | 64 | 5 |"
    )
    start = next(i for i, line in enumerate(shown) if line.startswith("| model | trained by"))
    assert shown[start - 2] == (
        "some-set (split fingerprint 0123456789ab), 40 training and 10 val images of 28 px; fp32, "
        "torch 2.0.0; a processor with 1 thread, 2026-01-02."
    )
    assert shown[start : start + 8] == [
        "| model | trained by | val accuracy after the last epoch, per seed (%) | mean (%) | "
        "its standard error (percentage points) |",
        "| --- | --- | --- | --- | --- |",
        "| my_net | engine | 50.00, 52.00 | 51.00 | 1.00 |",
        "| my_net | notebook | 60.00, 62.00 | 61.00 | 1.00 |",
        "",
        "| model | difference of the means (percentage points) | its standard error (percentage points) | "
        "within two standard errors |",
        "| --- | --- | --- | --- |",
        "| my_net | -10.00 | 1.41 | no |",
    ]
    assert "percentage points than 2.8 for my_net." in shown[-1]


def test_every_machine_and_day_is_told() -> None:
    content = content_of(SOME)
    content["trainings"][0] |= {"cpu": "another", "threads": 4, "date": "2026-02-03"}
    shown = "\n".join(lines(effect_figures.Result.model_validate(content)))
    assert "another with 4 threads, 2026-02-03; a processor with 1 thread, 2026-01-02." in shown


def test_without_two_seeds_there_is_nothing_to_compare() -> None:
    assert "Nothing to compare yet" in list(lines(result_of({("my_net", "engine"): [0.5, 0.6]})))[-1]


def test_with_three_seeds_two_equal_sides_are_told_apart_about_1_time_in_9() -> None:
    """What is printed, by simulation."""
    seeds = 3
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(20_000, 2, seeds))
    means, errors = draws.mean(axis=2), draws.std(axis=2, ddof=1) / seeds**0.5
    no = abs(means[:, 0] - means[:, 1]) > 2 * np.hypot(errors[:, 0], errors[:, 1])
    assert 1 / no.mean() == pytest.approx(9, abs=0.7)


def broken() -> dict[str, dict[str, Any]]:
    """Files that hold no result, by what is wrong with them."""
    found: dict[str, dict[str, Any]] = {"nothing": {}}
    for name in ("cases", "data", "precision", "trainings of an unknown case", "no accuracy", "bad recipe"):
        found[name] = copy.deepcopy(content_of(SOME))
    for name in ("cases", "data", "precision"):
        del found[name][name]
    found["trainings of an unknown case"]["trainings"][0]["model"] = "other"
    found["no accuracy"]["trainings"][0]["val_accuracy"] = []
    found["bad recipe"]["cases"]["my_net"]["sgd"]["lr"] = -1
    found["unknown setting"] = copy.deepcopy(content_of(SOME))
    found["unknown setting"]["cases"]["my_net"]["extra"] = 1
    found["percent"] = content_of({("my_net", "engine"): [51.0]})
    found["twice"] = content_of(SOME)
    found["twice"]["trainings"].append(found["twice"]["trainings"][0])
    return found


@pytest.mark.parametrize("name", broken())
def test_a_file_that_holds_no_result_is_said_in_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.json"
    write_json(path, broken()[name])
    with pytest.raises(Damaged, match=r"some\.json holds no result of benchmarks\.effect"):
        read_result(path)
    assert effect.main(["--show", str(path)]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "some.json", result_of(SOME).model_dump(mode="json"))
    assert read_result(tmp_path / "some.json") == result_of(SOME)


def test_the_kept_result_has_three_seeds_of_every_case_on_both_sides() -> None:
    result = read_result(EFFECT_FIGURES)
    assert set(result.cases) == set(effect.CASES)
    assert result.cases == effect.CASES, "the recipes that are trained are those of the kept figures"
    found = comparisons(result)
    assert set(found) == set(effect.CASES)
    assert all(len(c.engine) == len(c.notebook) >= 3 for c in found.values())
