"""The learning rate of a run for drawing."""

from typing import Any

import numpy as np
import pytest

from core.insight import thin
from core.insight.diary.pictures import LR_HEIGHT
from core.insight.lr_line import lr_line, lr_rows
from core.train import preview_lr
from tests.pages.made_runs import data_info, recipe
from ui.layout import LIVE_HEIGHTS

CYCLE = {"scheduler": {"kind": "one_cycle"}, "epochs": 4}
STEPS = data_info().counts["train"] // 32


def rows(*lrs: float | None) -> list[dict[str, Any]]:
    return [{"epoch": at, "lr": lr, "elapsed_s": 10.0 * at} for at, lr in enumerate(lrs, start=1)]


def test_a_schedule_of_steps_is_drawn_as_the_form_previews_it() -> None:
    chosen = recipe(**CYCLE)
    line = lr_line(chosen, 4, images=data_info().counts["train"])
    preview = preview_lr(chosen, data_info())
    assert line[:-1] == preview.points and len(line) == 4 * STEPS + 1
    assert line[-1] == (4.0, preview.epochs[-1])


@pytest.mark.parametrize("kind", ["none", "cosine", "step", "multi_step", "plateau"])
def test_a_schedule_of_epochs_has_no_line_of_its_own(kind: str) -> None:
    assert lr_line(recipe(scheduler={"kind": kind}), 10) == ()


def test_an_extension_holds_where_the_cycle_ended() -> None:
    line = lr_line(recipe(**CYCLE), 6, hold_from=4)
    assert {lr for at, lr in line if at > 4.01} == {line[-1][1]} and line[-1][0] == 6


def test_of_the_line_as_much_is_drawn_as_epochs_are_done() -> None:
    line = lr_line(recipe(**CYCLE), 4, images=160)
    drawn = lr_rows(rows(0.1, 0.05), line)
    assert [(row["position"], row["lr"]) for row in drawn] == [point for point in line if point[0] <= 2]
    assert {row["epoch"] for row in drawn} == {1, 2}
    assert drawn[0]["elapsed_s"] == 0 and drawn[-1]["elapsed_s"] == 20
    assert lr_rows([], line) == []


def test_rows_alone_make_a_staircase_from_the_first_epochs_begin() -> None:
    drawn = lr_rows(rows(0.1, None, 0.05))
    assert [(row["position"], row["lr"]) for row in drawn] == [
        (0, 0.1), (1, 0.1), (1, None), (2, None), (2, 0.05), (3, 0.05),
    ]  # fmt: skip
    assert [row["elapsed_s"] for row in drawn] == [0, 10, 10, 20, 20, 30]


@pytest.mark.parametrize("epochs", [501, 1_000, 3_000, 100_000])
@pytest.mark.parametrize(
    ("limit", "height"), [(500, LIVE_HEIGHTS["lr"]), (300, LR_HEIGHT)], ids=["Live", "diary"]
)
def test_a_thinned_cosine_is_the_same_curve_within_a_pixel(limit: int, height: int, epochs: int) -> None:
    lrs = 0.05 * (1 + np.cos(np.pi * np.arange(epochs) / epochs))
    whole = [row | {"val/accuracy": 0.5 + 0.1 * np.sin(row["epoch"])} for row in rows(*lrs.tolist())]
    kept = thin(whole, limit)
    assert len(kept) <= limit + 6
    line = lr_rows(kept)
    drawn = np.interp(np.arange(epochs) + 0.5, [row["position"] for row in line], [row["lr"] for row in line])
    assert np.abs(drawn - lrs).max() / lrs.max() * height < 1


def test_rows_without_time_or_number_leave_gaps() -> None:
    assert lr_rows([{"epoch": 1, "lr": "high"}]) == [
        {"epoch": 1, "position": 0.0, "lr": None, "elapsed_s": 0.0},
        {"epoch": 1, "position": 1.0, "lr": None, "elapsed_s": None},
    ]
    assert lr_rows([{"lr": 0.1}]) == []
