"""Which classes a network gets wrong, and what it takes them for."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from core.insight.classes import (
    ClassRow,
    Pair,
    class_rows,
    confused_pairs,
    confusion,
    most_confused,
    side_by_side,
    worst_errors,
)
from ui.charts import run_color, spec_of
from ui.inspect_choice import Scene
from ui.inspect_errors import error_lines
from ui.inspect_gallery import gallery, table_height
from ui.pixels import RIGHT, WRONG
from ui.words import percent, plain

SHOWN = (12, 24, 40)
"""How many classes a matrix can show: with more, neither a name nor a cell can be read."""
_COUNTS_UP_TO = 12
_BESIDE_UP_TO = 24
_MOST_PAIRS = 200

STYLE = """<style>
.st-key-inspect-panels { display:grid; gap:1rem 2rem; align-items:start;
  grid-template-columns:minmax(0,56fr) minmax(0,44fr); }
@media (max-width:1250px) { .st-key-inspect-panels { grid-template-columns:minmax(0,1fr); } }
.st-key-inspect-panels > * { width:100% !important; min-width:0; }
</style>"""
WIDE = "<style>.st-key-inspect-panels { grid-template-columns:minmax(0,1fr); }</style>"
"""For a matrix whose columns have no room for a name beside the pairs."""


def show_classes(scene: Scene) -> None:
    """Matrix and pairs side by side, then every class in a table."""
    matrix = confusion(scene.outcomes, len(scene.classes))
    st.html(STYLE)
    with st.container(key="inspect-panels"):
        with st.container(key="inspect-matrix"):
            shown = _show_matrix(scene, matrix)
        with st.container(key="inspect-pairs"):
            pair = _show_pairs(scene, matrix)
    if shown > _BESIDE_UP_TO:
        st.html(WIDE)
    if pair is not None:
        _show_pair(scene, pair)
    _show_table(scene, class_rows(matrix))


def _show_matrix(scene: Scene, matrix: np.ndarray) -> int:
    """How many classes it shows."""
    st.markdown("**Confusion matrix**")
    classes = len(matrix)
    shown = classes
    if classes > SHOWN[0]:
        sizes = [size for size in SHOWN if size < classes]
        if classes <= SHOWN[-1]:
            sizes.append(classes)
        chosen = st.segmented_control(
            "Classes in the matrix",
            sizes,
            default=min(24, sizes[-1]) if 24 in sizes else sizes[0],
            required=True,
            format_func=lambda size: "all" if size == classes else f"{size} most confused",
            key=f"inspect_matrix_{classes}",
            label_visibility="collapsed",
        )
        shown = chosen or sizes[0]
    labels = side_by_side(matrix, most_confused(matrix, shown))
    names = unique_names([scene.name_of(label) for label in labels])
    dark = st.context.theme.type == "dark"
    spec = _matrix_spec(tuple(names), shown <= _COUNTS_UP_TO, dark)
    st.vega_lite_chart(_cells(matrix, labels, names), spec, key="inspect_matrix_chart", width="stretch")
    left_out = ""
    if shown < classes:
        others = "other classes are" if classes - shown > 1 else "other class is"
        left_out = f" {classes - shown} {others} in the table below."
    st.caption(
        "A row is a true class, a column what its images were taken for; a cell is stronger the "
        f"larger its share of the row. Classes that are taken for each other stand side by side.{left_out}"
    )
    return shown


def unique_names(names: Sequence[str]) -> list[str]:
    """Class names that differ, also where a chart would take two for one."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _cells(matrix: np.ndarray, labels: Sequence[int], names: Sequence[str]) -> pd.DataFrame:
    """One row per cell that is not empty; the diagonal always."""
    sizes = np.maximum(1, matrix.sum(axis=1))
    cells = [
        {
            "true": names[i],
            "predicted": names[j],
            "images": int(matrix[row, column]),
            "share": float(matrix[row, column] / sizes[row]),
            "right": row == column,
        }
        for i, row in enumerate(labels)
        for j, column in enumerate(labels)
        if matrix[row, column] or i == j
    ]
    return pd.DataFrame(cells)


_INK, _INK_ON_DARK = "#12171d", "#e3e8ee"
_STRONG = 0.3
"""Share of a row from which a cell is bright enough for dark numbers, on a dark page too."""


@st.cache_data(show_spinner=False, max_entries=50)
def _matrix_spec(names: tuple[str, ...], counts: bool, dark: bool = False) -> dict[str, Any]:
    """Colour by opacity, so that an empty cell is the page's own ground, light or dark."""
    base = alt.Chart(alt.NamedData(name="cells"))
    tight = len(names) > _BESIDE_UP_TO
    x, y = _matrix_axes(list(names), tight)
    squares = base.mark_rect(cornerRadius=2).encode(
        x=x,
        y=y,
        color=alt.Color("right:N", scale=alt.Scale(domain=[True, False], range=[RIGHT, WRONG]), legend=None),
        # The root of the share: a few confused images must be seen beside a diagonal of nine in ten.
        opacity=alt.Opacity(
            "share:Q",
            scale=alt.Scale(type="sqrt", domain=[0, 1], range=[0.0, 0.95]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("true:N", title="true class"),
            alt.Tooltip("predicted:N", title="taken for"),
            alt.Tooltip("images:Q", format=","),
            alt.Tooltip("share:Q", title="share of the class", format=".1%"),
        ],
    )
    layers = [squares]
    if counts:
        ink = alt.value(_INK)
        if dark:
            # On a pale cell stands the dark page behind the number.
            ink = alt.condition(f"datum.share > {_STRONG}", ink, alt.value(_INK_ON_DARK))
        layers.append(base.mark_text(fontSize=12).encode(x=x, y=y, text="images:Q", color=ink))
    step = 34 if len(names) <= _COUNTS_UP_TO else 15 if tight else 20
    return spec_of(alt.layer(*layers).properties(height={"step": step}))


def _matrix_axes(order: list[str], tight: bool) -> tuple[alt.X, alt.Y]:
    """Both with every class in its place, also one that has no cell; `tight` where names have little room."""
    axis: dict[str, Any] = {"labelLimit": 150, "labelFlush": False, "ticks": False, "domain": False}
    if tight:
        axis |= {"labelLimit": 110, "labelFontSize": 10}
    x = alt.X(
        "predicted:N",
        sort=order,
        title="taken for",
        scale=alt.Scale(domain=order),
        axis=alt.Axis(orient="top", labelAngle=-60, labelOverlap="greedy" if tight else False, **axis),
    )
    y = alt.Y(
        "true:N",
        sort=order,
        title="true class",
        scale=alt.Scale(domain=order),
        axis=alt.Axis(labelOverlap=False, **axis),
    )
    return x, y


def _show_pairs(scene: Scene, matrix: np.ndarray) -> Pair | None:
    """The most confused pairs; a chosen row is given back."""
    st.markdown("**Most confused pairs**")
    pairs = confused_pairs(matrix, _MOST_PAIRS)
    if not pairs:
        st.caption("No image was taken for another class.")
        return None
    table = pd.DataFrame(
        {
            "Class": [scene.name_of(pair.first) for pair in pairs],
            "Taken for": [scene.name_of(pair.second) for pair in pairs],
            "Images": [pair.forth for pair in pairs],
            "Reverse": [pair.back for pair in pairs],
            "Share of both": [pair.count / pair.images * 100 for pair in pairs],
        }
    )
    event = st.dataframe(
        table,
        hide_index=True,
        height=table_height(len(table), 12),
        selection_mode="single-row",
        on_select="rerun",
        key=f"inspect_pairs_{scene.run.id}_{scene.file.name}",
        column_config={
            "Images": st.column_config.NumberColumn(help="Images of the class that were taken for the other"),
            "Reverse": st.column_config.NumberColumn(help="Images of the other class taken for this one"),
            "Share of both": st.column_config.NumberColumn(
                format="%.1f %%", help="Share of the images of both classes that were taken for each other"
            ),
        },
    )
    rows = event["selection"]["rows"]
    if not rows:
        st.caption("Choose a row to see its images.")
    return pairs[rows[0]] if rows and rows[0] < len(pairs) else None


def _show_pair(scene: Scene, pair: Pair) -> None:
    """The images of two classes that were taken for each other."""
    first, second = scene.name_of(pair.first), scene.name_of(pair.second)
    st.markdown(
        f"**{plain(first)} and {plain(second)}** :gray[{pair.count:,} "
        f"{'images, the most confident first' if pair.count > 1 else 'image'}]"
    )
    forth = worst_errors(scene.outcomes, truth=pair.first, predicted=pair.second)
    back = worst_errors(scene.outcomes, truth=pair.second, predicted=pair.first)
    places = np.concatenate([forth, back])
    places = places[np.argsort(-scene.outcomes.probability[places], kind="stable")]
    gallery(
        "inspect_pair",
        places,
        lambda place: scene.picture(place, error_lines(scene, place)),
        told=f"{scene.run.id} {scene.file.name} {first} {second}",
    )


def _show_table(scene: Scene, rows: Sequence[ClassRow]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**Accuracy by class** :gray[the lowest first]", width="content")
        wanted = ""
        if len(rows) > _COUNTS_UP_TO:
            wanted = st.text_input(
                "Find a class",
                placeholder="Find a class",
                key="inspect_find_class",
                label_visibility="collapsed",
                width=220,
            )
    asked = wanted.casefold().split()
    found = [row for row in rows if all(word in scene.name_of(row.label).casefold() for word in asked)]
    if not found:
        st.caption("No class has this name.")
        return
    found.sort(key=lambda row: (row.accuracy is None, row.accuracy or 0.0))
    st.dataframe(
        class_table(scene, found),
        hide_index=True,
        height=table_height(len(found), 16),
        key="inspect_class_table",
        placeholder="–",
        column_config={
            "Class": st.column_config.TextColumn(width="medium"),
            "Accuracy": st.column_config.ProgressColumn(
                format="%.1f %%",
                min_value=0,
                max_value=100,
                color=run_color(scene.status.color),
                help="Share of the class's images that are right",
            ),
            "95 %": st.column_config.TextColumn(help="Wilson's interval of the accuracy"),
            "Precision": st.column_config.NumberColumn(
                format="%.1f %%", help="Share of the images taken for this class that are of it"
            ),
            "Most taken for": st.column_config.TextColumn(width="medium"),
        },
    )


def class_table(scene: Scene, rows: Sequence[ClassRow]) -> pd.DataFrame:
    """One row per class, as a person reads it."""
    return pd.DataFrame(
        {
            "Class": [scene.name_of(row.label) for row in rows],
            "Images": [row.images for row in rows],
            "Right": [row.right for row in rows],
            "Accuracy": [None if row.accuracy is None else row.accuracy * 100 for row in rows],
            "95 %": [f"{row.low * 100:.1f} to {percent(row.high)}" if row.images else "–" for row in rows],
            "Precision": [None if row.precision is None else row.precision * 100 for row in rows],
            "Most taken for": [
                "–" if row.taken_for is None else f"{scene.name_of(row.taken_for)} ({row.times})"
                for row in rows
            ],
        }
    )
