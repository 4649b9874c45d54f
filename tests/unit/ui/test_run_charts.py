"""Rows as charts: what is in them, and that none is ever undefined."""

import json
from typing import Any, get_args

import pytest

from ui.charts import TRAIN_DASH
from ui.run_charts import (
    Curve,
    Kind,
    axis_end,
    extension_spec,
    live_frame,
    live_spec,
    overlay_frame,
    overlay_spec,
)

KINDS: tuple[Kind, ...] = get_args(Kind)


def row(epoch: int, val: float = 0.5) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "lr": 0.1,
        "train/loss": 1.0,
        "train/accuracy": 0.6,
        "train/clean_accuracy": 0.7,
        "val/loss": 1.2,
        "val/accuracy": val,
        "elapsed_s": 30.0 * epoch,
    }


def step(position: float) -> dict[str, Any]:
    return {"epoch": int(position) + 1, "position": position, "lr": 0.1, "train/loss": 2.0}


@pytest.mark.parametrize("kind", KINDS)
def test_specs_bring_no_rows_of_their_own(kind: Kind) -> None:
    specs = [
        live_spec(kind, "#111111", "#222222", 20),
        overlay_spec(kind, ("a", "b"), ("#111111", "#222222"), ("val", "train"), "epoch"),
        extension_spec("#111111", 20),
    ]
    for spec in specs:
        assert '"values": [' not in json.dumps(spec).replace('"values": []', "")
        assert "data" not in spec and "title" in spec


def test_train_is_dashed_and_val_solid() -> None:
    text = json.dumps(live_spec("accuracy", "#111111", "#222222", 20))
    order = ["val", "train", "clean train"]
    assert json.dumps({"domain": order, "range": [[1, 0], TRAIN_DASH, [1, 0]]}) in text


def test_the_best_epoch_is_marked_once() -> None:
    frame = live_frame("accuracy", [row(1), row(2, 0.8), row(3)])
    assert frame.loc[frame["best"], "epoch"].tolist() == [2]


def test_the_running_line_goes_on_from_the_last_epoch() -> None:
    frame = live_frame("loss", [row(1)], [step(1.25), step(1.5)])
    running = frame[frame["role"] == "running"]
    assert running["x"].tolist() == [1.0, 1.25, 1.5]
    assert running["train"].tolist() == [1.0, 2.0, 2.0]
    assert not running["best"].any()


def test_in_the_first_epoch_there_is_a_running_line_alone() -> None:
    frame = live_frame("loss", [], [step(0.1)])
    assert frame["role"].tolist() == ["running"]


def test_the_run_behind_is_kept_apart() -> None:
    frame = live_frame("accuracy", [row(1)], behind=[row(1), row(2, 0.9)])
    assert frame["role"].tolist() == ["behind", "behind", "this"]


def test_a_value_that_is_no_number_is_a_gap() -> None:
    frame = live_frame("accuracy", [row(1), row(2, float("nan")), row(3)])
    assert frame["val"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("done", "epochs", "end"),
    [
        (0, 10, 10),
        (3, 49, 49),
        (3, 300, 25),
        (24, 300, 25),
        (25, 300, 50),
        (90, 300, 100),
        (170, 300, 300),
        (300, 300, 300),
    ],
)
def test_a_long_run_has_room_for_its_first_epochs(done: int, epochs: int, end: int) -> None:
    assert axis_end(done, epochs) == end


def test_curves_over_time_stand_at_their_minutes() -> None:
    frame = overlay_frame("accuracy", [Curve("a", "#111111", [row(1), row(2)])], "time")
    assert frame["x"].tolist() == [0.5, 1.0]


def test_curves_of_several_runs_keep_their_names_and_bests() -> None:
    curves = [Curve("a", "#111111", [row(1), row(2, 0.9)]), Curve("b", "#222222", [row(1)])]
    frame = overlay_frame("accuracy", curves, "epoch")
    assert frame["run"].tolist() == ["a", "a", "b"]
    assert frame["best"].tolist() == [False, True, True]
