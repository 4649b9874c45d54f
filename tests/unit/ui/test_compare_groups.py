"""The scatter of many runs: what a point is, and how it is coloured."""

from dataclasses import replace

import pytest

from core.runs import Notes
from tests.unit.ui.test_run_fields import entry
from ui.compare_groups import scatter_frame, scatter_spec
from ui.run_fields import Field

ENTRIES = [entry(at, 0.5 + at / 10) for at in range(3)]
BEST = Field("best", "Best val (%)", (50.0, 60.0, 70.0), is_number=True)


def test_a_point_is_a_run_at_its_value_and_best_val() -> None:
    many = Field("x", "X", tuple(float(at) for at in range(9)), is_number=True)
    frame = scatter_frame(ENTRIES, Field("x", "X", many.values[:3], is_number=True), BEST, None)
    assert frame["x"].tolist() == ["0", "1", "2"]  # few values stand side by side
    assert frame["best"].tolist() == [50.0, 60.0, 70.0] and frame["epoch"].tolist() == [1, 2, 3]
    assert frame["part"].tolist() == frame["run"].tolist() == ["run 0", "run 1", "run 2"]


def test_runs_of_one_name_are_told_apart() -> None:
    twins = [replace(entry(at), notes=Notes(name="same")) for at in range(3)]
    assert len(set(scatter_frame(twins, BEST, BEST, None)["run"])) == 3


def test_a_setting_gives_the_colour_where_one_is_chosen() -> None:
    choice = Field("x", "X", ("a", None, "b"), is_number=False)
    assert scatter_frame(ENTRIES, BEST, BEST, choice)["part"].tolist() == ["a", "–", "b"]


@pytest.mark.parametrize("colors", [(), (("a", "#111111"), ("b", "#222222"))])
def test_colours_have_a_legend_where_they_are_named(colors: tuple[tuple[str, str], ...]) -> None:
    spec = scatter_spec("X", False, (), colors, "X", 300, (40.0, 80.0))
    color = spec["encoding"]["color"]
    if colors:
        assert color["scale"]["domain"] == ["a", "b"] and color["legend"]["orient"] == "bottom"
    else:
        assert color["scale"] is None


def test_numbers_have_a_scale_and_few_values_a_place_each() -> None:
    log = scatter_spec("X", True, (), (), None, 300, (40.0, 80.0))["encoding"]["x"]
    assert (log["type"], log["scale"]["type"]) == ("quantitative", "log")
    few = scatter_spec("X", False, ("a", "b"), (), None, 300, (40.0, 80.0))["encoding"]["x"]
    assert (few["type"], few["sort"]) == ("nominal", ["a", "b"])
