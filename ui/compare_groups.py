"""Many runs at once: a setting or figure against best val; the parallel axes stand beside this file."""

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.insight.repeats import is_done
from core.runs import RunEntry
from ui.charts import run_color, spec_of
from ui.comparability import comparability_warning
from ui.compare_curves import FIELD_WIDTH, Fields, facets, field_choice, one_of, unique_names
from ui.compare_parallel import parallel_panel
from ui.run_charts import ROWS
from ui.run_fields import BEST, REPEATS, Field, spread_fields

HEIGHT, FACET_HEIGHT = 380, 290
_SELECTED, _LISTED = "selected", "listed"
_SCATTER, _PARALLEL = "Scatter", "Parallel coordinates"
_NOTHING = "nothing"
NAMED = 12
"""Up to so many runs have their names below the chart."""
FIELDS_FROM = 3
"""Fewer runs have no pattern to look for."""


def groups_panel(
    picked: Sequence[RunEntry], shown: Sequence[RunEntry], fields_for: Callable[[Sequence[RunEntry]], Fields]
) -> None:
    """The runs that are selected, or all that the table shows, as points or as lines."""
    words = {_SELECTED: f"Selected ({len(picked)})", _LISTED: f"In the table ({len(shown)})"}
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        way = one_of("Chart", [_SCATTER, _PARALLEL], "compare_groups_way")
        many = len(picked) >= FIELDS_FROM
        of = st.segmented_control(
            "Runs",
            list(words),
            default=_SELECTED if many else _LISTED,
            required=True,
            key=f"compare_groups_of_{many}",
            format_func=words.__getitem__,
            label_visibility="collapsed",
        )
    entries = [
        entry for entry in (picked if of == _SELECTED else shown) if entry.status and entry.status.best
    ]
    if len(entries) < FIELDS_FROM:
        st.caption(
            f"Patterns need at least {FIELDS_FROM} runs with a finished epoch. Select more, or look at all "
            "in the table."
        )
        return
    comparability_warning(entries)
    undone = sum(not is_done(entry) for entry in entries)
    if undone:
        which = "1 of these runs is" if undone == 1 else f"{undone} of these runs are"
        st.caption(f"{which} not done: the figures are those so far.")
    fields = fields_for(entries)
    if way == _SCATTER:
        scatter_panel(entries, fields)
    else:
        parallel_panel(entries, fields)


def scatter_panel(entries: Sequence[RunEntry], fields: Fields) -> None:
    """A point per run: what was set or reached, against best val."""
    keys = [key for key in fields if key not in (BEST, REPEATS)]
    if not keys:
        st.caption("These runs do not differ in anything that could be an axis.")
        return
    x, color_by, facet_by = _choose_axes(fields, keys)
    frame = scatter_frame(entries, x, fields[BEST], color_by)
    if color_by is not None:
        colors = tuple(color_by.colors.items())
    elif len(entries) <= NAMED:
        colors = tuple(dict.fromkeys(zip(frame["part"], frame["color"], strict=True)))
    else:
        colors = ()
        st.caption(f"Each point has its run's colour, as in the table; up to {NAMED} runs are named here.")
    label = None if color_by is None else color_by.label
    domain = _domain(frame)
    if facet_by is None:
        _scatter(frame, x, colors, label, "compare_scatter", HEIGHT, domain)
    else:
        for at, (place, inside) in enumerate(facets(facet_by)):
            with place:
                _scatter(frame.loc[inside], x, colors, label, f"compare_scatter_{at}", FACET_HEIGHT, domain)
    missing = sum(value is None for value in x.values)
    if missing and not x.has_few:
        st.caption(f"{missing} of {len(entries)} runs have no such value and are left out.")
    if x.has_few:
        st.caption("Runs of one value stand a little beside each other, so that none hides another.")


def _choose_axes(fields: Fields, keys: list[str]) -> tuple[Field, Field | None, Field | None]:
    """What goes across, what gives the colour, and what stands side by side."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        x_key = st.selectbox(
            "Across",
            keys,
            key="compare_scatter_x",
            width=FIELD_WIDTH,
            format_func=lambda key: f"Across: {fields[key].label}",
            label_visibility="collapsed",
        )
        by = [REPEATS, *keys] if REPEATS in fields else keys
        color_by = field_choice("Colour", fields, by, "compare_scatter_color", "run", first=REPEATS)
        facet_by = field_choice(
            "Side by side", fields, spread_fields(fields), "compare_scatter_facet", _NOTHING
        )
    return fields[x_key], color_by, facet_by


def scatter_frame(entries: Sequence[RunEntry], x: Field, best: Field, color_by: Field | None) -> pd.DataFrame:
    """One row per run."""
    names = unique_names(entries).values()
    return pd.DataFrame(
        {
            "run": list(names),
            "x": list(x.parts[0] if x.has_few else x.values),
            "best": list(best.values),
            "epoch": [
                entry.status.best.epoch if entry.status and entry.status.best else None for entry in entries
            ],
            "part": list(names if color_by is None else color_by.parts[0]),
            "color": [run_color(entry.status.color) if entry.status else "" for entry in entries],
        }
    )


def _domain(frame: pd.DataFrame) -> tuple[float, float]:
    low, high = float(frame["best"].min()), float(frame["best"].max())
    room = max(0.5, (high - low) * 0.05)
    return (round(max(0.0, low - room), 1), round(min(100.0, high + room), 1))


def _scatter(
    frame: pd.DataFrame,
    x: Field,
    colors: tuple[tuple[str, str], ...],
    color_label: str | None,
    key: str,
    height: int,
    domain: tuple[float, float],
) -> None:
    order = x.parts[1] if x.has_few else ()
    spec = scatter_spec(x.label, x.is_log, order, colors, color_label, height, domain)
    st.vega_lite_chart(frame, spec, key=key, width="stretch")


@st.cache_data(show_spinner=False, max_entries=100)
def scatter_spec(
    label: str,
    is_log: bool,
    order: tuple[str, ...],
    colors: tuple[tuple[str, str], ...],
    color_label: str | None,
    height: int,
    domain: tuple[float, float],
) -> dict[str, Any]:
    """The points before their rows. With an `order` of values these stand side by side, their runs a
    little scattered; without, the values are numbers."""
    points = alt.Chart(ROWS)
    if order:
        points = points.transform_calculate(beside="random()")
    chart = points.mark_circle(size=55, opacity=0.75).encode(
        **(_places(label, order) if order else _numbers(label, is_log)),
        y=alt.Y("best:Q", title="best val (%)", scale=alt.Scale(domain=list(domain), zero=False, nice=True)),
        color=_colors(colors, color_label),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("x", type="nominal" if order else "quantitative", title=label),
            alt.Tooltip("best:Q", title="best val (%)", format=".1f"),
            alt.Tooltip("epoch:Q", title="at epoch", format="d"),
        ],
    )
    return spec_of(chart.properties(height=height))


def _places(label: str, order: tuple[str, ...]) -> dict[str, Any]:
    """Values side by side, their runs a little scattered."""
    axis = alt.Axis(labelAngle=0, labelLimit=160)
    return {
        "x": alt.X("x:N", title=label, sort=list(order), axis=axis),
        "xOffset": alt.XOffset("beside:Q", scale=alt.Scale(domain=[-1, 2])),
    }


def _numbers(label: str, is_log: bool) -> dict[str, Any]:
    scale = alt.Scale(type="log", nice=False, padding=12) if is_log else alt.Scale(zero=False, padding=12)
    return {"x": alt.X("x:Q", title=label, scale=scale, axis=alt.Axis(format="~g", grid=True))}


def _colors(colors: tuple[tuple[str, str], ...], label: str | None) -> alt.Color:
    """Those that are named in a legend, or each run's own."""
    if not colors:
        return alt.Color("color:N", scale=None)
    names = [name for name, _ in colors]
    return alt.Color(
        "part:N",
        sort=names,
        scale=alt.Scale(domain=names, range=[value for _, value in colors]),
        legend=alt.Legend(title=label, orient="bottom", columns=4, labelLimit=220, titleLimit=500),
    )
