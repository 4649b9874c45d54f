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
MOST_SPOTS = 400
"""At most so many points of all curves together answer a pointer, and where there are more rows at least half
as many; besides, each run's best and last. A thousand would take the browser as long as all of the lines."""
LINES, SPOTS, ADDED_LINES, ADDED_SPOTS, NAMES = (
    alt.NamedData(name=name, format=alt.DataFormat(parse=None))
    for name in ("lines", "spots", "added_lines", "added_spots", "names")
)
"""What they hold has its type already: the browser need not look for one. Runs that were added to others
have data sets of their own: those of the others stay what they are, and the browser leaves them alone."""
MOST_ADDED = 5
"""Up to so many runs are added ones; with one more all of them are settled. What was added is taken in anew
at each click."""


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
    """Of the settled runs; below, those of the runs that were added to them."""
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


def settled_runs(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the runs whose rows stay what they were, of those drawn `now`: the ones that were settled
    `before`, where they are still the first and no more than MOST_ADDED follow; else all of them."""
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
    key_of = {curve.id: keys[curve.id if parts is None else curve.part] for curve in curves}
    series = series_of(kind, averaged)
    stride = _stride(sum(len(curve.rows) for curve in curves))
    lines, spots = [], []
    for is_added in (False, True):
        some = [curve for curve in curves if (settled is None or curve.id in settled) != is_added]
        columns = _line_rows(some, key_of, {name: series[name] for name in shown}, x_axis)
        if parts is not None:
            columns["id"] = _repeated([curve.id for curve in some], [len(curve.rows) for curve in some])
        lines.append(pa.table(columns))
        spots.append(pa.table(_spot_rows(some, key_of, series, x_axis, stride)))
    names = {
        "key": pa.array([key_of[curve.id] for curve in curves]),
        "color": pa.array([colors[key_of[curve.id]] for curve in curves]),
    }
    if _has_rings(kind, shown):
        names |= _columns([[best_row(curve.rows) or {}] for curve in curves], {"val": series["val"]}, x_axis)
    return Overlay(lines[0], spots[0], lines[1], spots[1], pa.table(names))


def _line_rows(
    curves: Sequence[Curve], key_of: Mapping[str, str], series: Mapping[str, str], x_axis: XAxis
) -> dict[str, pa.Array]:
    lines = _columns([curve.rows for curve in curves], series, x_axis)
    counts = [len(curve.rows) for curve in curves]
    return lines | {"key": _repeated([key_of[curve.id] for curve in curves], counts)}


def _spot_rows(
    curves: Sequence[Curve], key_of: Mapping[str, str], series: Mapping[str, str], x_axis: XAxis, stride: int
) -> dict[str, pa.Array]:
    found = [_pointed_at(curve.rows, stride) for curve in curves]
    counts = [len(rows) for rows in found]
    spots = _columns(found, series, x_axis)
    spots["epoch"] = _numbers(number(row, "epoch") for rows in found for row in rows)
    spots["run"] = _repeated([curve.name for curve in curves], counts)
    return spots | {"key": _repeated([key_of[curve.id] for curve in curves], counts)}


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


def _stride(rows: int) -> int:
    """Every how many rows answer a pointer where there are so many of all runs: a power of two, so that a run
    more mostly leaves those of the others as they are."""
    stride = 1
    while stride * MOST_SPOTS < rows:
        stride *= 2
    return stride


def _pointed_at(rows: Sequence[Row], stride: int) -> list[Row]:
    """Which of a run's rows a pointer finds."""
    best = best_row(rows)
    return [row for at, row in enumerate(rows, 1) if row is best or at == len(rows) or at % stride == 0]


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
    """Less of what was not picked in the legend."""
    return _if_picked(1.0, 0.12)


def _if_picked(picked: float, other: float) -> Any:
    """A number for what was picked in the legend (as long as nothing was, for all), and one for the rest. It
    is asked of each point, and so of the signal alone: Vega-Lite's own test looks into the selection's rows
    each time."""
    test = "!pick.key || indexof(pick.key, datum.key) >= 0"
    return alt.when(test).then(alt.value(picked)).otherwise(alt.value(other))


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
            # As wide as a third of the chart leaves it: on a narrow window the names would else be cut off.
            labelLimit=alt.ExprRef(f"clamp(width / {LEGEND_COLUMNS} - 36, 40, 330)"),
        ),
    )


def _spots(rows: alt.NamedData, kind: Kind, x: alt.X, at: str, names: list[str]) -> Any:
    """What a pointer finds: invisible dots on the first line, of what is picked in the legend alone."""
    return (
        alt.Chart(rows)
        .mark_circle(opacity=0, aria=False)
        .encode(
            x=x,
            size=_if_picked(110, 0),
            y=alt.Y(field=at, type="quantitative"),
            tooltip=[
                alt.Tooltip("run:N"),
                alt.Tooltip("epoch:Q", format="d"),
                *value_tooltips(kind, names),
            ],
        )
    )
