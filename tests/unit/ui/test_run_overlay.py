"""Curves of several runs in one chart."""

import json
import re
from collections import Counter
from typing import Any, get_args

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from ui.run_charts import AVERAGED, Kind
from ui.run_overlay import (
    MOST_ADDED,
    MOST_SPOTS,
    Curve,
    overlay_height,
    overlay_rows,
    overlay_spec,
    settled_runs,
)


def row(epoch: int, val: float = 0.5) -> dict[str, Any]:
    return {"epoch": epoch, "lr": 0.1, "val/loss": 1.2, "val/accuracy": val, "elapsed_s": 30.0 * epoch}


def curve(run_id: str, *rows: dict[str, Any], name: str = "same") -> Curve:
    return Curve(run_id, name, "#111111", rows)


def cells(table: pa.Table, name: str) -> list[Any]:
    found: list[Any] = table[name].to_pylist()
    return found


def test_curves_over_time_stand_at_their_minutes() -> None:
    found = overlay_rows("accuracy", [curve("a", row(1), row(2))], ("val",), "time")
    assert cells(found.lines, "x") == [0.5, 1.0] == cells(found.spots, "x")


def test_runs_of_one_name_keep_their_own_curves_and_bests() -> None:
    curves = [curve("a", row(1), row(2, 0.9)), curve("b", row(1))]
    found = overlay_rows("accuracy", curves, ("val",), "epoch")
    assert cells(found.lines, "key") == ["a same", "a same", "b same"] and found.named == 2
    assert cells(found.spots, "run") == ["same"] * 3
    assert cells(found.names, "key") == ["a same", "b same"]
    assert (cells(found.names, "x"), cells(found.names, "val")) == ([2, 1], [0.9, 0.5])


def test_a_run_without_a_best_epoch_has_its_name_and_no_ring() -> None:
    names = overlay_rows("accuracy", [curve("a", row(1, float("nan")))], ("val",), "epoch").names
    assert cells(names, "key") == ["a same"] and cells(names, "x") == [None] == cells(names, "val")


def test_a_pointer_finds_every_epoch_of_few_and_best_and_last_of_many() -> None:
    one = curve("a", *(row(epoch) for epoch in range(1, 101)))
    found = overlay_rows("accuracy", [one], ("val",), "epoch")
    assert cells(found.spots, "epoch") == cells(found.lines, "x") == list(range(1, 101))
    many = [curve(str(at), *(row(e, 0.9 if e == 37 else 0.5) for e in range(1, 101))) for at in range(10)]
    found = overlay_rows("accuracy", many, ("val",), "epoch")
    assert len(found.lines) == 1000 and len(found.spots) <= MOST_SPOTS + 2 * len(many)
    epochs = Counter(cells(found.spots, "epoch"))
    assert epochs[37] == epochs[100] == 10 and cells(found.names, "x") == [37] * 10


def test_a_run_that_is_added_leaves_the_rows_of_the_others_as_they_are() -> None:
    """The browser does nothing about rows that it has already."""
    curves = [curve(f"{at}", *(row(e, 0.01 * at) for e in range(1, 101))) for at in range(10)]
    before = overlay_rows("accuracy", curves[:9], ("val",), "epoch")
    after = overlay_rows("accuracy", curves, ("val",), "epoch", settled={c.id for c in curves[:9]})
    assert (after.lines, after.spots) == (before.lines, before.spots)
    assert set(cells(after.added_lines, "key")) == {"9 same"} and len(after.added_lines) == 100
    assert cells(after.added_spots, "epoch")[-1] == 100
    assert len(cells(after.names, "key")) == after.named == 10
    whole = overlay_rows("accuracy", curves, ("val",), "epoch")
    assert len(before.added_lines) == len(whole.added_spots) == 0
    assert pa.concat_tables([after.lines, after.added_lines]).to_pylist() == whole.lines.to_pylist()
    assert pa.concat_tables([after.spots, after.added_spots]).to_pylist() == whole.spots.to_pylist()


def test_added_runs_have_a_settings_colours_and_lines_of_their_own() -> None:
    curves = [Curve(run_id, run_id, "#111111", [row(1)], "sgd") for run_id in "abc"]
    found = overlay_rows("accuracy", curves, ("val",), "epoch", parts={"sgd": "#aaaaaa"}, settled={"a", "b"})
    assert (cells(found.lines, "id"), cells(found.added_lines, "id")) == (["a", "b"], ["c"])
    assert cells(found.added_lines, "key") == ["0000 sgd"] == cells(found.added_spots, "key")


MANY = tuple(f"{at}" for at in range(2 + MOST_ADDED))


@pytest.mark.parametrize(
    ("before", "now", "settled"),
    [
        ((), ("a", "b"), ("a", "b")),
        (("a", "b"), ("a", "b"), ("a", "b")),
        (("a", "b"), ("a", "b", "c"), ("a", "b")),
        # One less, another first: what the browser has is no use.
        (("a", "b"), ("a", "c"), ("a", "c")),
        (("a",), ("b", "a"), ("b", "a")),
        (MANY[:2], MANY, MANY[:2]),
        (MANY[:1], MANY, MANY),
    ],
)
def test_added_are_a_few_runs_after_those_that_were_there(
    before: tuple[str, ...], now: tuple[str, ...], settled: tuple[str, ...]
) -> None:
    assert settled_runs(before, now) == settled


def test_the_legend_names_runs_the_oldest_first_each_in_its_own_colour() -> None:
    name = 'a "b" \\ </script>'
    curves = [Curve("id-2", "same", "#222222", [row(1)]), Curve("id-1", name, "#111111", [row(1)])]
    found = overlay_rows("accuracy", curves, ("val",), "epoch")
    assert cells(found.lines, "key") == ["id-2 same", f"id-1 {name}"] == cells(found.names, "key")
    assert cells(found.names, "color") == ["#222222", "#111111"]
    legend, lines = overlay_spec("accuracy", ("val",), "epoch")["layer"][:2]
    color = legend["encoding"]["color"]
    assert color["field"] == "key" and color["scale"] == {"range": {"field": "color"}}
    assert legend["data"]["name"] == "names" and lines["encoding"]["color"]["field"] == "key"


def test_two_runs_of_one_colour_are_two_colours_to_the_chart() -> None:
    curves = [curve(run_id, row(1)) for run_id in "abc"]
    found = overlay_rows("accuracy", curves, ("val",), "epoch")
    assert cells(found.names, "color") == ["#111111", "#111111fe", "#111111fd"]


def test_parts_stand_in_the_legend_in_their_order_and_their_runs_keep_lines_of_their_own() -> None:
    parts = {"sgd": "#aaaaaa", "adamw": "#bbbbbb"}
    curves = [
        Curve("a", "one", "#111111", [row(1)], "adamw"),
        Curve("b", "two", "#111111", [row(1)], "adamw"),
    ]
    found = overlay_rows("accuracy", curves, ("val",), "epoch", parts=parts)
    assert cells(found.lines, "key") == ["0001 adamw"] * 2 == cells(found.names, "key")
    assert cells(found.names, "color") == ["#bbbbbb"] * 2
    assert found.named == 1 and cells(found.lines, "id") == ["a", "b"]
    line = overlay_spec("accuracy", ("val",), "epoch", by_part=True)["layer"][1]["encoding"]
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
    assert set(found.lines.column_names) == asked["lines"] - {"series", "value"} | set(shown)
    assert set(found.spots.column_names) == asked["spots"]
    assert found.added_lines.schema == found.lines.schema and asked["added_lines"] == asked["lines"]
    assert found.added_spots.schema == found.spots.schema and asked["added_spots"] == asked["spots"]
    # The legend's colours are their own field.
    assert set(found.names.column_names) == asked["names"] | {"color"}


def asked_fields(layers: list[dict[str, Any]], data: str) -> set[str]:
    """The fields that the encodings of one data set name, in tests too."""
    text = json.dumps([layer["encoding"] for layer in layers if layer["data"]["name"] == data])
    return {field or tested for field, tested in re.findall(r'"field": "([^"]+)"|datum\.(key)', text)}


def test_a_run_more_or_less_leaves_the_chart_as_high_as_it_is() -> None:
    assert len({overlay_height(names) for names in range(1, 13)}) == 1
    assert overlay_height(13) > overlay_height(12) and overlay_height(3, 300) < overlay_height(3, 400)


def test_a_row_more_in_the_legend_is_taken_from_the_room_above_it() -> None:
    """It would make the curves lower, and the browser would draw all of them twice."""
    legend = overlay_spec("accuracy", ("val",), "epoch")["layer"][0]["encoding"]["color"]["legend"]
    assert legend["offset"]["expr"] == "18 + 23 * (ceil(length(domain('color')) / 3) % 2)"


def test_one_line_of_each_run_needs_no_fold_and_looks_as_it_does_beside_others() -> None:
    alone = overlay_spec("accuracy", ("val",), "epoch")["layer"][1]
    assert "transform" not in alone and alone["encoding"]["y"]["field"] == "val"
    beside = overlay_spec("accuracy", ("val", "train"), "epoch")["layer"][1]["encoding"]
    # A line of no dash is solid.
    assert alone["mark"].get("strokeDash", [1, 0]) == beside["strokeDash"]["scale"]["range"][0]
    assert alone["mark"]["strokeWidth"] == beside["strokeWidth"]["scale"]["range"][0]


def test_what_is_picked_in_the_legend_is_asked_of_lines_points_and_rings() -> None:
    legend, *layers = overlay_spec("accuracy", ("val",), "epoch")["layer"]
    # No pointer finds the points that bring the legend.
    assert legend["mark"]["tooltip"] is None and legend["mark"]["size"] == 0
    assert legend["mark"]["opacity"] == 0 and legend["encoding"]["color"]["legend"]["symbolOpacity"] == 1
    found = {}
    for layer in layers:
        channel = "size" if "spots" in layer["data"]["name"] else "opacity"
        (condition,) = layer["encoding"][channel]["condition"]
        assert "pick.key" in condition["test"]
        found[layer["data"]["name"]] = (condition["value"], layer["encoding"][channel]["value"])
    lines, spots = (1.0, 0.12), (110, 0)
    assert found.pop("names") == lines
    assert found == {"lines": lines, "added_lines": lines, "spots": spots, "added_spots": spots}


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("averaged", [False, True])
def test_specs_bring_no_rows_of_their_own(kind: Kind, averaged: bool) -> None:
    lines = ("val", AVERAGED, "train") if averaged else ("val", "train")
    shown = lines if kind in ("accuracy", "loss") else (kind,)
    text = json.dumps(overlay_spec(kind, shown, "epoch", averaged=averaged))
    assert '"values": [' not in text.replace('"values": []', "") and '"title"' in text
    found = overlay_rows(kind, [curve("a", row(1))], shown, "epoch", averaged=averaged)
    assert set(shown) <= set(found.lines.column_names)


def test_epochs_are_whole_numbers() -> None:
    x = overlay_spec("accuracy", ("val",), "epoch")["layer"][1]["encoding"]["x"]
    assert x["axis"]["tickMinStep"] == 1 and x["axis"]["format"] == "d"
    assert (
        "tickMinStep" not in overlay_spec("accuracy", ("val",), "time")["layer"][1]["encoding"]["x"]["axis"]
    )


def test_values_that_are_no_numbers_are_gaps() -> None:
    rows = (row(1), row(2, float("inf")), {"epoch": 3})
    lines = overlay_rows("accuracy", [curve("a", *rows)], ("val",), "time").lines
    assert cells(lines, "val") == [0.5, None, None] and cells(lines, "x")[2] is None
