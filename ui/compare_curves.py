"""Curves of the selected runs, laid over each other."""

import streamlit as st

from core.insight import thin
from core.runs import RunEntry
from ui.charts import run_color
from ui.run_charts import Curve, Kind, XAxis, overlay_frame, overlay_spec

CLEAR = 10
"""More curves than this nobody can tell apart."""
POINTS_IN_ALL = 3000
_LINES = {
    "val": ("val",),
    "val and train": ("val", "train"),
    "val and clean train": ("val", "clean train"),
}


def curves_panel(entries: list[RunEntry]) -> None:
    """What to draw, and the chart."""
    kind, series, x_axis = _what_to_draw()
    curves = curves_of(entries)
    drawn = [curve for curve in curves if curve.rows]
    if not drawn:
        st.caption("None of these runs has finished an epoch yet.")
        return
    names = tuple(curve.name for curve in drawn)
    colors = tuple(curve.color for curve in drawn)
    st.vega_lite_chart(
        overlay_frame(kind, drawn, x_axis),
        overlay_spec(kind, names, colors, series, x_axis),
        key="compare_chart",
        width="stretch",
    )
    silent = [curve.name for curve in curves if not curve.rows]
    hint = "A click on a name in the legend brings its curve forward."
    if silent:
        hint += f" Without an epoch yet: {', '.join(silent)}."
    if len(drawn) > CLEAR:
        hint += f" {len(drawn)} curves are hard to tell apart; up to {CLEAR} stay clear."
    st.caption(hint)


def _what_to_draw() -> tuple[Kind, tuple[str, ...], XAxis]:
    """Which curves, which of their lines, and over what."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        kinds: dict[str, Kind] = {"Accuracy": "accuracy", "Loss": "loss", "Learning rate": "lr"}
        kind = kinds[_one_of("Curves", list(kinds), "compare_kind")]
        series: tuple[str, ...] = ("lr",)
        if kind != "lr":
            lines = list(_LINES) if kind == "accuracy" else list(_LINES)[:2]
            series = _LINES[_one_of("Lines", lines, f"compare_lines_{kind}", default=lines[1])]
        axes: dict[str, XAxis] = {"Epochs": "epoch", "Time": "time"}
        return kind, series, axes[_one_of("Over", list(axes), "compare_over")]


def _one_of(label: str, options: list[str], key: str, default: str | None = None) -> str:
    chosen = st.segmented_control(
        label,
        options,
        default=default or options[0],
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    return str(chosen or options[0])


def curves_of(entries: list[RunEntry]) -> list[Curve]:
    """The runs' rows, read now and thinned so that all of them together stay quick to draw."""
    limit = max(100, min(500, POINTS_IN_ALL // max(1, len(entries))))
    names = unique_names(entries)
    return [
        Curve(names[entry.id], run_color(entry.status.color), thin(entry.run.epochs().rows, limit))
        for entry in entries
        if entry.status
    ]


def unique_names(entries: list[RunEntry]) -> dict[str, str]:
    """A name for each run by id; two runs of one name get the end of their ids with it."""
    all_names = [entry.name for entry in entries]
    return {
        entry.id: f"{entry.name} ({entry.id[-4:]})" if all_names.count(entry.name) > 1 else entry.name
        for entry in entries
    }
