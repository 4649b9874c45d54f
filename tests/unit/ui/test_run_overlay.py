"""Curves of several runs in one chart."""

import json
import re
from typing import Any, get_args

import pytest

from ui.run_charts import AVERAGED, Kind
from ui.run_overlay import MOST_SPOTS, Curve, overlay_height, overlay_rows, overlay_spec


def row(epoch: int, val: float = 0.5) -> dict[str, Any]:
    return {"epoch": epoch, "lr": 0.1, "val/loss": 1.2, "val/accuracy": val, "elapsed_s": 30.0 * epoch}


def curve(run_id: str, *rows: dict[str, Any], name: str = "same") -> Curve:
    return Curve(run_id, name, "#111111", rows)


def test_curves_over_time_stand_at_their_minutes() -> None:
    found = overlay_rows("accuracy", [curve("a", row(1), row(2))], ("val",), "time")
    assert found.lines["x"].tolist() == [0.5, 1.0] == found.spots["x"].tolist()


def test_runs_of_one_name_keep_their_own_curves_and_bests() -> None:
    curves = [curve("a", row(1), row(2, 0.9)), curve("b", row(1))]
    found = overlay_rows("accuracy", curves, ("val",), "epoch")
    assert found.lines["key"].tolist() == ["a same", "a same", "b same"] and found.names == 2
    assert set(found.spots["run"]) == {"same"}
    assert found.spots["best"].tolist() == [False, True, True]


def test_a_pointer_finds_every_epoch_of_few_and_best_and_last_of_many() -> None:
    one = curve("a", *(row(epoch) for epoch in range(1, 101)))
    found = overlay_rows("accuracy", [one], ("val",), "epoch")
    assert found.spots["epoch"].tolist() == found.lines["x"].tolist() == list(range(1, 101))
    many = [curve(str(at), *(row(e, 0.9 if e == 37 else 0.5) for e in range(1, 101))) for at in range(10)]
    found = overlay_rows("accuracy", many, ("val",), "epoch")
    assert len(found.lines) == 1000 and len(found.spots) <= MOST_SPOTS + 2 * len(many)
    for key in set(found.lines["key"]):
        spots = found.spots[found.spots["key"] == key]
        assert {37, 100} <= set(spots["epoch"]) and spots[spots["best"]]["epoch"].tolist() == [37]


def test_the_legend_names_runs_the_oldest_first_each_in_its_own_colour() -> None:
    name = 'a "b" \\ </script>'
    curves = [Curve("id-2", "same", "#222222", [row(1)]), Curve("id-1", name, "#111111", [row(1)])]
    lines = overlay_rows("accuracy", curves, ("val",), "epoch").lines
    assert lines["key"].tolist() == ["id-2 same", f"id-1 {name}"]
    assert lines["color"].tolist() == ["#222222", "#111111"]
    color = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]["encoding"]["color"]
    assert color["field"] == "key" and color["scale"] == {"range": {"field": "color"}}


def test_two_runs_of_one_colour_are_two_colours_to_the_chart() -> None:
    curves = [curve(run_id, row(1)) for run_id in "abc"]
    found = overlay_rows("accuracy", curves, ("val",), "epoch")
    for part in (found.lines, found.spots):
        assert part["color"].tolist() == ["#111111", "#111111fe", "#111111fd"]


def test_parts_stand_in_the_legend_in_their_order_and_their_runs_keep_lines_of_their_own() -> None:
    parts = {"sgd": "#aaaaaa", "adamw": "#bbbbbb"}
    curves = [
        Curve("a", "one", "#111111", [row(1)], "adamw"),
        Curve("b", "two", "#111111", [row(1)], "adamw"),
    ]
    found = overlay_rows("accuracy", curves, ("val",), "epoch", parts=parts)
    assert set(found.lines["key"]) == {"0001 adamw"} and set(found.lines["color"]) == {"#bbbbbb"}
    assert found.names == 1 and found.lines["id"].tolist() == ["a", "b"]
    line = overlay_spec("accuracy", ("val",), "epoch", by_part=True)["layer"][0]["encoding"]
    assert line["detail"]["field"] == "id"


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("by_part", [False, True])
def test_rows_have_the_fields_that_the_chart_asks_for_and_none_besides(kind: Kind, by_part: bool) -> None:
    """Each cell more takes the browser time."""
    shown = ("val", "train") if kind in ("accuracy", "loss") else (kind,)
    parts = {"": "#aaaaaa"} if by_part else None
    found = overlay_rows(kind, [curve("a", row(1))], shown, "epoch", parts=parts)
    layers = overlay_spec(kind, shown, "epoch", by_part=by_part)["layer"]
    asked = {name: asked_fields(layers, name) for name in found.datasets}
    assert set(found.lines.columns) == asked["lines"] - {"series", "value"} | set(shown)
    # What chooses a run in the legend asks by its own field.
    rings = {"best", "key"} if kind == "accuracy" else set()
    assert set(found.spots.columns) == asked["spots"] | rings


def asked_fields(layers: list[dict[str, Any]], data: str) -> set[str]:
    """The fields that the encodings of one data set name."""
    text = json.dumps([layer["encoding"] for layer in layers if layer["data"]["name"] == data])
    return set(re.findall(r'"field": "([^"]+)"', text))


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
    found = overlay_rows(kind, [curve("a", row(1))], shown, "epoch", averaged=averaged)
    assert set(shown) <= set(found.lines.columns)


def test_epochs_are_whole_numbers() -> None:
    x = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]["encoding"]["x"]
    assert x["axis"]["tickMinStep"] == 1 and x["axis"]["format"] == "d"
    assert (
        "tickMinStep" not in overlay_spec("accuracy", ("val",), "time")["layer"][0]["encoding"]["x"]["axis"]
    )


def test_values_that_are_no_numbers_are_gaps() -> None:
    rows = (row(1), row(2, float("inf")), {"epoch": 3})
    lines = overlay_rows("accuracy", [curve("a", *rows)], ("val",), "time").lines
    assert lines["val"].isna().tolist() == [False, True, True] and lines["x"].isna().tolist()[2]
