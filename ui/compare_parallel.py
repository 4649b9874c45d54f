"""Many runs as lines through parallel axes: one axis per setting, best val last."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.recipe.words import MISSING
from core.runs import RunEntry
from ui.charts import spec_of
from ui.compare_curves import Fields, field_choice
from ui.run_charts import ROWS
from ui.run_fields import BEST, RAMP, REPEATS, Field, spread_fields

MOST_LINES = 300
"""So many runs are drawn; of more, every so-manieth from the best to the worst."""
AXES = 7
"""Axes that one begins with; more can be added."""
HEIGHT = 420
_TICKS = 5
_RIBBON = 0.05
"""Runs of one value pass beside each other, over so much of the axis to each side."""


def parallel_panel(entries: Sequence[RunEntry], fields: Fields) -> None:
    """A line per run through an axis per setting, best val last."""
    axes, color_by = _choose_axes(fields)
    if not axes:
        st.caption("Choose at least one axis; best val is always the last.")
        return
    lines = _thinned(fields[BEST])
    chosen = [fields[key] for key in (*axes, BEST)]
    colors = () if color_by is None else tuple(color_by.colors.items())
    st.vega_lite_chart(
        parallel_frame(entries, chosen, color_by, lines),
        parallel_spec(
            tuple(field.label for field in chosen),
            colors,
            color_by.label if color_by else None,
            (min(fields[BEST].numbers), max(fields[BEST].numbers)),
            dark=st.context.theme.type == "dark",
        ),
        key="compare_parallel",
        width="stretch",
    )
    said = "Each line is a run; it passes by the axes of which the run has none. A click brings it forward."
    if len(lines) < len(entries):
        said += f" Drawn are {len(lines)} of {len(entries)} runs, evenly from the best to the worst."
    st.caption(said)


def _choose_axes(fields: Fields) -> tuple[list[str], Field | None]:
    """The fields that have an axis, by their keys, and the one that gives the colour."""
    choices = [key for key in fields if key not in (BEST, REPEATS)]
    first = spread_fields(fields)[:AXES]
    # What was chosen for other runs may not tell these apart.
    chosen_before = st.session_state.get("compare_axes", first)
    kept = [key for key in chosen_before if key in choices] or (first if chosen_before else [])
    if st.session_state.get("compare_axes") != kept:
        st.session_state["compare_axes"] = kept
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        axes = st.multiselect(
            "Axes",
            choices,
            key="compare_axes",
            format_func=lambda key: fields[key].label,
            width="stretch",
            label_visibility="collapsed",
            placeholder="Axes",
        )
        color_by = field_choice("Colour", fields, choices, "compare_parallel_color", "best val")
    return axes, color_by


def _thinned(best: Field) -> list[int]:
    """Which runs to draw: all, or evenly from the best to the worst, both included."""
    places = sorted(range(len(best.values)), key=lambda at: best.values[at] or 0.0)
    if len(places) <= MOST_LINES:
        return places
    step = (len(places) - 1) / (MOST_LINES - 1)
    return [places[round(at * step)] for at in range(MOST_LINES)]


def parallel_frame(
    entries: Sequence[RunEntry], axes: Sequence[Field], color_by: Field | None, lines: Sequence[int]
) -> pd.DataFrame:
    """One row per run and axis (`y` from 0 to 1), and one per axis and tick (`tick`)."""
    rows: list[tuple[Any, ...]] = []
    for at, field in enumerate(axes):
        heights, ticks = _few(field, lines) if field.has_few else _many(field)
        for line in lines:
            entry, height = entries[line], heights[line]
            if height is not None:
                part = "" if color_by is None else color_by.parts[0][line]
                rows.append((entry.id, entry.name, at, height, part, axes[-1].values[line], None))
        rows += [(None, None, at, height, None, None, tick) for tick, height in ticks]
    frame = pd.DataFrame(rows, columns=["id", "run", "axis", "y", "part", "best", "tick"])
    # Each name once on its way to the browser.
    return frame.astype(dict.fromkeys(("id", "run", "part", "tick"), "category"))


Heights = list[float | None]
Ticks = list[tuple[str, float]]


def _few(field: Field, lines: Sequence[int]) -> tuple[Heights, Ticks]:
    """Values at equal distances; runs that share one beside each other, in the order of `lines`."""
    named, order = field.parts
    names = [name for name in order if name != MISSING]
    room = max(1, len(names) - 1)
    centers = {name: at / room if len(names) > 1 else 0.5 for at, name in enumerate(names)}
    ribbon = min(_RIBBON, 0.3 / room)
    counts = Counter(named[line] for line in lines)
    seen: Counter[str] = Counter()
    heights: Heights = [None] * len(named)
    for line in lines:
        name = named[line]
        if field.values[line] is not None:
            share = seen[name] / (counts[name] - 1) if counts[name] > 1 else 0.5
            heights[line] = centers[name] + (2 * share - 1) * ribbon
            seen[name] += 1
    return heights, list(centers.items())


def _many(field: Field) -> tuple[Heights, Ticks]:
    """Numbers from the lowest to the highest, on a logarithmic axis where they lie far apart."""
    scale = math.log if field.is_log else float
    low, high = scale(min(field.numbers)), scale(max(field.numbers))

    def height(value: float) -> float:
        return (scale(value) - low) / (high - low)

    ends = [low + at * (high - low) / (_TICKS - 1) for at in range(_TICKS)]
    ticks = [math.exp(end) if field.is_log else end for end in ends]
    heights = [height(value) if isinstance(value, float) else None for value in field.values]
    return heights, [(f"{tick:.3g}", height(tick)) for tick in ticks]


@st.cache_data(show_spinner=False, max_entries=50)
def parallel_spec(
    labels: tuple[str, ...],
    colors: tuple[tuple[str, str], ...],
    color_label: str | None,
    best: tuple[float, float],
    dark: bool,
) -> dict[str, Any]:
    """The axes and lines before their rows."""
    x, y = _positions(labels), alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.06, 1.06], nice=False))
    pick = alt.selection_point(name="pick", fields=["id"])
    runs = alt.Chart(ROWS).transform_filter("datum.id != null")
    ticks = alt.Chart(ROWS).transform_filter("datum.tick != null")
    lines = (
        runs.mark_line(strokeWidth=1.4, aria=False)
        .encode(
            x=x,
            y=y,
            detail="id:N",
            color=_color(colors, color_label, best),
            opacity=alt.condition(pick, alt.value(0.7), alt.value(0.05)),
            tooltip=[alt.Tooltip("run:N"), alt.Tooltip("best:Q", title="best val (%)", format=".1f")],
        )
        .add_params(pick)
    )
    ink, paper = ("#e3e8ee", "#12171d") if dark else ("#1c2733", "#ffffff")
    rules = ticks.mark_rule(aria=False, color=ink, opacity=0.6, strokeWidth=1).encode(
        x=x, y=alt.Y("min(y):Q", axis=None), y2="max(y):Q", detail="axis:Q"
    )
    # Written twice, so that the letters stand out from the lines behind them.
    label = {"aria": False, "align": "left", "dx": 7, "fontSize": 11, "limit": 110}
    halo, text = (
        ticks.mark_text(**label, **style).encode(x=x, y=y, text="tick:N")
        for style in ({"color": paper, "stroke": paper, "strokeWidth": 4, "opacity": 0.85}, {"color": ink})
    )
    return spec_of(alt.layer(rules, lines, halo, text).properties(height=HEIGHT))


def _positions(labels: Sequence[str]) -> alt.X:
    # By their last parts, for which an axis has room: 'Learning rate'.
    names = json.dumps([label.rpartition(" › ")[2] for label in labels])
    return alt.X(
        "axis:Q",
        title=None,
        scale=alt.Scale(domain=[-0.1, len(labels) - 0.5], nice=False),
        axis=alt.Axis(
            values=list(range(len(labels))),
            labelExpr=f"{names}[datum.value]",
            orient="top",
            grid=False,
            domain=False,
            ticks=False,
            labelLimit=170,
            labelAngle=-18,
            labelAlign="left",
            labelOverlap=False,
        ),
    )


def _color(colors: Sequence[tuple[str, str]], label: str | None, best: tuple[float, float]) -> alt.Color:
    legend = alt.Legend(title=label or "best val (%)", orient="bottom", titleLimit=500, labelLimit=220)
    if not colors:
        scale = alt.Scale(domain=list(best), range=list(RAMP), type="linear")
        return alt.Color("best:Q", scale=scale, legend=legend)
    keys = [key for key, _ in colors]
    scale = alt.Scale(domain=keys, range=[value for _, value in colors])
    return alt.Color("part:N", sort=keys, scale=scale, legend=legend)
