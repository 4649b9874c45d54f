"""Parallel axes: where a run's line passes, and what is left out."""

import pytest

from tests.unit.ui.test_run_fields import entry
from ui.compare_parallel import MOST_LINES, _thinned, parallel_frame, parallel_spec
from ui.run_fields import Field

BEST = Field("best", "Best val (%)", (50.0, 60.0, 55.0), is_number=True)
ENTRIES = [entry(at) for at in range(3)]


def heights(field: Field) -> dict[str, float]:
    frame = parallel_frame(ENTRIES, [field, BEST], None, [0, 1, 2])
    lines = frame[(frame["axis"] == 0) & frame["id"].notna()]
    return dict(zip(lines["id"], lines["y"], strict=True))


def ticks(field: Field) -> dict[str, float]:
    frame = parallel_frame(ENTRIES, [field, BEST], None, [0, 1, 2])
    rows = frame[(frame["axis"] == 0) & frame["tick"].notna()]
    return dict(zip(rows["tick"], rows["y"], strict=True))


def test_numbers_lie_between_the_lowest_and_the_highest() -> None:
    field = Field("x", "X", tuple(float(v) for v in (0, 5, 20)), is_number=True)
    many = Field("x", "X", (*field.values, *(float(v) for v in range(1, 5))), is_number=True)
    found = heights(many)
    assert found == {"r0": 0.0, "r1": 0.25, "r2": 1.0}
    assert ticks(many) == {"0": 0.0, "5": 0.25, "10": 0.5, "15": 0.75, "20": 1.0}


def test_numbers_far_apart_are_spread_by_their_logarithm() -> None:
    field = Field("lr", "lr", (0.001, 0.01, 0.1, 0.002, 0.003, 0.004, 0.005), is_number=True)
    assert heights(field) == {"r0": 0.0, "r1": pytest.approx(0.5), "r2": pytest.approx(1.0)}


def test_a_few_values_stand_at_equal_distances_and_their_runs_beside_each_other() -> None:
    field = Field("x", "X", ("a", "b", "b"), is_number=False)
    found = heights(field)
    assert ticks(field) == {"a": 0.0, "b": 1.0}
    assert (
        found["r0"] == 0 and found["r1"] < 1 < found["r2"] and found["r1"] + found["r2"] == pytest.approx(2)
    )


def test_a_run_without_a_value_passes_by_the_axis() -> None:
    assert set(heights(Field("x", "X", ("a", None, "b"), is_number=False))) == {"r0", "r2"}


def test_an_axis_with_one_value_stands_in_the_middle() -> None:
    assert ticks(Field("x", "X", ("a", "a", "a"), is_number=False)) == {"a": 0.5}


def test_lines_carry_their_part_and_their_best() -> None:
    color = Field("x", "X", ("a", "b", "b"), is_number=False)
    frame = parallel_frame(ENTRIES, [BEST], color, [0, 2])
    lines = frame[frame["id"].notna()]
    assert lines[["id", "run", "part", "best"]].to_numpy().tolist() == [
        ["r0", "run 0", "a", 50.0],
        ["r2", "run 2", "b", 55.0],
    ]


def test_of_very_many_runs_some_are_drawn_from_the_best_to_the_worst() -> None:
    values = tuple(float(at) for at in range(3 * MOST_LINES))
    chosen = _thinned(Field("best", "Best", values, is_number=True))
    assert len(chosen) == len(set(chosen)) == MOST_LINES
    assert chosen[0] == 0 and chosen[-1] == len(values) - 1
    assert len(_thinned(BEST)) == 3


def test_the_chart_brings_no_rows_and_names_its_axes_by_their_last_parts() -> None:
    spec = parallel_spec(("Optimizer › Learning rate", "Best val (%)"), (), None, (50.0, 60.0), dark=False)
    text = str(spec)
    assert "data" not in spec and "Learning rate" in text and "Optimizer" not in text
    assert spec == parallel_spec(
        ("Optimizer › Learning rate", "Best val (%)"), (), None, (50.0, 60.0), dark=False
    )
