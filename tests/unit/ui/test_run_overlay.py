"""Curves of several runs in one chart."""

import json
from typing import Any, get_args

import pytest

from ui.run_charts import AVERAGED, Kind
from ui.run_overlay import SPOTS, Curve, overlay_frame, overlay_height, overlay_spec


def row(epoch: int, val: float = 0.5) -> dict[str, Any]:
    return {"epoch": epoch, "lr": 0.1, "val/loss": 1.2, "val/accuracy": val, "elapsed_s": 30.0 * epoch}


def curve(run_id: str, *rows: dict[str, Any], name: str = "same") -> Curve:
    return Curve(run_id, name, "#111111", rows)


def test_curves_over_time_stand_at_their_minutes() -> None:
    frame = overlay_frame("accuracy", [curve("a", row(1), row(2))], "time")
    assert frame["x"].tolist() == [0.5, 1.0]


def test_runs_of_one_name_keep_their_own_curves_and_bests() -> None:
    frame = overlay_frame("accuracy", [curve("a", row(1), row(2, 0.9)), curve("b", row(1))], "epoch")
    assert frame["id"].tolist() == ["a", "a", "b"] and set(frame["run"]) == {"same"}
    assert frame["best"].tolist() == [False, True, True]


def test_a_pointer_finds_every_epoch_of_few_and_best_and_last_of_many() -> None:
    one = curve("a", *(row(epoch) for epoch in range(1, 101)))
    assert overlay_frame("accuracy", [one], "epoch")["spot"].all()
    many = [curve(str(at), *(row(e, 0.9 if e == 37 else 0.5) for e in range(1, 101))) for at in range(10)]
    frame = overlay_frame("accuracy", many, "epoch")
    assert len(frame) == 1000 and frame["spot"].sum() <= SPOTS + 2 * len(many)
    assert frame.loc[frame["best"] | (frame["epoch"] == 100), "spot"].all()


def test_the_legend_names_runs_the_oldest_first_each_in_its_own_colour() -> None:
    name = 'a "b" \\ </script>'
    curves = [Curve("id-2", "same", "#222222", [row(1)]), Curve("id-1", name, "#111111", [row(1)])]
    frame = overlay_frame("accuracy", curves, "epoch")
    assert frame["key"].tolist() == ["id-2 same", f"id-1 {name}"]
    assert frame["color"].tolist() == ["#222222", "#111111"]
    color = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]["encoding"]["color"]
    assert color["field"] == "key" and color["scale"] == {"range": {"field": "color"}}


def test_two_runs_of_one_colour_are_two_colours_to_the_chart() -> None:
    frame = overlay_frame("accuracy", [curve(run_id, row(1)) for run_id in "abc"], "epoch")
    assert frame["color"].tolist() == ["#111111", "#111111fe", "#111111fd"]


def test_parts_stand_in_the_legend_in_their_order_in_every_chart() -> None:
    parts = {"sgd": "#aaaaaa", "adamw": "#bbbbbb"}
    curves = [
        Curve("a", "one", "#111111", [row(1)], "adamw"),
        Curve("b", "two", "#111111", [row(1)], "adamw"),
    ]
    frame = overlay_frame("accuracy", curves, "epoch", parts=parts)
    assert set(frame["key"]) == {"0001 adamw"} and set(frame["color"]) == {"#bbbbbb"}


def test_a_run_more_or_less_leaves_the_chart_as_high_as_it_is() -> None:
    assert len({overlay_height(names) for names in range(1, 13)}) == 1
    assert overlay_height(13) > overlay_height(12) and overlay_height(3, 300) < overlay_height(3, 400)


def test_one_line_of_each_run_needs_no_fold_and_looks_as_it_does_beside_others() -> None:
    alone = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]
    assert "transform" not in alone and alone["encoding"]["y"]["field"] == "val"
    beside = overlay_spec("accuracy", ("val", "train"), "epoch")["layer"][0]["encoding"]
    for style in ("strokeDash", "strokeWidth"):
        assert alone["mark"][style] == beside[style]["scale"]["range"][0]


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("averaged", [False, True])
def test_specs_bring_no_rows_of_their_own(kind: Kind, averaged: bool) -> None:
    lines = ("val", AVERAGED, "train") if averaged else ("val", "train")
    shown = lines if kind in ("accuracy", "loss") else (kind,)
    text = json.dumps(overlay_spec(kind, shown, "epoch", averaged=averaged))
    assert '"values": [' not in text.replace('"values": []', "") and '"title"' in text
    frame = overlay_frame(kind, [curve("a", row(1))], "epoch", averaged=averaged)
    assert set(shown) <= set(frame.columns)


def test_epochs_are_whole_numbers() -> None:
    x = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]["encoding"]["x"]
    assert x["axis"]["tickMinStep"] == 1 and x["axis"]["format"] == "d"
    assert (
        "tickMinStep" not in overlay_spec("accuracy", ("val",), "time")["layer"][0]["encoding"]["x"]["axis"]
    )


def test_values_that_are_no_numbers_are_gaps() -> None:
    rows = (row(1), row(2, float("inf")), {"epoch": 3})
    frame = overlay_frame("accuracy", [curve("a", *rows)], "time")
    assert frame["val"].isna().tolist() == [False, True, True] and frame["x"].isna().tolist()[2]
