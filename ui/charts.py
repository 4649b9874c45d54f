"""What all charts share: the runs' colours, and Altair charts as specs that are built once.

Altair checks a chart against its whole schema each time it is turned into JSON, which costs more
than drawing it. So a chart's spec is built once per shape and cached; new rows go to Streamlit as
data beside it.
"""

from typing import Any

import altair as alt

from core.insight.palette import PALETTE, run_color

__all__ = ["PALETTE", "on_background", "run_color", "spec_of"]


def spec_of(chart: Any) -> dict[str, Any]:
    """An Altair chart as a Vega-Lite spec without its data, for `st.vega_lite_chart(rows, spec)`."""
    with alt.data_transformers.enable("default", consolidate_datasets=False):
        spec = chart.to_dict()
    for key in ("data", "datasets", "$schema"):
        spec.pop(key, None)
    return spec


DARK = "#12171d"
"""The background of the dark theme."""
READABLE = 4.5
"""Contrast that a thin line needs against its background (WCAG 2.2, 1.4.3)."""


def on_background(color: str, *, dark: bool) -> str:
    """A run's colour as it is, or on a dark page as much lighter as a thin line needs to be seen."""
    if not dark:
        return color
    rgb = _rgb(color)
    for step in range(11):
        lighter = tuple(round(part + (255 - part) * step / 10) for part in rgb)
        if (_luminance(lighter) + 0.05) / (_luminance(_rgb(DARK)) + 0.05) >= READABLE:
            break
    return "#" + "".join(f"{part:02x}" for part in lighter)


def _rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(rgb: tuple[int, ...]) -> float:
    """Relative luminance (WCAG 2.2), 0 for black to 1 for white."""
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in (c / 255 for c in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
