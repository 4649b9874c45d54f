"""Compare's curves: what the browser gets of them, when, and what is said where there are none."""

from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.runs import RunStore
from tests.pages.made_runs import make_run
from tests.pages.opening import show
from tests.pages.test_compare import frame, page, texts
from ui import compare_views
from ui.compare_curves import POINTS_IN_ALL, curves_of, read_runs


def datasets(test: AppTest) -> dict[str, bytes]:
    """What the chart's rows are on their way to the browser."""
    [chart] = test.get("vega_lite_chart")
    return {part.name: part.data.data for part in chart.proto.datasets}


def test_a_run_more_leaves_the_rows_of_the_others_as_the_browser_has_them(store: RunStore) -> None:
    runs = [make_run(store).id for _ in range(4)]
    test = page(*runs[:2])
    before = datasets(test)
    test.query_params["runs"] = ",".join(runs[:3])
    after = datasets(show(test))
    assert {name for name in before if before[name] != after[name]} == {
        "added_lines",
        "added_spots",
        "names",
    }
    test.query_params["runs"] = ",".join(runs[1:])
    fresh = datasets(show(test))
    assert fresh == datasets(page(*runs[1:])) and fresh["lines"] != after["lines"]


def test_a_long_run_keeps_its_points_while_a_few_more_are_added(store: RunStore) -> None:
    entries = [store.entry(make_run(store)) for _ in range(20)]
    rows = [{"epoch": epoch, "lr": 0.1, "val/accuracy": epoch * 37 % 101 / 101} for epoch in range(1, 601)]
    reads = {entry.id: replace(read_runs([entry])[entry.id], rows=rows) for entry in entries}
    shown = [curves_of(entries[:count], reads)[0].rows for count in range(1, 21)]
    assert [count for count in range(2, 21) if shown[count - 1] != shown[count - 2]] == [7, 11, 16]
    assert all(count * len(rows) <= POINTS_IN_ALL for count, rows in enumerate(shown, 1))


def test_the_curves_are_made_before_any_place_of_the_page_is_sent(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser would else draw the places first, and the curves that much later."""
    order: list[str] = []
    make, container = compare_views.make_curves, st.container
    monkeypatch.setattr(compare_views, "make_curves", lambda *a: order.append("made") or make(*a))
    monkeypatch.setattr(st, "container", lambda *a, **k: order.append("place") or container(*a, **k))
    page(make_run(store).id)
    # The first is the fragment's own.
    assert order[:2] == ["place", "made"] and len(order) > 6


def test_curves_that_cannot_be_made_are_said_where_they_would_stand(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "epochs.jsonl")

    run = make_run(store)
    monkeypatch.setattr(compare_views, "read_runs", refused)
    test = page(run.id)
    assert "cannot be read" in test.error[0].value and not test.get("vega_lite_chart")
    order = [node.type for node in test.main]
    assert order.index("error") > order.index(test.dataframe[0].type)
    assert len(frame(test, 0)) == 1 and "1 selected" in texts(test)
