"""Rows of epochs.jsonl as charts: one run while it trains, or several laid over each other.

A chart's spec depends on plain values only and is built once (`st.cache_data`); the rows go beside
it. Train is dashed, val solid, the clean train accuracy thin; a colour is a run's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from core.insight.curves import best_row, number
from ui.charts import TRAIN_DASH, spec_of

Row = Mapping[str, Any]
Kind = Literal["accuracy", "loss", "lr"]
XAxis = Literal["epoch", "time"]

HEIGHTS: dict[Kind, int] = {"accuracy": 360, "loss": 360, "lr": 190}
DOTS_UP_TO = 40
"""Up to so many epochs each one has a dot: a line of one point would show nothing."""

_SERIES: dict[Kind, tuple[str, ...]] = {
    "accuracy": ("val", "train", "clean train"),
    "loss": ("val", "train"),
    "lr": ("lr",),
}
_KEYS: dict[Kind, tuple[str, ...]] = {
    "accuracy": ("val/accuracy", "train/accuracy", "train/clean_accuracy"),
    "loss": ("val/loss", "train/loss"),
    "lr": ("lr",),
}
_TITLES: dict[Kind, str] = {"accuracy": "Accuracy", "loss": "Loss", "lr": "Learning rate"}
_FORMATS: dict[Kind, str] = {"accuracy": ".1%", "loss": ".3f", "lr": ".3~g"}
_AXIS_FORMATS: dict[Kind, str] = {"accuracy": ".0%", "loss": "~g", "lr": "~g"}
_DASHES = {"val": [1, 0], "train": TRAIN_DASH, "clean train": [1, 0], "lr": [1, 0]}
_WIDTHS = {"val": 2.4, "train": 1.7, "clean train": 0.9, "lr": 1.8}
_ROWS = alt.NamedData(name="rows")
"""The same for all layers, or each would bring an empty table of its own."""
_COLUMNS = ("run", "role", "x", "epoch", "dot", "best")


def live_frame(
    kind: Kind, rows: Sequence[Row], running: Sequence[Row] = (), behind: Sequence[Row] = ()
) -> pd.DataFrame:
    """The rows of one run for a chart: its epochs, the steps of the epoch under way, and the epochs
    of the run laid behind it."""
    parts = [_part(kind, behind, "behind"), _part(kind, rows, "this")]
    moving = _part(kind, running, "running")
    if rows and running:
        # The running line begins where the last epoch's ended.
        moving = {name: [*parts[1][name][-1:], *values] for name, values in moving.items()}
        moving["role"][0], moving["best"][0], moving["dot"][0] = "running", False, 0.0
    parts.append(moving)
    return pd.DataFrame({name: [v for part in parts for v in part[name]] for name in parts[0]})


def _part(kind: Kind, rows: Sequence[Row], role: str) -> dict[str, list[Any]]:
    best = best_row(rows) if role != "running" else None
    count = len(rows)
    columns: dict[str, list[Any]] = {
        "role": [role] * count,
        "x": [_position(row) for row in rows],
        "epoch": [row.get("epoch") for row in rows],
        "dot": [float(role == "this" and count <= DOTS_UP_TO)] * count,
        "best": [row is best for row in rows],
    }
    for series, key in zip(_SERIES[kind], _KEYS[kind], strict=True):
        columns[series] = [number(row, key) for row in rows]
    return columns


def _position(row: Row) -> float:
    """Where a row stands on the axis of epochs: whole for an epoch's, between for a step's."""
    return float(row.get("position", row.get("epoch", 0)))


def axis_end(done: int, epochs: int) -> int:
    """Where the axis of epochs ends: at the run's end, but a long run's first epochs get room.

    It moves in few, large steps, for each one draws the chart anew.
    """
    end = 25
    while end < done + 1:
        end *= 2
    return epochs if end * 2 > epochs else end


@st.cache_data(show_spinner=False, max_entries=200)
def live_spec(kind: Kind, color: str, behind_color: str, epochs: int) -> dict[str, Any]:
    """The chart of one run over so many epochs, before its rows."""
    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", fields=["x"], empty=False
    )
    x = _epoch_axis(kind, epochs)
    lines = [
        _live_lines(kind, x, "behind", behind_color, 0.38, legend_color=color),
        _live_lines(kind, x, "running", color, 0.45),
        _live_lines(kind, x, "this", color, 1.0),
        _live_dots(kind, x, color),
    ]
    if kind == "accuracy":
        lines.append(_best_mark(x, color))
    tooltip = [alt.Tooltip("epoch:Q", title="epoch", format="d")] + [
        alt.Tooltip(f"{series}:Q", format=_FORMATS[kind]) for series in _SERIES[kind]
    ]
    rule = (
        alt.Chart(_ROWS)
        .transform_filter("datum.role == 'this'")
        .mark_rule(strokeWidth=1)
        .encode(
            x=x,
            opacity=alt.condition(hover, alt.value(0.35), alt.value(0.0)),
            tooltip=tooltip,
        )
        .add_params(hover)
    )
    chart = alt.layer(*lines, rule).properties(height=HEIGHTS[kind], title=_title(kind))
    return spec_of(chart)


def _epoch_axis(kind: Kind, epochs: int) -> alt.X:
    return alt.X(
        "x:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, max(1, epochs)], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False),
    )


def _value_axis(kind: Kind, field: str = "value:Q") -> alt.Y:
    return alt.Y(
        field,
        title=_TITLES[kind].lower(),
        scale=alt.Scale(zero=kind == "lr", nice=True),
        # A fixed width keeps the charts' x axes in line.
        axis=alt.Axis(format=_AXIS_FORMATS[kind], minExtent=44, maxExtent=44, tickCount=_ticks(kind)),
    )


def _ticks(kind: Kind) -> int:
    return 3 if kind == "lr" else 6


def _live_lines(kind: Kind, x: alt.X, role: str, color: str, opacity: float, legend_color: str = "") -> Any:
    legend_color = legend_color or color
    interpolate = "step-before" if kind == "lr" else "linear"
    return (
        alt.Chart(_ROWS)
        .transform_filter(f"datum.role == '{role}'")
        .transform_fold(list(_SERIES[kind]), as_=["series", "value"])
        .mark_line(color=color, opacity=opacity, interpolate=interpolate, clip=True)
        .encode(x=x, y=_value_axis(kind), **_styles(_SERIES[kind], legend_color))
    )


def _live_dots(kind: Kind, x: alt.X, color: str) -> Any:
    return (
        alt.Chart(_ROWS)
        .transform_filter("datum.role == 'this' && datum.dot > 0")
        .transform_fold(list(_SERIES[kind]), as_=["series", "value"])
        .mark_circle(color=color, size=14, opacity=0.9)
        .encode(x=x, y=_value_axis(kind))
    )


def _best_mark(x: alt.X, color: str) -> Any:
    return (
        alt.Chart(_ROWS)
        .transform_filter("datum.best && datum.role == 'this'")
        .mark_point(color=color, filled=False, size=130, strokeWidth=2, opacity=1)
        .encode(
            x=x,
            y=alt.Y("val:Q"),
            tooltip=[
                alt.Tooltip("epoch:Q", title="best epoch", format="d"),
                alt.Tooltip("val:Q", title="val accuracy", format=".1%"),
            ],
        )
    )


@dataclass(frozen=True)
class Curve:
    """One run's rows with the name and colour that it is drawn with."""

    name: str
    color: str
    rows: Sequence[Row]


def overlay_frame(kind: Kind, curves: Sequence[Curve], x_axis: XAxis) -> pd.DataFrame:
    """The rows of several runs for one chart; `x` is the epoch, or the minutes since the start."""
    frames: dict[str, list[Any]] = {name: [] for name in (*_COLUMNS, *_SERIES[kind]) if name != "dot"}
    for curve in curves:
        best = best_row(curve.rows)
        for row in curve.rows:
            seconds = number(row, "elapsed_s")
            frames["run"].append(curve.name)
            frames["role"].append("this")
            frames["epoch"].append(row.get("epoch"))
            frames["x"].append(
                row.get("epoch") if x_axis == "epoch" else None if seconds is None else seconds / 60
            )
            frames["best"].append(row is best)
            for series, key in zip(_SERIES[kind], _KEYS[kind], strict=True):
                frames[series].append(number(row, key))
    return pd.DataFrame(frames)


@st.cache_data(show_spinner=False, max_entries=100)
def overlay_spec(
    kind: Kind, names: tuple[str, ...], colors: tuple[str, ...], series: tuple[str, ...], x_axis: XAxis
) -> dict[str, Any]:
    """The chart of several runs laid over each other, before their rows."""
    pick = alt.selection_point(name="pick", fields=["run"], bind="legend")
    x = alt.X("x:Q", title="epoch" if x_axis == "epoch" else "minutes", axis=alt.Axis(grid=False))
    color = alt.Color(
        "run:N",
        scale=alt.Scale(domain=list(names), range=list(colors)),
        sort=list(names),
        legend=alt.Legend(
            title=None, orient="bottom", columns=3, symbolType="stroke", symbolSize=400, labelLimit=330
        ),
    )
    faded = alt.condition(pick, alt.value(1.0), alt.value(0.12))
    shown = [name for name in _SERIES[kind] if name in series] or list(_SERIES[kind][:1])
    lines = (
        alt.Chart(_ROWS)
        .transform_fold(shown, as_=["series", "value"])
        .mark_line(interpolate="step-before" if kind == "lr" else "linear")
        .encode(x=x, y=_value_axis(kind), color=color, opacity=faded, **_styles(shown))
        .add_params(pick)
    )
    spots = (
        alt.Chart(_ROWS)
        .mark_circle(size=70)
        .encode(
            x=x,
            y=alt.Y(f"{shown[0]}:Q"),
            color=color,
            opacity=alt.value(0.0),
            tooltip=[
                alt.Tooltip("run:N", title="run"),
                alt.Tooltip("epoch:Q", format="d"),
                *(alt.Tooltip(f"{name}:Q", format=_FORMATS[kind]) for name in _SERIES[kind]),
            ],
        )
    )
    layers = [lines, spots]
    if kind == "accuracy" and "val" in shown:
        layers.append(
            alt.Chart(_ROWS)
            .transform_filter("datum.best")
            .mark_point(size=120, strokeWidth=2, filled=False)
            .encode(x=x, y=alt.Y("val:Q"), color=color, opacity=faded)
        )
    return spec_of(alt.layer(*layers).properties(height=440, title=_title(kind)))


def _styles(shown: Sequence[str], color: str | None = None) -> dict[str, Any]:
    """Dash and width of each series, with one legend for both."""
    legend = None
    if len(shown) > 1:
        legend = alt.Legend(
            title=None,
            orient="top",
            direction="horizontal",
            symbolType="stroke",
            symbolSize=500,
            offset=4,
            padding=0,
            symbolOpacity=1,
            **({"symbolStrokeColor": color} if color else {}),
        )
    order = list(shown)
    return {
        "strokeDash": alt.StrokeDash(
            "series:O",
            sort=order,
            scale=alt.Scale(domain=order, range=[_DASHES[s] for s in order]),
            legend=legend,
        ),
        "strokeWidth": alt.StrokeWidth(
            "series:O",
            sort=order,
            scale=alt.Scale(domain=order, range=[_WIDTHS[s] for s in order]),
            legend=legend,
        ),
    }


def _title(kind: Kind) -> alt.TitleParams:
    return alt.TitleParams(_TITLES[kind], offset=6, fontSize=14)


@st.cache_data(show_spinner=False, max_entries=50)
def extension_spec(color: str, epochs: int) -> dict[str, Any]:
    """The learning rate of a run that is to be extended: so far, as planned, and beyond."""
    parts = ["so far", "planned", "extension"]
    chart = (
        alt.Chart(_ROWS)
        .mark_line(color=color, strokeWidth=2)
        .encode(
            x=_epoch_axis("lr", epochs),
            y=_value_axis("lr", "lr:Q"),
            strokeDash=alt.StrokeDash(
                "part:N",
                scale=alt.Scale(domain=parts, range=[[1, 0], [2, 3], TRAIN_DASH]),
                legend=alt.Legend(title=None, orient="bottom", symbolType="stroke", symbolSize=500),
            ),
            tooltip=[
                alt.Tooltip("x:Q", title="epoch", format=".2~f"),
                alt.Tooltip("lr:Q", title="learning rate", format=".3~g"),
            ],
        )
        .properties(height=220, title=_title("lr"))
    )
    return spec_of(chart)
