"""The rows of Live's charts: whole epochs with their marks, and the steps of the epoch under way.

Epochs change rarely, steps at every tick. So they are two data sets: the one is made once for all who look
on, and the browser draws it anew only when it is another one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import streamlit as st

from core.insight import best_row, number
from core.insight.overfit import Mark
from ui.run_charts import (
    MARKED,
    ROWS,
    RUNNING,
    Kind,
    Row,
    height_column,
    position,
    series_of,
    value_of,
)

DOTS_UP_TO = 40
"""Up to so many epochs each one has a dot: a line of one point would show nothing."""
ROOM_UP_TO = 0.6
"""Share of the axis beyond which a label stands left of its line."""
LABEL_STEP = 0.075
"""Share of a chart's range between two labels, one above the other."""


def live_datasets(rows: pd.DataFrame | pa.Table, running: pa.Table) -> dict[str, Any]:
    """Both by their names in `live_spec`."""
    return {ROWS.name: rows, RUNNING.name: running}


def kept_rows(what: str, kind: Kind, make: Callable[[], pd.DataFrame]) -> pa.Table:
    """The rows of a chart as Arrow, made once for all sessions; `what` names all that they depend on."""
    found: pa.Table = _kept(what, kind, make)
    return found


@st.cache_resource(show_spinner=False, max_entries=200)
def _kept(what: str, kind: Kind, _make: Callable[[], pd.DataFrame]) -> pa.Table:
    return pa.Table.from_pandas(_make())


def live_frame(
    kind: Kind,
    rows: Sequence[Row],
    behind: Sequence[Row] = (),
    *,
    averaged: bool = False,
    marks: Sequence[Mark] = (),
    end: float = 0.0,
) -> pd.DataFrame:
    """The whole epochs of one run for a chart, those of the run laid behind it, and the marks (only on
    charts that show them), whose axis ends at `end`.

    Rows of a learning rate are those of `lr_rows`, which go from step to step."""
    series = series_of(kind, averaged)
    parts = [_part(series, behind, "behind"), _part(series, rows, "this")]
    if kind in MARKED:
        shown = [mark for mark in marks if mark.kind in MARKED[kind]]
        places = _mark_places(kind, [*rows, *behind], len(shown))
        for part in parts:
            part["label"] = [None] * len(part["x"])
        height = height_column(kind)
        parts += [_mark_part(series, height, mark, y, end) for mark, y in zip(shown, places, strict=True)]
    return pd.DataFrame({name: [v for part in parts for v in part[name]] for name in parts[0]})


def running_rows(
    kind: Kind, running: Sequence[Row], whole: pa.Table | None = None, *, averaged: bool = False
) -> pa.Table:
    """The steps of the epoch under way for a chart, from where the line of the `whole` epochs ends; empty on
    a chart of which steps tell nothing."""
    steps = running if kind != "gap" else ()
    columns: dict[str, list[Any]] = {"x": [position(row) for row in steps]}
    for name, key in series_of(kind, averaged).items():
        columns[name] = [value_of(row, key) for row in steps]
    ends = [at for at, role in enumerate(whole["role"].to_pylist()) if role == "this"] if whole else []
    if steps and whole and ends:
        columns = {name: [whole[name][ends[-1]].as_py(), *values] for name, values in columns.items()}
    # Made at every tick of every session: through a DataFrame it would take five times as long.
    return pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})


def _part(series: Mapping[str, str], rows: Sequence[Row], role: str) -> dict[str, list[Any]]:
    best, count = best_row(rows), len(rows)
    columns: dict[str, list[Any]] = {
        "role": [role] * count,
        "x": [position(row) for row in rows],
        "epoch": [number(row, "epoch") for row in rows],
        "dot": [float(role == "this" and count <= DOTS_UP_TO)] * count,
        "best": [row is best for row in rows],
    }
    for name, key in series.items():
        columns[name] = [value_of(row, key) for row in rows]
    return columns


def _mark_part(
    series: Mapping[str, str], height: str, mark: Mark, y: float | None, end: float
) -> dict[str, list[Any]]:
    """A mark as a row: its label stands on the side of its line where there is room."""
    side = "mark left" if mark.epoch > ROOM_UP_TO * end else "mark right"
    part: dict[str, list[Any]] = {"role": [side], "x": [float(mark.epoch)], "epoch": [float(mark.epoch)]}
    part |= {"dot": [0.0], "best": [False], "label": [mark.label]}
    for name in series:
        part[name] = [y if name == height else None]
    return part


def _mark_places(kind: Kind, rows: Sequence[Row], count: int) -> list[float | None]:
    """How high the labels stand: one above the other from the lowest value up, where curves that have
    risen leave room, of gaps from the highest down, before these have risen; and inside the curves' own
    range, so that no axis is stretched."""
    keys = series_of(kind, averaged=True).values()
    values = [value for row in rows for key in keys if (value := value_of(row, key)) is not None]
    if not values:
        return [None] * count
    low, high = min(values), max(values)
    step = (high - low) * LABEL_STEP
    return [high - 2 * step * (place + 1) if kind == "gap" else low + step * place for place in range(count)]
