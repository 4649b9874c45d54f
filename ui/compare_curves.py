"""Curves of the selected runs, laid over each other; coloured by run or setting, side by side by setting."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.insight import has_average, thin
from core.insight.row_notes import rows_notes
from core.runs import RunEntry
from core.runs.rows import RowsRead
from ui.charts import run_color
from ui.layout import kept
from ui.lr_lines import drawn_lr
from ui.run_charts import AVERAGED, Kind, Row
from ui.run_fields import BEST, Field
from ui.run_overlay import (
    HEIGHT,
    Curve,
    Overlay,
    XAxis,
    overlay_height,
    overlay_rows,
    overlay_spec,
    settled_runs,
)
from ui.services import epochs_of
from ui.words import plain, unique

CLEAR = 10
"""More curves than this nobody can tell apart."""
MOST = 60
"""More are not drawn: reading and drawing them would take seconds, and nobody could see anything."""
POINTS_IN_ALL = 3000
POINTS_OF_A_RUN = (500, 300, 200, 150, 100)
"""The first with which all runs together have no more than that, else the last. Few steps: where a run more
changes nothing of it, the rows of the others stay what the browser has."""
FACETS_BESIDE = 3
FACET_HEIGHT = 300
FIELD_WIDTH = 230
CHART, KIND, OVER = "compare_chart", "compare_kind", "compare_over"
COLOR, FACET = "compare_color", "compare_facet"
_KINDS: dict[str, Kind] = {"Accuracy": "accuracy", "Loss": "loss", "Gap": "gap", "Learning rate": "lr"}
_AXES: dict[str, XAxis] = {"Epochs": "epoch", "Time": "time"}
_VAL, _VAL_AND_TRAIN = "val", "val and train"
_LINES: dict[str, tuple[str, ...]] = {
    _VAL: ("val",),
    _VAL_AND_TRAIN: ("val", "train"),
    "val and clean train": ("val", "clean train"),
}
_BEGAN = "compare_lines_began_"
_SETTLED = "compare_settled"
_RUN, _NOTHING = "run", "nothing"
Reads = Mapping[str, RowsRead]
Fields = Mapping[str, Field]


def read_runs(entries: Sequence[RunEntry]) -> dict[str, RowsRead]:
    """The rows of each run that can be read, by its id."""
    return {entry.id: epochs_of(entry.run) for entry in entries if entry.status}


class CurvesPlace:
    """Where the curves stand: below what is chosen of them, above what is said of them."""

    def __init__(self) -> None:
        self.notice = st.container()
        self.choice = kept("compare_choices", horizontal=True, gap="medium", vertical_alignment="center")
        self.charts, self.words = st.container(), st.container()


@dataclass(frozen=True)
class CurveCharts:
    """Charts of curves, ready to be sent."""

    curves: list[Curve]
    """Those without a row among them."""
    specs: list[dict[str, Any]]
    """With their rows: one chart, or one for each part of `facet_by`, empty where no curve belongs there."""
    facet_by: Field | None


def make_curves(entries: Sequence[RunEntry], reads: Reads, fields: Callable[[], Fields]) -> CurveCharts:
    """The charts as was chosen in `curves_choices`, which may come later: what a click asked for is drawn
    first. `fields` tells these runs apart, in their order."""
    kind, shown, x_axis = _chosen(len(entries))
    color_by = _chosen_field(COLOR, fields)
    facet_by = _chosen_field(FACET, fields)
    curves = curves_of(entries, reads, color_by, kind)
    drawn = [curve for curve in curves if curve.rows]
    if not drawn:
        return CurveCharts(curves, [], None)
    style = _style(kind, shown, x_axis, drawn, color_by)
    if facet_by is None:
        return CurveCharts(curves, [_spec(style, drawn, settled=_settled(drawn))], None)
    specs = _facet_specs(style, drawn, [entry.id for entry in entries], facet_by)
    return CurveCharts(curves, specs, facet_by)


def _settled(curves: Sequence[Curve]) -> Collection[str]:
    """The ids of the runs whose rows stand in the data sets that stay the same; kept in the session from one
    drawing to the next."""
    now = tuple(curve.id for curve in curves)
    st.session_state[_SETTLED] = settled_runs(st.session_state.get(_SETTLED, ()), now)
    return set(st.session_state[_SETTLED])


def draw_curves(made: CurveCharts, place: CurvesPlace) -> None:
    """Send the charts to where they stand."""
    if not made.specs:
        return
    places = [(CHART, place.charts)]
    if made.facet_by is not None:
        with place.charts:
            places = [(f"{CHART}_{at}", column) for at, (column, _) in enumerate(facets(made.facet_by))]
    for (key, where), spec in zip(places, made.specs, strict=True):
        if spec:
            where.vega_lite_chart(spec=spec, key=key, width="stretch")


def curves_choices(count: int, fields: Fields, bar: Any, place: CurvesPlace) -> None:
    """What can be chosen of the curves of so many runs; by what to tell them apart in `bar`."""
    if told_apart := _told_apart(fields):
        with bar:
            field_choice("Colour", fields, told_apart, COLOR, _RUN)
            field_choice("Side by side", fields, told_apart, FACET, _NOTHING)
    with place.choice:
        one_of("Curves", list(_KINDS), KIND)
        key = _lines_key(_KINDS[_state(KIND, _KINDS)])
        if key:
            one_of("Lines", list(_LINES), key, default=_lines_at_first(count, key))
        one_of("Over", list(_AXES), OVER)


def curves_words(curves: Sequence[Curve], reads: Reads, place: CurvesPlace) -> None:
    """What there is to say of the curves."""
    drawn = [curve for curve in curves if curve.rows]
    with place.words:
        if drawn:
            silent = [curve.name for curve in curves if not curve.rows]
            st.caption(_hint(drawn, silent, by_run=_state(COLOR, [_RUN]) == _RUN))
        else:
            st.caption("None of these runs has finished an epoch yet.")
        for curve in curves:
            read = reads[curve.id]
            for note in rows_notes(read.rows, read.damaged):
                st.caption(f":orange[:material/warning:] {plain(f'{curve.name}: {note}')}")


class _Style:
    """What is drawn of the curves, the same in all charts."""

    def __init__(
        self, kind: Kind, shown: tuple[str, ...], x_axis: XAxis, averaged: bool, color_by: Field | None
    ) -> None:
        self.kind, self.shown, self.x_axis, self.averaged = kind, shown, x_axis, averaged
        self.color_by = color_by

    def rows(self, curves: Sequence[Curve], settled: Collection[str] | None = None) -> Overlay:
        """The chart's rows, and with them what its legend names."""
        return overlay_rows(
            self.kind,
            curves,
            self.shown,
            self.x_axis,
            averaged=self.averaged,
            parts=None if self.color_by is None else self.color_by.colors,
            settled=settled,
        )


def _style(
    kind: Kind, shown: tuple[str, ...], x_axis: XAxis, drawn: Sequence[Curve], color_by: Field | None
) -> _Style:
    """Of runs that average their weights, val of these too."""
    averaged = any(has_average(curve.rows) for curve in drawn)
    if averaged and "val" in shown:
        shown = ("val", AVERAGED, *shown[1:])
    return _Style(kind, shown, x_axis, averaged, color_by)


def _spec(
    style: _Style,
    curves: Sequence[Curve],
    *,
    height: int = HEIGHT,
    domain: tuple[float, float] | None = None,
    settled: Collection[str] | None = None,
) -> dict[str, Any]:
    """A chart with its rows."""
    rows = style.rows(curves, settled)
    spec = overlay_spec(
        style.kind,
        style.shown,
        style.x_axis,
        averaged=style.averaged,
        by_part=style.color_by is not None,
        domain=domain,
        height=overlay_height(rows.named, height),
    )
    return spec | {"datasets": rows.datasets}


def _facet_specs(
    style: _Style, curves: Sequence[Curve], ids: Sequence[str], facet_by: Field
) -> list[dict[str, Any]]:
    """A chart for each part of the field, with one axis of values for all."""
    lines = style.rows(curves).lines
    values = [value for name in style.shown for value in lines[name].to_pylist() if value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    # Rounded: each new pair of ends would build a spec anew.
    domain = (round(low, 2), round(high, 2) if round(high, 2) > round(low, 2) else round(low, 2) + 0.01)
    specs = []
    for _, inside in _parts(facet_by):
        runs = {ids[at] for at in inside}
        found = [curve for curve in curves if curve.id in runs]
        specs.append(_spec(style, found, height=FACET_HEIGHT, domain=domain) if found else {})
    return specs


def facets(field: Field) -> list[tuple[Any, list[int]]]:
    """A place beside others, with its heading, for each part of a field, and which runs belong there."""
    st.markdown(f"**{plain(field.label)}**")
    parts = _parts(field)
    found = []
    columns: list[Any] = []
    for at, (part, inside) in enumerate(parts):
        if at % FACETS_BESIDE == 0:
            columns = st.columns(min(FACETS_BESIDE, max(2, len(parts))), gap="small")
        column = columns[at % FACETS_BESIDE]
        column.markdown(f"{plain(part)} :gray[{len(inside)} run{'s' if len(inside) != 1 else ''}]")
        found.append((column, inside))
    return found


def _parts(field: Field) -> list[tuple[str, list[int]]]:
    """The parts of a field, and the places of the runs that belong to each."""
    named, order = field.parts
    return [(part, [at for at, name in enumerate(named) if name == part]) for part in order]


def _hint(drawn: Sequence[Curve], silent: Sequence[str], *, by_run: bool) -> str:
    """What a person can do with the chart, and what is missing from it; as Markdown."""
    hint = "A click on a name in the legend brings its curve forward."
    if silent:
        hint += f" Without an epoch yet: {plain(', '.join(silent))}."
    if len(drawn) > CLEAR and by_run:
        hint += f" {len(drawn)} curves are hard to tell apart; up to {CLEAR} stay clear. "
        hint += "Colour them by a setting, or see them under Groups."
    return hint


def _chosen(count: int) -> tuple[Kind, tuple[str, ...], XAxis]:
    """Which curves of so many runs, which of their lines, and over what."""
    kind = _KINDS[_state(KIND, _KINDS)]
    shown: tuple[str, ...] = (kind,)
    if key := _lines_key(kind):
        began = _lines_at_first(count, key)
        shown = _LINES[st.session_state.get(key, began)]
    return kind, shown, _AXES[_state(OVER, _AXES)]


def _state(key: str, options: Iterable[str]) -> str:
    """What is chosen there, as the session has it before the widget is drawn: at first the first option."""
    return str(st.session_state.get(key) or next(iter(options)))


def _lines_key(kind: Kind) -> str:
    """Where the choice of lines is kept; '' for curves of one line."""
    return f"compare_lines_{kind}" if kind in ("accuracy", "loss") else ""


def _chosen_field(key: str, fields: Callable[[], Fields]) -> Field | None:
    """The setting or figure that is chosen there, as the session has it before the widget is drawn."""
    chosen = st.session_state.get(key)
    if chosen in (None, _RUN, _NOTHING):
        return None
    known = fields()
    return known[chosen] if chosen in _told_apart(known) else None


def _told_apart(fields: Fields) -> list[str]:
    return [key for key in fields if key != BEST]


def _lines_at_first(count: int, key: str) -> str:
    """Which lines are drawn of so many runs until somebody chooses: train beside val, unless that would be
    more curves than anybody can tell apart. It stays what it was when runs are added or taken away."""
    if key not in st.session_state:
        st.session_state[_BEGAN + key] = _VAL if 2 * count > CLEAR else _VAL_AND_TRAIN
    return str(st.session_state[_BEGAN + key])


def field_choice(
    label: str, fields: Fields, keys: Sequence[str], key: str, without: str, first: str = ""
) -> Field | None:
    """A setting or figure to choose, as 'Colour: Optimizer'; None for `without`. `first` is what is chosen
    before anybody chose, `without` where it is none of the keys."""
    options = [without, *keys]
    # What was chosen for other runs may not tell these apart.
    if st.session_state.get(key) not in options:
        st.session_state[key] = first if first in keys else without
    chosen = st.selectbox(
        label,
        options,
        key=key,
        width=FIELD_WIDTH,
        format_func=lambda k: f"{label}: {fields[k].label if k in fields else k}",
        label_visibility="collapsed",
    )
    return fields.get(chosen)


def one_of(label: str, options: list[str], key: str, default: str | None = None) -> str:
    """A small choice, always made."""
    chosen = st.segmented_control(
        label,
        options,
        default=default or options[0],
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    return str(chosen or options[0])


def curves_of(
    entries: Sequence[RunEntry], reads: Reads, color_by: Field | None = None, kind: Kind = "accuracy"
) -> list[Curve]:
    """The runs' rows thinned so that all of them together stay quick to draw."""
    allowed = [points for points in POINTS_OF_A_RUN if points * len(entries) <= POINTS_IN_ALL]
    limit = allowed[0] if allowed else POINTS_OF_A_RUN[-1]
    names = unique_names(entries)
    found = []
    for at, entry in enumerate(entries):
        if entry.status:
            rows: Sequence[Row] = thin(reads[entry.id].rows, limit)
            if kind == "lr":
                rows = drawn_lr(entry.run, entry.status, rows)
            curve = Curve(entry.id, names[entry.id], run_color(entry.status.color), rows)
            found.append(curve if color_by is None else replace(curve, part=color_by.parts[0][at]))
    return found


def unique_names(entries: Sequence[RunEntry]) -> dict[str, str]:
    """A name for each run by id; runs of one name get the end of their ids with it, or all of it."""
    return unique({entry.id: entry.name for entry in entries})
