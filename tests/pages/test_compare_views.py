"""Compare with many runs: groups that unfold, a filter by a setting, scatter, parallel axes, lineage."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import Run, RunStore
from tests.pages.made_runs import data_info, make_run
from tests.pages.opening import opened, show
from tests.pages.test_compare import frame, texts
from ui.charts import run_color
from ui.compare_groups import FIELDS_FROM
from ui.run_table import UNFOLD


@pytest.fixture
def runs(store: RunStore) -> list[Run]:
    """Two recipes with three seeds each, and one alone."""
    made = [
        make_run(
            store,
            name=name if seed == 0 else f"{name}, seed {seed}",
            level=level + seed / 50,
            settings={"optimizer": {"kind": "sgd", "lr": lr}, "seed": seed},
        )
        for name, lr, level in (("slow", 0.01, 0.4), ("fast", 0.1, 0.6))
        for seed in range(3)
    ]
    return [*made, make_run(store, name="alone", settings={"batch_size": 16})]


def page(view: str, *runs: Run) -> AppTest:
    return opened("compare", runs=",".join(run.id for run in runs), view=view)


def rows(test: AppTest) -> Any:
    [chart] = test.get("vega_lite_chart")
    from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

    return convert_arrow_bytes_to_pandas_df(chart.proto.data.data)


def spec(test: AppTest) -> str:
    [chart] = test.get("vega_lite_chart")
    return json.dumps(json.loads(chart.proto.spec))


class TestTable:
    def test_repeats_are_one_line_that_a_click_unfolds(self, runs: list[Run]) -> None:
        test = page("")
        assert frame(test, 0)["name"].tolist() == ["alone", "fast", "slow"]
        assert [str(cell)[-5:] for cell in frame(test, 0)["repeats"][1:]] == ["n = 3", "n = 3"]
        test.session_state[UNFOLD] = {"row": 1}
        names = [name.strip("\u2003↳ ") for name in frame(show(test), 0)["name"]]
        assert names == ["alone", "fast", "seed 0", "seed 1", "seed 2", "slow"]

    def test_a_group_of_which_one_run_is_selected_is_unfolded(self, runs: list[Run]) -> None:
        test = page("", runs[4])
        assert len(frame(test, 0)) == 6 and "1 selected" in texts(test)

    def test_a_selected_group_is_told_as_repeats_of_one_recipe(self, runs: list[Run]) -> None:
        assert "3 selected, repeats of one recipe" in texts(page("", *runs[:3]))
        assert "6 selected, of 2 recipes" in texts(page("", *runs[:6]))
        assert "2 selected." in texts(page("", runs[0], runs[3]))

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("lr<0.05", ["slow"]),
            ("optimizer.kind=sgd batch_size=16", ["alone"]),
            ("lr>=0.1 fast", ["fast"]),
            ("lr=nothing", []),
        ],
    )
    def test_runs_are_found_by_a_setting(self, runs: list[Run], asked: str, found: list[str]) -> None:
        test = page("")
        test.text_input(key="compare_text").set_value(asked)
        show(test)
        assert (frame(test, 0)["name"].tolist() if found else []) == found
        assert found or "No run passes this filter" in texts(test)


class TestGroups:
    def test_a_point_per_run_coloured_by_its_group_with_a_legend(self, runs: list[Run]) -> None:
        test = page("groups")
        assert rows(test)["part"].value_counts().to_dict() == {"slow": 3, "fast": 3, "alone": 1}
        assert '"title": "Group of repeats"' in spec(test)

    def test_a_group_has_the_colour_that_the_table_shows(self, runs: list[Run]) -> None:
        [chart] = page("groups").get("vega_lite_chart")
        [layer] = [part for part in [json.loads(chart.proto.spec)] if "encoding" in part]
        scale = layer["encoding"]["color"]["scale"]
        heads = {"slow": runs[0], "fast": runs[3], "alone": runs[6]}
        wanted = {name: run_color(run.status().color) for name, run in heads.items()}
        assert dict(zip(scale["domain"], scale["range"], strict=True)) == wanted

    def test_few_runs_by_themselves_are_named_below_the_chart(self, runs: list[Run]) -> None:
        test = page("groups", *runs)
        test.session_state["compare_scatter_color"] = "run"
        show(test)
        assert len(set(rows(test)["part"])) == 7 and "slow, seed 1" in spec(test)

    def test_side_by_side_there_is_a_chart_for_each_value(self, runs: list[Run]) -> None:
        test = page("groups")
        test.session_state["compare_scatter_facet"] = "optimizer.lr"
        assert len(show(test).get("vega_lite_chart")) == 2

    @pytest.mark.parametrize("way", ["Scatter", "Parallel coordinates"])
    def test_runs_on_other_images_are_said_not_to_compare(
        self, store: RunStore, runs: list[Run], way: str
    ) -> None:
        assert not page("groups").warning
        make_run(store, info=data_info("other"))
        test = page("groups")
        test.session_state["compare_groups_way"] = way
        [warning] = show(test).warning
        assert "these runs saw different data sets" in warning.value
        assert len(test.get("vega_lite_chart")) == 1

    def test_too_few_runs_have_no_pattern(self, store: RunStore) -> None:
        make_run(store)
        test = page("groups")
        assert not test.get("vega_lite_chart") and f"at least {FIELDS_FROM} runs" in texts(test)

    @pytest.mark.parametrize(
        ("states", "sentence"),
        [
            (("finished", "finished"), ""),
            (("finished", "stopped"), "1 of these runs is not done: the figures are those so far."),
            (("stopped", "failed"), "2 of these runs are not done: the figures are those so far."),
        ],
    )
    def test_it_says_how_many_runs_are_not_done(
        self, store: RunStore, states: tuple[str, str], sentence: str
    ) -> None:
        make_run(store)
        for state in states:
            make_run(store, state=state, done=10 if state == "finished" else 4)
        said = texts(page("groups"))
        assert sentence in said
        assert ("not done" in said) == bool(sentence)

    def test_parallel_axes_begin_with_the_settings_that_differ(self, runs: list[Run]) -> None:
        test = page("groups")
        test.session_state["compare_groups_way"] = "Parallel coordinates"
        show(test)
        assert test.multiselect(key="compare_axes").value == ["optimizer.lr", "batch_size"]
        drawn = rows(test)
        assert drawn["id"].nunique() == 7 and set(drawn["axis"]) == {0, 1, 2}
        test.multiselect(key="compare_axes").set_value([])
        assert "Choose at least one axis" in texts(show(test))


class TestWhatChanged:
    def test_groups_are_compared_by_their_means_and_it_says_over_how_many(self, runs: list[Run]) -> None:
        test = page("changed", *runs[:6])
        assert "Means over 3 seeds on each side." in texts(test)
        changes, effects = test.table[0].value, test.table[1].value
        assert changes.index.tolist() == ["Optimizer › Learning rate"]
        means = [
            sum(run.status().best.val_accuracy for run in side) / 3 * 100  # type: ignore[union-attr]
            for side in (runs[:3], runs[3:6])
        ]
        shown = effects.loc["Best val accuracy"]
        assert [shown["Before"], shown["After"]] == [f"{mean:.1f} %" for mean in means]

    def test_two_seeds_of_one_group_are_compared_one_by_one(self, runs: list[Run]) -> None:
        test = page("changed", *runs[:2])
        assert "Means over" not in texts(test) and "repeat with another seed" in texts(test)

    def test_three_sides_are_asked_to_be_two(self, runs: list[Run]) -> None:
        assert "Selected are 3" in texts(page("changed", runs[0], runs[3], runs[6]))


def test_the_lineage_shows_a_line_per_recipe(runs: list[Run]) -> None:
    test = page("lineage", runs[0])
    names = [name.strip("●├└│↓─ \u2002") for name in frame(test, 1)["Run"]]
    assert sorted(names) == ["alone", "fast (n = 3)", "slow (n = 3) ◂"]
