"""What all charts share: the runs' colours, and Altair charts as specs that are built once.

Altair checks a chart against its whole schema each time it is turned into JSON, which costs more
than drawing it. So a chart's spec is built once per shape and cached; new rows go to Streamlit as
data beside it.
"""

from typing import Any

import altair as alt

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#8c6bb1",
    "#a6761d",
    "#66a61e",
    "#b22222",
)
"""Okabe and Ito's colours that show on light and dark, and four more; colour-blind safe side by side."""

_SECOND_ROUND = (
    "#5f8fb6",
    "#734e01",
    "#56d1a3",
    "#81526b",
    "#2b5c79",
    "#fcb08a",
    "#b7a3d0",
    "#b7996d",
    "#85cf3c",
    "#ff6056",
)
"""A lighter or darker relative of each, as far from the other 19 as both backgrounds allow."""

TRAIN_DASH = [5, 4]
"""Train is dashed and val solid, everywhere."""


def run_color(index: int) -> str:
    """The colour of a run, by the index that it was given when it was made; 20 in a row differ."""
    rounds, place = divmod(index, len(PALETTE))
    return (_SECOND_ROUND if rounds % 2 else PALETTE)[place]


def spec_of(chart: Any) -> dict[str, Any]:
    """An Altair chart as a Vega-Lite spec without its data, for `st.vega_lite_chart(rows, spec)`."""
    with alt.data_transformers.enable("default", consolidate_datasets=False):
        spec = chart.to_dict()
    for key in ("data", "datasets", "$schema"):
        spec.pop(key, None)
    return spec
