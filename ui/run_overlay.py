"""Curves of several runs laid over each other. A run's key in the chart is its id, for two runs may
have one name."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from core.insight import best_row, number
from ui.charts import spec_of
from ui.run_charts import (
    ROWS,
    Kind,
    Row,
    chart_title,
    line_styles,
    position,
    series_of,
    value_axis,
    value_tooltips,
)

XAxis = Literal["epoch", "time"]

HEIGHT = 420
LEGEND_COLUMNS = 3
LEGEND_ROW = 24


@dataclass(frozen=True)
class Curve:
    """One run's rows, and how it is drawn."""

    id: str
    name: str
    color: str
    rows: Sequence[Row]
    part: str = ""
    """Where the colours stand for a setting's values: the run's."""


Names = tuple[tuple[str, str, str], ...]
"""What the legend names: its key in the rows, its words and its colour."""


def overlay_frame(
    kind: Kind, curves: Sequence[Curve], x_axis: XAxis, *, averaged: bool = False
) -> pd.DataFrame:
    """The rows of several runs for one chart; `x` is the epoch, or the minutes since the start."""
    series = series_of(kind, averaged)
    frames: dict[str, list[Any]] = {name: [] for name in ("id", "run", "part", "x", "epoch", "best", *series)}
    for curve in curves:
        best = best_row(curve.rows)
        for row in curve.rows:
            epoch, seconds = number(row, "epoch"), number(row, "elapsed_s")
            minutes = None if seconds is None else seconds / 60
            frames["id"].append(curve.id)
            frames["run"].append(curve.name)
            frames["part"].append(curve.part)
            frames["epoch"].append(epoch)
            frames["x"].append(position(row) if x_axis == "epoch" else minutes)
            frames["best"].append(row is best)
            for name, key in series.items():
                frames[name].append(number(row, key))
    return pd.DataFrame(frames)


@st.cache_data(show_spinner=False, max_entries=100)
def overlay_spec(
    kind: Kind,
    names: Names,
    shown: tuple[str, ...],
    x_axis: XAxis,
    *,
    averaged: bool = False,
    by: Literal["id", "part"] = "id",
    domain: tuple[float, float] | None = None,
    height: int = HEIGHT,
) -> dict[str, Any]:
    """The chart of several runs before their rows, a colour for each of `names`: runs, or parts of them.

    With a `domain` charts beside each other share their axis of values.
    """
    pick = alt.selection_point(name="pick", fields=[by], bind="legend")
    faded = alt.condition(pick, alt.value(1.0), alt.value(0.12))
    x, color = _x(x_axis), _color(names, by)
    y = value_axis(kind)
    if domain is not None:
        y = y.scale(domain=list(domain), nice=True, zero=False)
    lines = (
        alt.Chart(ROWS)
        .transform_fold(list(shown), as_=["series", "value"])
        .mark_line()
        .encode(x=x, y=y, color=color, detail="id:N", opacity=faded, **line_styles(shown))
        .add_params(pick)
    )
    layers = [lines, _spots(kind, x, color, shown[0], list(series_of(kind, averaged)))]
    if kind == "accuracy" and "val" in shown:
        layers.append(
            alt.Chart(ROWS)
            .transform_filter("datum.best")
            .mark_point(size=120, strokeWidth=2, filled=False)
            .encode(x=x, y=alt.Y("val:Q"), color=color, opacity=faded)
        )
    # The legend takes its rows from the chart's height.
    height += LEGEND_ROW * math.ceil(len(names) / LEGEND_COLUMNS)
    return spec_of(alt.layer(*layers).properties(height=height, title=chart_title(kind)))


def _x(x_axis: XAxis) -> alt.X:
    if x_axis == "time":
        return alt.X("x:Q", title="minutes", axis=alt.Axis(grid=False))
    # Epochs are whole numbers: no tick between two of them.
    return alt.X("x:Q", title="epoch", axis=alt.Axis(grid=False, format="d", tickMinStep=1))


def _color(names: Names, by: str) -> alt.Color:
    keys = [key for key, _, _ in names]
    words = json.dumps({key: text for key, text, _ in names})
    return alt.Color(
        f"{by}:N",
        scale=alt.Scale(domain=keys, range=[color for _, _, color in names]),
        sort=keys,
        legend=alt.Legend(
            title=None,
            labelExpr=f"{words}[datum.value]",
            orient="bottom",
            columns=LEGEND_COLUMNS,
            symbolType="stroke",
            symbolSize=400,
            labelLimit=330,
        ),
    )


def _spots(kind: Kind, x: alt.X, color: alt.Color, at: str, names: list[str]) -> Any:
    """What a pointer finds: an invisible dot on each epoch of the first line."""
    return (
        alt.Chart(ROWS)
        .mark_circle(size=70)
        .encode(
            x=x,
            y=alt.Y(field=at, type="quantitative"),
            color=color,
            opacity=alt.value(0.0),
            tooltip=[
                alt.Tooltip("run:N"),
                alt.Tooltip("epoch:Q", format="d"),
                *value_tooltips(kind, names),
            ],
        )
    )
