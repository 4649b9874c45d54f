"""One data set: what it is, how its classes are spread, what its images look like."""

import html
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from core.data import Dataset, DatasetInfo, ImportOptions, Source, Split, sample_indices
from core.errors import Busy, PlateauError
from core.recipe.words import value_words
from core.runs import ACTIVE
from core.spec import Spec, choices_of, kind_of, settings_of
from ui.charts import spec_of
from ui.data_jobs import notice
from ui.data_list import source_words
from ui.links import fill_form
from ui.pixels import Tile, factor_for, tiles
from ui.services import library, store
from ui.words import count, moment, plain, size

SPLIT_COLORS = {"train": "#5f7688", "val": "#9fb2c1", "test": "#c9a66b"}
"""Muted, for a bright colour means a run."""
PER_CLASS = 12
"""More than fit into one line on most screens; what does not fit is cut off."""
CLASSES_PER_PAGE = 10
_ROW_PX = 20
_MOST_ROWS = 22

FIGURES_STYLE = "<style>.st-key-data-figures [data-testid='stMetricValue'] {font-size:1.25rem}</style>"
"""Seven figures in a row need smaller type than a metric's own."""

PANELS_STYLE = """<style>
.st-key-data-panels { display:grid; gap:1rem 2.5rem; align-items:start;
  grid-template-columns:minmax(0,36fr) minmax(0,64fr); }
@media (max-width:1150px) { .st-key-data-panels { grid-template-columns:minmax(0,1fr); } }
.st-key-data-panels > * { width:100% !important; min-width:0; }
</style>"""

STYLE = """<style>
.pl-samples { display:grid; grid-template-columns:minmax(5em,9em) 1fr; gap:6px 12px; align-items:center;
  font-size:0.86rem; }
.pl-samples > span { overflow:hidden; text-overflow:ellipsis; white-space:nowrap; text-align:right;
  opacity:0.8; }
</style>"""


def show_details(name: str) -> None:
    """Everything about one set, its deletion, and the way to a run with it."""
    try:
        dataset = library().open(name)
    except PlateauError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        _show_delete(name)
        return
    info = dataset.info
    _show_head(info)
    _show_figures(info)
    for sentence in info.warnings:
        st.warning(plain(sentence), icon=":material/warning:")
    # A grid instead of columns: on a narrow window the samples go below the chart.
    st.html(PANELS_STYLE)
    with st.container(key="data-panels"):
        with st.container(key="data-panel-counts"):
            _show_class_counts(info)
        with st.container(key="data-panel-samples"):
            _show_samples(dataset)
    _show_origin(info)


def _show_head(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(info.name), anchor=False)
        _show_delete(info.name)
        if st.button("New run with this data", type="primary", icon=":material/tune:", key="data_new_run"):
            fill_form(data=info.name)


def _show_figures(info: DatasetInfo) -> None:
    figures = [
        ("Train", count(info.counts.get("train", 0)), "Images that a run learns from."),
        ("Val", count(info.counts.get("val", 0)), "Images that choose the best epoch; never trained on."),
        ("Test", count(info.counts.get("test", 0)), "Images to be looked at only in the end."),
        ("Unlabelled", count(info.counts.get("unlabelled", 0)), "Images without a class, to be classified."),
        ("Classes", count(len(info.classes)), "What the network tells apart."),
        ("Mean", _numbers(info.mean), "Of the train split, per channel, for pixels in 0 to 1."),
        ("Standard deviation", _numbers(info.std), "Of the train split, per channel, for pixels in 0 to 1."),
    ]
    st.html(FIGURES_STYLE)
    with st.container(key="data-figures", horizontal=True, gap="large"):
        for label, value, about in figures:
            st.metric(label, value, help=about, width="content")


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def _show_class_counts(info: DatasetInfo) -> None:
    st.markdown("**Images per class**")
    splits = [split for split in SPLIT_COLORS if info.counts.get(split)]
    rows = pd.DataFrame(
        [
            {"class": name, "split": split, "images": info.class_counts[split][label], "order": at}
            for label, name in enumerate(info.classes)
            for at, split in enumerate(splits)
        ]
    )
    tall = len(info.classes) > _MOST_ROWS
    with st.container(height=_MOST_ROWS * _ROW_PX if tall else "content", border=tall):
        spec = _class_counts_spec(tuple(info.classes), tuple(splits))
        st.vega_lite_chart(rows, spec, key=f"class-counts-{info.fingerprint[:8]}", width="stretch")


@st.cache_data(max_entries=50, show_spinner=False)
def _class_counts_spec(classes: tuple[str, ...], splits: tuple[str, ...]) -> dict[str, Any]:
    colors = [SPLIT_COLORS[split] for split in splits]
    chart = (
        alt.Chart(alt.Data(values=[]))
        .mark_bar()
        .encode(
            y=alt.Y(
                "class:N", sort=list(classes), title="class", axis=alt.Axis(labelLimit=140, labelFlush=False)
            ),
            # On top: below, it is out of sight where many classes are scrolled through.
            x=alt.X("images:Q", stack="zero", title="images", axis=alt.Axis(tickMinStep=1, orient="top")),
            color=alt.Color(
                "split:N",
                scale=alt.Scale(domain=list(splits), range=colors),
                legend=alt.Legend(orient="top", title=None),
            ),
            order=alt.Order("order:Q"),
            tooltip=["class:N", "split:N", alt.Tooltip("images:Q", format=",")],
        )
        .properties(height={"step": _ROW_PX}, padding={"left": 0, "right": 4, "top": 4, "bottom": 0})
    )
    return spec_of(chart)


def _show_samples(dataset: Dataset) -> None:
    info = dataset.info
    kept = st.session_state.setdefault("data_samples", {"seed": 0})
    all_splits: tuple[Split, ...] = ("train", "val", "test", "unlabelled")
    splits = [split for split in all_splits if info.counts.get(split)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Samples by class**", width="content")
        split = st.segmented_control(
            "Split",
            splits,
            default=splits[0],
            required=True,
            label_visibility="collapsed",
            key=f"data_split_{info.name}",
        )
        if st.button("Show others", icon=":material/casino:", key="data_others"):
            kept["seed"] += 1
    first = _first_class(len(info.classes)) if split != "unlabelled" else 0
    st.html(STYLE + _samples(dataset, split or splits[0], first, kept["seed"]))


def _first_class(classes: int) -> int:
    """Which page of classes is shown."""
    if classes <= CLASSES_PER_PAGE:
        return 0
    starts = list(range(0, classes, CLASSES_PER_PAGE))
    return st.selectbox(
        "Classes",
        starts,
        format_func=lambda start: (
            f"Classes {start + 1} to {min(start + CLASSES_PER_PAGE, classes)} of {classes}"
        ),
        label_visibility="collapsed",
        key=f"data_class_page_{classes}",
    )


def _samples(dataset: Dataset, split: Split, first: int, seed: int) -> str:
    info = dataset.info
    per_class = PER_CLASS * 5 if split == "unlabelled" else PER_CLASS
    chosen = sample_indices(dataset, split, per_class, seed)
    labels = ["unlabelled"] if split == "unlabelled" else list(info.classes)
    factor = factor_for(info.image_size, 64)
    rows = []
    for label, indices in list(zip(labels, chosen, strict=True))[first : first + CLASSES_PER_PAGE]:
        pictures = [Tile(np.asarray(dataset.images[i]), tooltip=dataset.image_name(int(i))) for i in indices]
        name = html.escape(label)
        shown = tiles(pictures, factor, gap=4) if pictures else "<em>none in this split</em>"
        if split != "unlabelled":
            line = info.image_size * factor + 4
            shown = f'<div style="max-height:{line}px;overflow:hidden">{shown}</div>'
        rows.append(f'<span title="{name}">{name}</span>{shown}')
    return f'<div class="pl-samples">{"".join(rows)}</div>'


def _show_origin(info: DatasetInfo) -> None:
    with st.expander("Where it comes from", icon=":material/info:"):
        source = _words(_SOURCES.get(str(info.source.get("kind"))), info.source)
        facts = {
            "Source": f"{source_words(info)} ({source})" if source else source_words(info),
            "Import settings": _words(ImportOptions, info.options),
            "Imported": f"{moment(info.created_at)} UTC",
            "On disk": size(library().disk_bytes(info.name)),
            "Fingerprint": f"{info.fingerprint[:12]} (with its split {info.split_fingerprint[:12]})",
        }
        st.markdown("\n".join(f"- {key}: {plain(value)}" for key, value in facts.items()))
    if info.skipped:
        total = max(info.skipped_count, len(info.skipped))
        with st.expander(f"Left out: {count(total)}", icon=":material/block:"):
            st.markdown("\n".join(f"- {plain(sentence)}" for sentence in info.skipped))


_SOURCES = {kind_of(spec): spec for spec in choices_of(Source)}


def _words(spec: type[Spec] | None, values: dict[str, Any]) -> str:
    """Stored settings by what the form calls them: 'Fit crop, Colour as stored'."""
    labels = {setting.name: setting.label for setting in settings_of(spec)} if spec else {}
    shown = {key: value for key, value in values.items() if key != "kind" and value not in (None, "")}
    return ", ".join(f"{labels.get(key, key)} {value_words(value)}" for key, value in shown.items())


def _show_delete(name: str) -> None:
    if st.button("Delete", icon=":material/delete:", key="data_delete"):
        _confirm_delete(name)


@st.dialog("Delete this data set?")
def _confirm_delete(name: str) -> None:
    used = [entry for entry in store().list() if entry.status and entry.status.dataset == name]
    st.markdown(f"**{plain(name)}** and its stored pixels are removed; the files it came from stay.")
    if used:
        runs = "1 run was" if len(used) == 1 else f"{len(used)} runs were"
        st.warning(
            f"{runs} set up with it; without it no run can be resumed, extended or evaluated.",
            icon=":material/warning:",
        )
    if st.button(
        "Delete it",
        icon=":material/delete_forever:",
        key="data_delete_sure",
        on_click=_delete,
        args=(name, [entry.name for entry in used if entry.status and entry.status.state in ACTIVE]),
    ):
        st.rerun()


def _delete(name: str, training: list[str]) -> None:
    try:
        if training:
            raise Busy(f"{training[0]} is training on {name}; stop it first.")
        library().delete(name)
    except PlateauError as error:
        notice("error", str(error))
    else:
        notice("info", f"The data set {name} was deleted.")
        st.query_params.pop("data", None)
