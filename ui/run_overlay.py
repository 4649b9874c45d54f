"""Curves of several runs laid over each other.

What the legend names and in which colours comes with the rows, so that the chart stays the same one when
runs are added or taken away: the browser then draws its rows anew, and not the whole chart.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pyarrow as pa  # type: ignore[import-untyped]
import streamlit as st

from core.insight import best_row, number
from ui.charts import spec_of
from ui.run_charts import (
    Kind,
    Row,
    chart_title,
    line_style,
    line_styles,
    position,
    series_of,
    value_axis,
    value_of,
    value_tooltips,
    zero_line,
)

XAxis = Literal["epoch", "time"]

HEIGHT = 400
LEGEND_COLUMNS = 3
LEGEND_ROWS = 4
"""So many rows more or fewer change the chart's height; of the rows between every second one
takes its own from the curves (see `_color`)."""
LEGEND_ROW = 23
"""Its pixels, with labels and distances as `_color` sets them."""
MOST_SPOTS = 300
"""So many points of all curves together answer a pointer; a thousand would take the browser as long as all
of the lines. Best and last are always among them."""
LINES, SPOTS, ADDED_LINES, ADDED_SPOTS, NAMES = (
    alt.NamedData(name=name, format=alt.DataFormat(parse=None))
    for name in ("lines", "spots", "added_lines", "added_spots", "names")
)
"""What they hold has its type already: the browser need not look for one. Runs that were added to others
have data sets of their own: those of the others stay what they are, and the browser leaves them alone."""
MOST_ADDED = 5
"""So many runs are added to others before they count as theirs: the browser makes those added anew each
time."""


@dataclass(frozen=True)
class Curve:
    """One run's rows, and how it is drawn."""

    id: str
    name: str
    color: str
    rows: Sequence[Row]
    part: str = ""
    """Where the colours stand for a setting's values: the run's."""


@dataclass(frozen=True)
class Overlay:
    """The rows of one chart of several runs: a browser turns every cell of them into an object's field, so
    the lines have what they need and no more, and what a pointer is told stands by itself."""

    lines: pa.Table
    spots: pa.Table
    added_lines: pa.Table
    added_spots: pa.Table
    names: pa.Table
    """What the legend names and in which colour, a row for each run; with the place of its best epoch where
    that is marked."""

    @property
    def datasets(self) -> dict[str, pa.Table]:
        """By their names in the spec."""
        return {
            LINES.name: self.lines,
            SPOTS.name: self.spots,
            ADDED_LINES.name: self.added_lines,
            ADDED_SPOTS.name: self.added_spots,
            NAMES.name: self.names,
        }

    @property
    def named(self) -> int:
        """How many the legend names."""
        return len(self.names["key"].unique())


def settled_runs(before: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """Which of the runs `now` are no added ones: those `before`, as long as they are still the first and few
    have come; else all."""
    settled = now[: len(before)]
    return settled if before and settled == before and len(now) - len(before) <= MOST_ADDED else now


def overlay_rows(
    kind: Kind,
    curves: Sequence[Curve],
    shown: Sequence[str],
    x_axis: XAxis,
    *,
    averaged: bool = False,
    parts: Mapping[str, str] | None = None,
    settled: Collection[str] | None = None,
) -> Overlay:
    """The rows of several runs for one chart; `x` is the epoch, or the minutes since the start.

    The legend names the runs, the oldest first, or the `parts` of them, with the colour of each, in their
    order. Runs that are not among the ids `settled` are added ones; without it, none is.
    """
    keys, colors = _legend(curves, parts)
    key_of = [keys[curve.id if parts is None else curve.part] for curve in curves]
    series = series_of(kind, averaged)
    each = _each(sum(len(curve.rows) for curve in curves))
    lines, spots = [], []
    for is_added in (False, True):
        some = [at for at, c in enumerate(curves) if (settled is None or c.id in settled) != is_added]
        inside, inside_keys = [curves[at] for at in some], [key_of[at] for at in some]
        columns = _line_rows(inside, inside_keys, {name: series[name] for name in shown}, x_axis)
        if parts is not None:
            columns["id"] = _repeated([c.id for c in inside], [len(c.rows) for c in inside])
        lines.append(pa.table(columns))
        spots.append(pa.table(_spot_rows(inside, series, x_axis, each)))
    names = {"key": pa.array(key_of), "color": pa.array([colors[key] for key in key_of])}
    if _has_rings(kind, shown):
        names |= _columns([[best_row(curve.rows) or {}] for curve in curves], {"val": series["val"]}, x_axis)
    return Overlay(lines[0], spots[0], lines[1], spots[1], pa.table(names))


def _line_rows(
    curves: Sequence[Curve], keys: Sequence[str], series: Mapping[str, str], x_axis: XAxis
) -> dict[str, pa.Array]:
    lines = _columns([curve.rows for curve in curves], series, x_axis)
    return lines | {"key": _repeated(keys, [len(curve.rows) for curve in curves])}


def _spot_rows(
    curves: Sequence[Curve], series: Mapping[str, str], x_axis: XAxis, each: int
) -> dict[str, pa.Array]:
    found = [_pointed_at(curve.rows, each) for curve in curves]
    spots = _columns(found, series, x_axis)
    spots["epoch"] = _numbers(number(row, "epoch") for rows in found for row in rows)
    return spots | {"run": _repeated([c.name for c in curves], [len(rows) for rows in found])}


def _numbers(values: Iterable[float | None]) -> pa.Array:
    return pa.array(list(values), pa.float64())


def _repeated(words: Sequence[str], counts: Sequence[int]) -> pa.Array:
    """Each curve's word for each of its rows; on its way to the browser each word once."""
    repeated = [word for word, count in zip(words, counts, strict=True) for _ in range(count)]
    return pa.array(repeated, pa.string()).dictionary_encode()


def _columns(
    rows_of: Sequence[Sequence[Row]], series: Mapping[str, str], x_axis: XAxis
) -> dict[str, pa.Array]:
    """Place and values of the rows of all runs. Made as Arrow at each click: by way of a DataFrame it would
    take three times as long."""
    rows = [row for some in rows_of for row in some]
    columns = {"x": _numbers(_place(row, x_axis) for row in rows)}
    return columns | {name: _numbers(value_of(row, key) for row in rows) for name, key in series.items()}


def _has_rings(kind: Kind, shown: Sequence[str]) -> bool:
    """Whether each run's best epoch is marked."""
    return kind == "accuracy" and "val" in shown


def _place(row: Row, x_axis: XAxis) -> float | None:
    if x_axis == "epoch":
        return position(row)
    seconds = number(row, "elapsed_s")
    return None if seconds is None else seconds / 60


def _each(of_all: int) -> int:
    """Every how many rows answer a pointer where there are so many of all runs: a power of two, so that a run
    more mostly leaves those of the others as they are."""
    each = 1
    while each * MOST_SPOTS < of_all:
        each *= 2
    return each


def _pointed_at(rows: Sequence[Row], each: int) -> list[Row]:
    """Which of a run's rows a pointer finds."""
    best = best_row(rows)
    return [row for at, row in enumerate(rows, 1) if row is best or at == len(rows) or at % each == 0]


def _legend(
    curves: Sequence[Curve], parts: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The legend's key of each run or part, and the colour of each key.

    A key sorts as the legend does, up to its first space, and is named by what follows it (see `_color`).
    Vega reads a legend's colours out of the rows, each once: where two keys share one, the later is the
    least bit more transparent.
    """
    if parts is None:
        named = {curve.id: (f"{curve.id} {curve.name}", curve.color) for curve in curves}
    else:
        named = {part: (f"{at:04} {part}", color) for at, (part, color) in enumerate(parts.items())}
    used: Counter[str] = Counter()
    colors = {}
    for key, color in named.values():
        colors[key] = color + (f"{255 - used[color]:02x}" if used[color] else "")
        used[color] += 1
    return {name: key for name, (key, _) in named.items()}, colors


@st.cache_data(show_spinner=False, max_entries=100)
def overlay_spec(
    kind: Kind,
    shown: tuple[str, ...],
    x_axis: XAxis,
    *,
    averaged: bool = False,
    by_part: bool = False,
    domain: tuple[float, float] | None = None,
    height: int = HEIGHT,
) -> dict[str, Any]:
    """The chart of several runs before their rows, those of `overlay_rows`.

    `by_part`: several lines share a colour. With a `domain` charts beside each other share their axis of
    values.
    """
    pick = alt.selection_point(name="pick", fields=["key"], bind="legend")
    x = _x(x_axis)
    y = value_axis(kind, "value:Q" if len(shown) > 1 else f"{shown[0]}:Q")
    if domain is not None:
        y = y.scale(domain=list(domain), nice=True, zero=False)
    # Points that nobody sees and no pointer finds, for the legend that they bring.
    unseen = alt.Chart(NAMES).mark_point(opacity=0, size=0, tooltip=None, aria=False)
    legend = unseen.encode(color=_color()).add_params(pick)
    detail: dict[str, Any] = {"detail": "id:N"} if by_part else {}
    layers = [legend]
    for rows in (LINES, ADDED_LINES):
        layers.append(_lines(rows, shown).encode(x=x, y=y, color="key:N", opacity=_faded(), **detail))
    for rows in (SPOTS, ADDED_SPOTS):
        layers.append(_spots(rows, kind, x, shown[0], list(series_of(kind, averaged))))
    if kind == "gap":
        layers.append(zero_line(NAMES))
    if _has_rings(kind, shown):
        layers.append(
            alt.Chart(NAMES)
            .mark_point(size=120, strokeWidth=2, filled=False, aria=False)
            .encode(x=x, y=alt.Y("val:Q"), stroke=alt.Stroke("color:N", scale=None), opacity=_faded())
        )
    return spec_of(alt.layer(*layers).properties(height=height, title=chart_title(kind)))


def _faded() -> Any:
    """Less of what was not picked in the legend. Asked of each point, and so of the signal alone: Vega-Lite's
    own test looks into the selection's rows each time."""
    return (
        alt.when("!pick.key || indexof(pick.key, datum.key) >= 0")
        .then(alt.value(1.0))
        .otherwise(alt.value(0.12))
    )


def _lines(rows: alt.NamedData, shown: Sequence[str]) -> Any:
    """The lines without their places; a pointer is answered by the points of `_spots`.

    A single line of each run needs no fold of the rows and no scales for its style, which spares the browser
    a third of its work.
    """
    if len(shown) == 1:
        return alt.Chart(rows).mark_line(aria=False, **line_style(shown[0]))
    folded = alt.Chart(rows).transform_fold(list(shown), as_=["series", "value"])
    return folded.mark_line(aria=False).encode(**line_styles(shown))


def _x(x_axis: XAxis) -> alt.X:
    if x_axis == "time":
        return alt.X("x:Q", title="minutes", axis=alt.Axis(grid=False))
    # Epochs are whole numbers: no tick between two of them.
    return alt.X("x:Q", title="epoch", axis=alt.Axis(grid=False, format="d", tickMinStep=1))


def overlay_height(names: int, height: int = HEIGHT) -> int:
    """How high a chart is in pixels that has so many names in its legend, which is a part of it."""
    return height + LEGEND_ROW * LEGEND_ROWS * math.ceil(names / (LEGEND_COLUMNS * LEGEND_ROWS))


def _color() -> alt.Color:
    return alt.Color(
        "key:N",
        scale=alt.Scale(range=alt.FieldRange(field="color")),
        legend=alt.Legend(
            title=None,
            labelExpr="slice(datum.value, indexof(datum.value, ' ') + 1)",
            orient="bottom",
            # A row more would else make the curves lower, for which all is laid out and drawn once more.
            offset=alt.ExprRef(f"18 + {LEGEND_ROW} * (ceil(length(domain('color')) / {LEGEND_COLUMNS}) % 2)"),
            labelFontSize=13,
            rowPadding=4,
            columns=LEGEND_COLUMNS,
            symbolType="stroke",
            symbolSize=400,
            symbolOpacity=1,
            symbolStrokeWidth=2.4,
            labelLimit=330,
        ),
    )


def _spots(rows: alt.NamedData, kind: Kind, x: alt.X, at: str, names: list[str]) -> Any:
    """What a pointer finds: invisible dots on the first line."""
    return (
        alt.Chart(rows)
        .mark_circle(size=110, opacity=0, aria=False)
        .encode(
            x=x,
            y=alt.Y(field=at, type="quantitative"),
            tooltip=[
                alt.Tooltip("run:N"),
                alt.Tooltip("epoch:Q", format="d"),
                *value_tooltips(kind, names),
            ],
        )
    )
