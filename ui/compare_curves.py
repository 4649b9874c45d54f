"""Curves of the selected runs, laid over each other."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from core.insight import has_average, thin
from core.runs import RunEntry
from core.runs.rows import RowsRead
from ui.charts import run_color
from ui.run_charts import AVERAGED, Kind
from ui.run_gaps import rows_notes
from ui.run_overlay import Curve, XAxis, overlay_frame, overlay_spec
from ui.words import plain

CLEAR = 10
"""More curves than this nobody can tell apart."""
POINTS_IN_ALL = 3000
_LINES = {
    "val": ("val",),
    "val and train": ("val", "train"),
    "val and clean train": ("val", "clean train"),
}
Reads = Mapping[str, RowsRead]


def read_runs(entries: Sequence[RunEntry]) -> dict[str, RowsRead]:
    """The rows of each run that can be read, by its id."""
    return {entry.id: entry.run.epochs() for entry in entries if entry.status}


def curves_panel(entries: list[RunEntry], reads: Reads) -> None:
    """What to draw, and the chart."""
    kind, shown, x_axis = _what_to_draw()
    curves = curves_of(entries, reads)
    drawn = [curve for curve in curves if curve.rows]
    if drawn:
        averaged = any(has_average(curve.rows) for curve in drawn)
        if averaged and "val" in shown:
            shown = ("val", AVERAGED, *shown[1:])
        runs = tuple((curve.id, curve.name, curve.color) for curve in drawn)
        st.vega_lite_chart(
            overlay_frame(kind, drawn, x_axis, averaged=averaged),
            overlay_spec(kind, runs, shown, x_axis, averaged=averaged),
            key="compare_chart",
            width="stretch",
        )
        st.caption(_hint(drawn, [curve.name for curve in curves if not curve.rows]))
    else:
        st.caption("None of these runs has finished an epoch yet.")
    names = unique_names(entries)
    for run_id, read in reads.items():
        for note in rows_notes(read.rows, read.damaged):
            st.caption(f":orange[:material/warning:] {plain(f'{names[run_id]}: {note}')}")


def _hint(drawn: Sequence[Curve], silent: Sequence[str]) -> str:
    """What a person can do with the chart, and what is missing from it; as Markdown."""
    hint = "A click on a name in the legend brings its curve forward."
    if silent:
        hint += f" Without an epoch yet: {plain(', '.join(silent))}."
    if len(drawn) > CLEAR:
        hint += f" {len(drawn)} curves are hard to tell apart; up to {CLEAR} stay clear."
    return hint


def _what_to_draw() -> tuple[Kind, tuple[str, ...], XAxis]:
    """Which curves, which of their lines, and over what."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        kinds: dict[str, Kind] = {"Accuracy": "accuracy", "Loss": "loss", "Learning rate": "lr"}
        kind = kinds[_one_of("Curves", list(kinds), "compare_kind")]
        shown: tuple[str, ...] = ("lr",)
        if kind != "lr":
            lines = list(_LINES)
            shown = _LINES[_one_of("Lines", lines, f"compare_lines_{kind}", default=lines[1])]
        axes: dict[str, XAxis] = {"Epochs": "epoch", "Time": "time"}
        return kind, shown, axes[_one_of("Over", list(axes), "compare_over")]


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


def curves_of(entries: Sequence[RunEntry], reads: Reads) -> list[Curve]:
    """The runs' rows thinned so that all of them together stay quick to draw."""
    limit = max(100, min(500, POINTS_IN_ALL // max(1, len(entries))))
    names = unique_names(entries)
    return [
        Curve(entry.id, names[entry.id], run_color(entry.status.color), thin(reads[entry.id].rows, limit))
        for entry in entries
        if entry.status
    ]


def unique_names(entries: Sequence[RunEntry]) -> dict[str, str]:
    """A name for each run by id; runs of one name get the end of their ids with it, or all of it."""
    names = {entry.id: entry.name for entry in entries}
    for length in (4, 100):
        counts = Counter(names.values())
        for entry in entries:
            if counts[names[entry.id]] > 1:
                names[entry.id] = f"{entry.name} ({entry.id[-length:]})"
    return names
