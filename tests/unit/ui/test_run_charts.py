"""Specs of one run's charts."""

import json
from typing import get_args

import pytest

from core.insight.palette import TRAIN_DASH
from ui.run_charts import Kind, axis_end, extension_spec, live_spec
from ui.run_overlay import overlay_spec

KINDS: tuple[Kind, ...] = get_args(Kind)


@pytest.mark.parametrize("kind", KINDS)
def test_specs_bring_no_rows_of_their_own(kind: Kind) -> None:
    specs = [
        live_spec(kind, "#111111", "#222222", 20),
        live_spec(kind, "#111111", "#222222", 20, averaged=True),
        extension_spec("#111111", 20),
    ]
    for spec in specs:
        assert '"values": [' not in json.dumps(spec).replace('"values": []', "")
        assert "data" not in spec and "title" in spec


def test_train_is_dashed_and_val_solid() -> None:
    text = json.dumps(live_spec("accuracy", "#111111", "#222222", 20))
    order = ["val", "train", "clean train"]
    assert json.dumps({"domain": order, "range": [[1, 0], list(TRAIN_DASH), [1, 0]]}) in text


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


def test_an_accuracys_axis_has_as_many_digits_as_its_ticks_need() -> None:
    """Vega derives them from the distance of the ticks, where the format names no number of digits."""
    specs = [live_spec("accuracy", "#111111", "#222222", 20), overlay_spec("accuracy", ("val",), "epoch")]
    for spec in specs:
        formats = [
            layer["encoding"]["y"]["axis"]["format"]
            for layer in spec["layer"]
            if "axis" in layer["encoding"].get("y", {})
        ]
        assert set(formats) == {"%"}
