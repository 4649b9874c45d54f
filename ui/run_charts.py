"""The charts of one run. ui/live_rows.py makes their rows, ui/run_overlay.py lays several runs over each
other.

A chart's spec depends on plain values only and is built once (`st.cache_data`); the rows go beside
it. Train is dashed, val solid, val of the averaged weights dotted, clean train thin; a colour is a
run's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import streamlit as st

from core.insight import number, overfit_gap
from core.insight.palette import ACCURACY_LINES, TRAIN_DASH
from ui.charts import spec_of
from ui.layout import LIVE_HEIGHTS

Row = Mapping[str, Any]
Kind = Literal["accuracy", "loss", "lr", "gap"]

MARK_COLOR = "#8a8f98"
"""Shows on light and on dark."""
AVERAGED = next(line.name for line in ACCURACY_LINES if "ema" in line.key)
"""The line of the averaged weights: only runs that average them have it."""

MARKED: dict[Kind, tuple[str, ...]] = {
    "accuracy": ("gap", "levelled", "collapse"),
    "loss": ("missing",),
    "lr": ("collapse",),
    "gap": ("gap",),
}
"""Which marks of core/insight/overfit.py stand on which chart."""

_KEYS: dict[Kind, dict[str, str]] = {
    "accuracy": {line.name: line.key for line in ACCURACY_LINES},
    "loss": {line.name: line.key.replace("accuracy", "loss") for line in ACCURACY_LINES},
    "lr": {"lr": "lr"},
    "gap": {"gap": "gap"},
}
_TITLES: dict[Kind, str] = {
    "accuracy": "Accuracy",
    "loss": "Loss",
    "lr": "Learning rate",
    "gap": "Overfit gap: clean train minus val accuracy",
}
_LOSSES = "train: what training minimizes; val, clean train: plain cross entropy"
"""Train has label smoothing and mixed images in it where the recipe asks for them; the others never."""
_AXIS_TITLES: dict[Kind, str] = {"gap": "points"}
"""Where it is not the chart's own title."""
_FORMATS: dict[Kind, str] = {"accuracy": ".1%", "loss": ".3f", "lr": ".3~g", "gap": "+.1f"}
_AXIS_FORMATS: dict[Kind, str] = {"accuracy": "%", "loss": "~g", "lr": "~g", "gap": ".1~f"}
"""Of an accuracy as many digits as the distance of the ticks asks for."""
_LOW: tuple[Kind, ...] = ("lr", "gap")
"""Charts with one line, which begin at 0 and have few ticks."""
_DASHES = {line.name: list(line.dash) for line in ACCURACY_LINES} | {"lr": [1, 0], "gap": [1, 0]}
_WIDTHS = {line.name: line.width for line in ACCURACY_LINES} | {"lr": 1.8, "gap": 1.8}
ROWS, RUNNING = alt.NamedData(name="rows"), alt.NamedData(name="running")
"""Whole epochs, and the steps of the one under way. Named, or each layer would bring an empty table of its
own."""


def value_of(row: Row, key: str) -> float | None:
    """What a line shows of a row: the row's number of this key, or its gap in points."""
    if key != "gap":
        return number(row, key)
    gap = overfit_gap(row)
    return None if gap is None else gap * 100


def series_of(kind: Kind, averaged: bool) -> dict[str, str]:
    """The lines of a chart, each with its key in a row."""
    return {name: key for name, key in _KEYS[kind].items() if averaged or name != AVERAGED}


def height_column(kind: Kind) -> str:
    """The column that holds the height of a mark's label: the chart's own line, of several val's."""
    return "val" if kind in ("accuracy", "loss") else kind


def position(row: Row) -> float | None:
    """Where a row stands on the axis of epochs: whole for an epoch's, between for a step's."""
    return number(row, "position" if "position" in row else "epoch")


def axis_end(done: int, epochs: int) -> int:
    """Where the axis of epochs ends: at the run's end, but a long run's first epochs get room.

    It moves in few, large steps, for each one draws the chart anew.
    """
    end = 25
    while end < done + 1:
        end *= 2
    return epochs if end * 2 > epochs else end


@st.cache_data(show_spinner=False, max_entries=200)
def live_spec(
    kind: Kind, color: str, behind_color: str, epochs: int, *, averaged: bool = False
) -> dict[str, Any]:
    """The chart of one run over so many epochs, before its rows."""
    names = list(series_of(kind, averaged))
    x = _epoch_axis(epochs)
    lines = [
        _live_lines(kind, names, x, _in_role("behind"), behind_color, 0.38, legend_color=color),
        _live_lines(kind, names, x, alt.Chart(RUNNING), color, 0.45),
        _live_lines(kind, names, x, _in_role("this"), color, 1.0),
    ]
    if kind == "gap":
        lines.append(zero_line())
    if kind != "lr":
        lines.append(_live_dots(kind, names, x, color))
    if kind == "accuracy":
        lines.append(_best_mark(x, color))
    if kind in MARKED:
        lines += _mark_layers(kind, x)
    lines.append(_hover_rule(kind, names, x))
    return spec_of(alt.layer(*lines).properties(height=LIVE_HEIGHTS[kind], title=chart_title(kind)))


def _mark_layers(kind: Kind, x: alt.X) -> list[Any]:
    """Dashed rules, each with its label beside it."""
    marks = alt.Chart(ROWS).transform_filter("datum.label != null")
    height = alt.Y(field=height_column(kind), type="quantitative")
    layers = [marks.mark_rule(color=MARK_COLOR, strokeDash=[3, 3], strokeWidth=1.3, clip=True).encode(x=x)]
    for side, align, dx in (("right", "left", 5), ("left", "right", -5)):
        text = marks.transform_filter(f"datum.role == 'mark {side}'").mark_text(
            align=align, dx=dx, baseline="bottom", fontSize=11, color=MARK_COLOR, clip=False
        )
        layers.append(text.encode(x=x, y=height, text="label:N"))
    return layers


def zero_line(rows: alt.NamedData = ROWS) -> Any:
    """Where a gap is none."""
    # Of all rows one, or there would be a line for each.
    one = alt.Chart(rows).transform_aggregate(rows="count()")
    return one.mark_rule(color=MARK_COLOR, strokeWidth=1, clip=True).encode(y=alt.datum(0.0))


def _hover_rule(kind: Kind, names: list[str], x: alt.X) -> Any:
    """A line under the pointer, with the numbers of its epoch."""
    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", fields=["x"], empty=False
    )
    return (
        alt.Chart(ROWS)
        .transform_filter("datum.role == 'this'")
        .mark_rule(strokeWidth=1)
        .encode(
            x=x,
            opacity=alt.condition(hover, alt.value(0.35), alt.value(0.0)),
            tooltip=[alt.Tooltip("epoch:Q", format="d"), *value_tooltips(kind, names)],
        )
        .add_params(hover)
    )


def value_tooltips(kind: Kind, names: Sequence[str]) -> list[alt.Tooltip]:
    """One line of a tooltip for each of the chart's lines."""
    return [alt.Tooltip(field=n, type="quantitative", title=n, format=_FORMATS[kind]) for n in names]


def _epoch_axis(epochs: int) -> alt.X:
    return alt.X(
        "x:Q",
        title="epoch",
        scale=alt.Scale(domain=[0, max(1, epochs)], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False),
    )


def value_axis(kind: Kind, field: str = "value:Q") -> alt.Y:
    """The axis of accuracies, losses, learning rates or gaps."""
    return alt.Y(
        field,
        title=_AXIS_TITLES.get(kind, _TITLES[kind].lower()),
        scale=alt.Scale(zero=kind in _LOW, nice=True),
        # A fixed width keeps the charts' x axes in line.
        axis=alt.Axis(
            format=_AXIS_FORMATS[kind], minExtent=44, maxExtent=44, tickCount=3 if kind in _LOW else 6
        ),
    )


def _in_role(role: str) -> Any:
    return alt.Chart(ROWS).transform_filter(f"datum.role == '{role}'")


def _live_lines(
    kind: Kind,
    names: list[str],
    x: alt.X,
    chart: Any,
    color: str,
    opacity: float,
    legend_color: str = "",
) -> Any:
    return (
        chart.transform_fold(names, as_=["series", "value"])
        .mark_line(color=color, opacity=opacity, clip=True)
        .encode(x=x, y=value_axis(kind), **line_styles(names, legend_color or color))
    )


def _live_dots(kind: Kind, names: list[str], x: alt.X, color: str) -> Any:
    return (
        alt.Chart(ROWS)
        .transform_filter("datum.role == 'this' && datum.dot > 0")
        .transform_fold(names, as_=["series", "value"])
        .mark_circle(color=color, size=14, opacity=0.9)
        .encode(x=x, y=value_axis(kind))
    )


def _best_mark(x: alt.X, color: str) -> Any:
    return (
        alt.Chart(ROWS)
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


def line_style(name: str) -> dict[str, Any]:
    """Dash and width of one line, as its mark's."""
    dash = _DASHES[name]
    return {"strokeWidth": _WIDTHS[name]} | ({} if dash == [1, 0] else {"strokeDash": dash})


def line_styles(names: Sequence[str], color: str | None = None) -> dict[str, Any]:
    """Dash and width of each line, with one legend for both."""
    legend = None
    if len(names) > 1:
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
    order = list(names)
    return {
        "strokeDash": alt.StrokeDash(
            "series:N",
            scale=alt.Scale(domain=order, range=[_DASHES[name] for name in order]),
            legend=legend,
        ),
        "strokeWidth": alt.StrokeWidth(
            "series:N",
            # Its own choice would be a point scale, which takes the first two widths as ends.
            scale=alt.Scale(type="ordinal", domain=order, range=[_WIDTHS[name] for name in order]),
            legend=legend,
        ),
    }


def chart_title(kind: Kind) -> alt.TitleParams:
    """The chart's name; of the loss also what its lines are, for they are not the same quantity."""
    said = {"subtitle": _LOSSES, "subtitleFontSize": 11, "subtitleColor": "#808790"} if kind == "loss" else {}
    return alt.TitleParams(_TITLES[kind], offset=6, fontSize=14, anchor="start", **said)


@st.cache_data(show_spinner=False, max_entries=50)
def extension_spec(color: str, epochs: int) -> dict[str, Any]:
    """The learning rate of a run that is to be extended: so far, as planned, and beyond."""
    parts = ["so far", "planned", "extension"]
    chart = (
        alt.Chart(ROWS)
        .mark_line(color=color, strokeWidth=2)
        .encode(
            x=_epoch_axis(epochs),
            y=value_axis("lr", "lr:Q"),
            strokeDash=alt.StrokeDash(
                "part:N",
                scale=alt.Scale(domain=parts, range=[[1, 0], [2, 3], list(TRAIN_DASH)]),
                legend=alt.Legend(title=None, orient="bottom", symbolType="stroke", symbolSize=500),
            ),
            tooltip=[
                alt.Tooltip("x:Q", title="epoch", format=".2~f"),
                alt.Tooltip("lr:Q", title="learning rate", format=".3~g"),
            ],
        )
        .properties(height=220, title=chart_title("lr"))
    )
    return spec_of(chart)
