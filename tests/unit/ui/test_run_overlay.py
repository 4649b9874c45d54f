"""Curves of several runs in one chart."""

import json
from typing import Any, get_args

import pytest

from ui.run_charts import AVERAGED, Kind
from ui.run_overlay import Curve, overlay_frame, overlay_spec

RUNS = (("id-1", 'a "b" \\ </script>', "#111111"), ("id-2", "same", "#222222"), ("id-3", "same", "#333333"))


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


def test_a_colour_belongs_to_an_id_and_the_legend_shows_names() -> None:
    spec = json.dumps(overlay_spec("accuracy", RUNS, ("val", "train"), "epoch"))
    assert '"domain": ["id-1", "id-2", "id-3"], "range": ["#111111", "#222222", "#333333"]' in spec
    legend = overlay_spec("accuracy", RUNS, ("val",), "epoch")["layer"][0]["encoding"]["color"]["legend"]
    names, _, rest = legend["labelExpr"].rpartition("[")
    assert json.loads(names) == {run_id: name for run_id, name, _ in RUNS} and rest == "datum.value]"


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("averaged", [False, True])
def test_specs_bring_no_rows_of_their_own(kind: Kind, averaged: bool) -> None:
    shown = ("lr",) if kind == "lr" else ("val", AVERAGED, "train") if averaged else ("val", "train")
    text = json.dumps(overlay_spec(kind, RUNS, shown, "epoch", averaged=averaged))
    assert '"values": [' not in text.replace('"values": []', "") and '"title"' in text
    frame = overlay_frame(kind, [curve("a", row(1))], "epoch", averaged=averaged)
    assert set(shown) <= set(frame.columns)


def test_epochs_are_whole_numbers() -> None:
    x = overlay_spec("accuracy", RUNS, ("val",), "epoch")["layer"][0]["encoding"]["x"]
    assert x["axis"]["tickMinStep"] == 1 and x["axis"]["format"] == "d"
    assert (
        "tickMinStep"
        not in overlay_spec("accuracy", RUNS, ("val",), "time")["layer"][0]["encoding"]["x"]["axis"]
    )


def test_values_that_are_no_numbers_are_gaps() -> None:
    rows = (row(1), row(2, float("inf")), {"epoch": 3})
    frame = overlay_frame("accuracy", [curve("a", *rows)], "time")
    assert frame["val"].isna().tolist() == [False, True, True] and frame["x"].isna().tolist()[2]
