"""Settings in which runs differ, as a table."""

from typing import Any

from tests.pages.made_runs import recipe
from ui.compare_settings import SETTING, differing_settings


def table(**settings: dict[str, Any]) -> Any:
    return differing_settings({run_id: recipe(**changes) for run_id, changes in settings.items()})


def test_a_setting_that_one_run_does_not_have_is_a_dash() -> None:
    found = table(a={}, b={"scheduler": {"kind": "multi_step", "milestones": [3, 5]}}).set_index(SETTING)
    assert found.loc["Scheduler", "b"] == "MultiStepLR"
    assert found.loc["Scheduler › Milestones"].tolist() == ["–", "3, 5"]


def test_augmentations_are_named_and_their_order_only_where_it_says_something() -> None:
    flip, crop = {"kind": "horizontal_flip"}, {"kind": "random_crop"}
    added = table(a={}, b={"augmentations": [flip]})
    assert added[SETTING].tolist() == ["Horizontal flip", "Horizontal flip › Probability"]
    turned = table(a={"augmentations": [flip, crop]}, b={"augmentations": [crop, flip]})
    assert turned.iloc[0].tolist() == [
        "Augmentations › order",
        "Horizontal flip → Random crop with padding",
        "Random crop with padding → Horizontal flip",
    ]


def test_a_choice_stands_before_its_own_settings() -> None:
    found = table(a={}, b={"optimizer": {"kind": "adamw", "lr": 0.002}})
    assert found[SETTING].tolist()[:2] == ["Optimizer", "Optimizer › Learning rate"]
