"""The verdict as Compare shows it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.insight.verdict import judge
from core.runs import RunEntry, RunStore
from tests.pages.made_runs import HOSTILE, data_info
from tests.pages.opening import press, show
from tests.unit.insight.judged_runs import hits_of, judged_run
from ui.charts import run_color, spec_of
from ui.compare_verdict import verdict_spec
from ui.methods import Section
from ui.words import plain

N = 1500
DROPOUT = {"architecture": {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.5}}


def panel(before: list[RunEntry], after: list[RunEntry]) -> AppTest:
    def script(before: list[str], after: list[str]) -> None:
        from ui.compare_verdict import verdict_panel
        from ui.services import store

        sides = [[store().entry(store().get(run_id)) for run_id in side] for side in (before, after)]
        verdict_panel(sides[0], sides[1])

    arguments = ([entry.id for entry in before], [entry.id for entry in after])
    return show(AppTest.from_function(script, args=arguments, default_timeout=20))


def texts(test: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*test.markdown, *test.caption])


def pair(store: RunStore, only_before: int, only_after: int, name: str = "B") -> tuple[RunEntry, RunEntry]:
    before, after = hits_of(N, 900, only_before, only_after)
    return judged_run(store, before, name="A"), judged_run(store, after, name=name, settings=DROPOUT)


@pytest.mark.parametrize(
    ("counts", "badge"), [((60, 100), "better"), ((100, 60), "worse"), ((60, 62), "open")]
)
def test_the_sentence_the_figures_and_the_smallest_difference_are_shown(
    store: RunStore, counts: tuple[int, int], badge: str
) -> None:
    before, after = pair(store, *counts)
    test = panel([before], [after])
    found = judge([before], [after])
    assert f"##### {plain(found.sentence)}" in texts(test)
    assert f" {badge}]" in test.markdown[0].value
    assert plain(found.smallest_sentence) in texts(test)
    table = test.table[0].value
    assert table.loc["Right only before", "Value"] == plain(f"{counts[0]} of 1,500 images")
    assert table.loc["Right only after", "Value"] == plain(f"{counts[1]} of 1,500 images")
    assert "McNemar" in table.loc["Method", "Value"]
    assert len(test.get("vega_lite_chart") or test.get("arrow_vega_lite_chart")) == 1


def methods(test: AppTest) -> str:
    """What a click on 'How this is judged' opens."""
    return texts(press(test, "methods_verdict"))


def test_the_methods_are_told_whole_from_the_documentation(store: RunStore) -> None:
    before, after = pair(store, 60, 100)
    test = panel([before], [after])
    assert "Tango" not in texts(test)
    told = methods(test)
    for part in ("Tango's score interval", "**Assumptions.**", "**Sources.** McNemar 1947", Section.SMALLEST):
        assert part in told
    groups = [
        [
            judged_run(store, hits_of(N, 900, 60, 100 + s)[at], seed=s + 1, settings=DROPOUT if at else None)
            for s in range(3)
        ]
        for at in (0, 1)
    ]
    assert "Welch 1947" in methods(panel(*groups))


def test_without_the_documentation_the_verdict_stays(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.methods.DOCUMENT", tmp_path / "gone.md")
    before, after = pair(store, 60, 100)
    test = panel([before], [after])
    assert plain(judge([before], [after]).sentence) in texts(test)
    assert "gone.md cannot be read" in methods(test)
    assert not test.error and not test.exception


def test_a_group_shows_its_seeds(store: RunStore) -> None:
    rng = np.random.default_rng(0)
    sides = [
        [judged_run(store, rng.random(N) < share, seed=seed, settings=settings) for seed in range(3)]
        for share, settings in ((0.5, None), (0.7, DROPOUT))
    ]
    test = panel(*sides)
    assert "said of the setting, whatever the seed" in texts(test)
    assert test.table[0].value.loc["Seeds, before and after", "Value"] == "3 and 3"


def test_runs_that_cannot_be_compared_say_so_without_a_chart(store: RunStore) -> None:
    before, _ = pair(store, 60, 100)
    other = judged_run(store, hits_of(N, 900, 60, 100)[1], info=data_info("faces"))
    test = panel([before], [other])
    assert "not comparable" in test.markdown[0].value
    assert "different data sets" in texts(test)
    assert not test.table


def test_a_hostile_name_is_shown_as_it_is(store: RunStore) -> None:
    before, after = pair(store, 60, 100, name=HOSTILE)
    assert plain(HOSTILE) in texts(panel([before], [after]))


def test_the_chart_is_built_once_per_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def counted(chart: Any) -> dict[str, Any]:
        built.append(chart)
        return spec_of(chart)

    monkeypatch.setattr("ui.compare_verdict.spec_of", counted)
    verdict_spec.clear()
    specs = [verdict_spec(run_color(color)) for color in (1, 1, 2, 1)]
    assert len(built) == 2
    assert specs[0] == specs[1] != specs[2]


def test_the_chart_is_an_interval_with_its_point_on_the_band_of_what_cannot_be_shown() -> None:
    marks = [layer["mark"]["type"] for layer in verdict_spec(run_color(1))["layer"]]
    assert marks == ["rect", "rule", "rule", "tick", "tick", "circle"]
