"""Rows of Live's charts: what is in them, and that none is ever undefined."""

import json
import math
import re
from typing import Any, get_args

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from core.insight.lr_line import lr_rows
from core.insight.overfit import Mark
from ui import live_rows
from ui.live_rows import kept_rows, live_datasets, live_frame, running_rows
from ui.run_charts import Kind, live_spec
from ui.run_overlay import overlay_spec

KINDS: tuple[Kind, ...] = get_args(Kind)
MARKS = [Mark(2, "gap", ""), Mark(3, "levelled", ""), Mark(5, "missing", ""), Mark(9, "collapse", "")]


def row(epoch: int, val: float = 0.5) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "lr": 0.1,
        "train/loss": 1.0,
        "train/accuracy": 0.6,
        "train/clean_accuracy": 0.7,
        "train/clean_loss": 0.9,
        "val/loss": 1.2,
        "val/accuracy": val,
        "elapsed_s": 30.0 * epoch,
    }


def step(position: float) -> dict[str, Any]:
    return {"epoch": int(position) + 1, "position": position, "lr": 0.1, "train/loss": 2.0}


def test_the_best_epoch_is_marked_once() -> None:
    frame = live_frame("accuracy", [row(1), row(2, 0.8), row(3)])
    assert frame.loc[frame["best"], "epoch"].tolist() == [2]


def whole(kind: Kind, *rows: dict[str, Any], behind: tuple[dict[str, Any], ...] = ()) -> pa.Table:
    return pa.Table.from_pandas(live_frame(kind, rows, behind, marks=MARKS, end=10.0))


def test_the_running_line_goes_on_from_where_the_runs_own_line_ends() -> None:
    running = running_rows("loss", [step(1.25), step(1.5)], whole("loss", row(1), behind=(row(1), row(7))))
    assert running["x"].to_pylist() == [1.0, 1.25, 1.5]
    assert running["train"].to_pylist() == [1.0, 2.0, 2.0]
    points = lr_rows([row(1), row(2)], [(0.0, 0.01), (1.0, 0.05), (2.0, 0.03)])
    running = running_rows("lr", [step(2.5)], whole("lr", *points))
    assert running.to_pydict() == {"x": [2.0, 2.5], "lr": [0.03, 0.1]}


def test_in_the_first_epoch_there_is_a_running_line_alone() -> None:
    assert running_rows("loss", [step(0.1)], whole("loss"))["x"].to_pylist() == [0.1]
    assert live_frame("loss", []).empty


@pytest.mark.parametrize("kind", KINDS)
def test_between_epochs_there_is_no_running_line_and_of_a_gap_never(kind: Kind) -> None:
    assert running_rows(kind, [], whole(kind, row(1))).num_rows == 0
    assert (running_rows(kind, [step(1.5)], whole(kind, row(1))).num_rows == 0) is (kind == "gap")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("averaged", [False, True])
def test_each_data_set_has_the_fields_that_its_layers_ask_for(kind: Kind, averaged: bool) -> None:
    layers = live_spec(kind, "#111111", "#222222", 20, averaged=averaged)["layer"]
    rows = pa.Table.from_pandas(live_frame(kind, [row(1)], averaged=averaged))
    sets = live_datasets(rows, running_rows(kind, [], averaged=averaged))
    assert {layer["data"]["name"] for layer in layers} == set(sets)
    for layer in layers:
        text, made = json.dumps([layer["encoding"], layer.get("transform", [])]), {"series", "value", "rows"}
        asked = set(re.findall(r'"field": "([^"]+)"|datum\.(\w+)', text))
        folded = {name for part in layer.get("transform", []) for name in part.get("fold", [])}
        named = {name for pair in asked for name in pair if name} | folded
        assert named - made <= set(sets[layer["data"]["name"]].column_names)


def test_the_run_behind_is_kept_apart() -> None:
    frame = live_frame("accuracy", [row(1)], behind=[row(1), row(2, 0.9)])
    assert frame["role"].tolist() == ["behind", "behind", "this"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "high", None, True, [1], 10**400])
def test_a_value_that_is_no_number_is_a_gap(value: Any) -> None:
    frame = live_frame("accuracy", [row(1), row(2, value), row(3)])
    assert frame["val"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_an_epoch_and_nothing_else_are_gaps(kind: Kind) -> None:
    frame = live_frame(kind, [{"epoch": 1}], [{"epoch": 10**400}])
    assert frame["x"].isna().tolist() == [True, False]
    assert frame.drop(columns=["role", "x", "epoch", "dot", "best"]).isna().all(axis=None)
    running = running_rows(kind, [{"epoch": 2, "position": "here"}], whole(kind, {"epoch": 1})).to_pydict()
    assert running.pop("x") == ([] if kind == "gap" else [1.0, None])
    assert not any(value is not None for values in running.values() for value in values)


def test_the_clean_train_loss_is_a_thin_line_and_the_chart_says_what_each_is() -> None:
    assert live_frame("loss", [row(1)])["clean train"].tolist() == [0.9]
    text = json.dumps(live_spec("loss", "#111111", "#222222", 20))
    order = ["val", "train", "clean train"]
    assert json.dumps({"domain": order, "range": [2.4, 1.7, 1.3], "type": "ordinal"}) in text
    assert "what training minimizes" in text


def test_averaged_weights_are_a_dotted_line_where_there_are_any() -> None:
    averaged = row(1) | {"val/ema_accuracy": 0.55, "val/ema_loss": 1.1}
    frame = live_frame("accuracy", [row(1), averaged], averaged=True)
    assert frame["val (EMA)"].isna().tolist() == [True, False]
    assert live_frame("loss", [averaged], averaged=True)["val (EMA)"].tolist() == [1.1]
    assert "val (EMA)" not in live_frame("accuracy", [row(1)])
    assert "[2, 3]" in json.dumps(live_spec("accuracy", "#111111", "#222222", 20, averaged=True))


def test_the_gap_is_clean_train_minus_val_in_points_with_a_line_at_zero() -> None:
    rows = [row(1, 0.5), row(2, 0.8), row(3) | {"train/clean_accuracy": None}]
    frame = live_frame("gap", rows, behind=[row(1, 0.6)])
    gaps = frame[frame["role"] == "this"]["gap"].tolist()
    assert gaps[:2] == pytest.approx([20.0, -10.0]) and math.isnan(gaps[2])
    assert frame[frame["role"] == "behind"]["gap"].tolist() == pytest.approx([10.0])
    spec = live_spec("gap", "#111111", "#222222", 20)
    [zero] = [layer for layer in spec["layer"] if layer["encoding"].get("y") == {"datum": 0.0}]
    # One line for all rows, not one for each.
    assert zero["mark"]["type"] == "rule" and "aggregate" in zero["transform"][0]
    assert "clean train minus val accuracy" in json.dumps(spec)


class TestMarks:
    def test_each_chart_has_its_own_with_a_label_on_the_side_with_room(self) -> None:
        frames = {kind: live_frame(kind, [row(1), row(10)], marks=MARKS, end=10.0) for kind in KINDS}
        accuracy = frames["accuracy"].dropna(subset="label")
        assert accuracy[["x", "label", "role"]].to_numpy().tolist() == [
            [2.0, "gap opens", "mark right"],
            [3.0, "val levels off", "mark right"],
            [9.0, "lr collapsed", "mark left"],
        ]
        assert frames["lr"]["label"].dropna().tolist() == ["lr collapsed"]
        assert frames["gap"]["label"].dropna().tolist() == ["gap opens"]
        assert frames["gap"].dropna(subset="label")["gap"].notna().all()
        assert frames["loss"]["label"].dropna().tolist() == ["no number"]

    def test_labels_stand_one_above_the_other_inside_the_curves_range(self) -> None:
        rows = [row(1, 0.2), row(10, 0.5)]
        frame = live_frame("accuracy", rows, marks=MARKS, end=10.0)
        heights = frame.dropna(subset="label")["val"].tolist()
        assert heights == sorted(set(heights)) and heights[0] >= 0.2 and heights[-1] <= 0.7

    def test_none_for_a_run_without_rows(self) -> None:
        assert live_frame("accuracy", [], marks=[], end=10.0).empty

    @pytest.mark.parametrize("kind", KINDS)
    def test_they_are_rows_so_the_spec_stays_the_same(self, kind: Kind) -> None:
        spec = json.dumps(live_spec(kind, "#111111", "#222222", 20))
        assert "datum.label" in spec
        assert "gap opens" not in spec


def test_a_learning_rate_is_drawn_as_straight_lines_between_the_points_that_it_is_given() -> None:
    text = json.dumps([live_spec("lr", "#111111", "#222222", 20), overlay_spec("lr", ("lr",), "epoch")])
    assert "interpolate" not in text
    points = lr_rows([row(1), row(2)], [(0.0, 0.01), (0.5, 0.1), (1.0, 0.05), (2.0, 0.0)])
    assert live_frame("lr", points)["x"].tolist() == [0.0, 0.5, 1.0, 2.0]


def test_whole_epochs_are_made_once_for_all_who_look_on_at_the_same() -> None:
    live_rows._kept.clear()  # type: ignore[attr-defined]
    made: list[str] = []

    def rows(name: str) -> Any:
        return kept_rows(name, "gap", lambda: (made.append(name), live_frame("gap", [row(1)]))[1])

    assert rows("one run") is rows("one run") and made == ["one run"]
    assert rows("another run").to_pydict() == rows("one run").to_pydict()
    assert made == ["one run", "another run"]
