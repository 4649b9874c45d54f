"""Whether the difference between two runs, or two groups of repeats, is real: the verdict as a person reads
it."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from core.insight.verdict import Verdict, judge
from core.insight.verdict_words import p_words
from core.runs import RunEntry
from ui.charts import run_color, spec_of
from ui.layout import room
from ui.methods import Section, methods
from ui.words import count, plain, verdict_badge

_SCOPES = {
    "networks": "said of these networks, not yet of the setting",
    "setting": "said of the setting, whatever the seed",
}
_HEIGHT = 120
_ROW = alt.NamedData(name="row")


def verdict_panel(before: Sequence[RunEntry], after: Sequence[RunEntry]) -> None:
    """The verdict on two runs, or on two groups of repeats: sentence, interval, figures, method."""
    found = judge(before, after)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            scope = f":gray[{_SCOPES[found.scope]}]" if found.scope else ""
            st.markdown(f"**Is it real?** {verdict_badge(found.kind)} {scope}", width="content")
            method = Section.SETTING if found.scope == "setting" else Section.NETWORKS
            methods("verdict", method, Section.SMALLEST)
        st.markdown(f"##### {plain(found.sentence)}")
        if found.difference is not None:
            with st.container(horizontal=True, gap="medium"):
                with room("verdict"):
                    _chart(found, _color(after))
                    st.caption(plain(found.smallest_sentence))
                with st.container(width=420):
                    _figures(found)


def _color(after: Sequence[RunEntry]) -> str:
    return next((run_color(entry.status.color) for entry in after if entry.status), run_color(0))


def _chart(found: Verdict, color: str) -> None:
    if found.difference is None or found.low is None or found.high is None:
        return
    smallest = found.smallest or 0.0
    row = {
        "difference": found.difference * 100,
        "low": found.low * 100,
        "high": found.high * 100,
        "least": -smallest * 100,
        "most": smallest * 100,
        "zero": 0.0,
    }
    st.vega_lite_chart(pd.DataFrame([row]), verdict_spec(color), width="stretch")


@st.cache_data(show_spinner=False, max_entries=100)
def verdict_spec(color: str) -> dict[str, Any]:
    """The difference with its interval against 0, on the band of what the split cannot show."""
    axis = alt.X(
        "low:Q",
        title="difference in val accuracy (points)",
        axis=alt.Axis(grid=False, tickCount=7),
        scale=alt.Scale(zero=True, nice=True),
    )
    base = alt.Chart(_ROW)
    tooltip = [
        alt.Tooltip(f"{key}:Q", title=title, format="+.2f")
        for key, title in (("difference", "difference"), ("low", "95 % from"), ("high", "to"))
    ]
    band = base.mark_rect(color="#888888", opacity=0.16).encode(
        x=alt.X("least:Q"),
        x2="most:Q",
        tooltip=[alt.Tooltip("most:Q", title="smallest that can show", format=".2f")],
    )
    zero = base.mark_rule(color="#888888", strokeWidth=1.5).encode(x=alt.X("zero:Q"))
    interval = base.mark_rule(color=color, strokeWidth=3).encode(x=axis, x2="high:Q", tooltip=tooltip)
    ends = [base.mark_tick(color=color, thickness=3, size=20).encode(x=f"{end}:Q") for end in ("low", "high")]
    point = base.mark_circle(color=color, size=170, opacity=1).encode(x="difference:Q", tooltip=tooltip)
    return spec_of(alt.layer(band, zero, interval, *ends, point).properties(height=_HEIGHT))


def _figures(found: Verdict) -> None:
    rows = []
    if found.only_before is not None and found.only_after is not None:
        rows.append(("Right only before", f"{count(found.only_before)} of {count(found.images)} images"))
        rows.append(("Right only after", f"{count(found.only_after)} of {count(found.images)} images"))
    else:
        rows.append(("Seeds, before and after", f"{found.seeds[0]} and {found.seeds[1]}"))
        rows.append(("Val images", count(found.images)))
    if found.p is not None:
        rows.append(("p", p_words(found.p).removeprefix("p ").removeprefix("= ")))
    rows.append(("Method", found.method))
    table = pd.DataFrame([(name, plain(value)) for name, value in rows], columns=["Figure", "Value"])
    st.table(table.set_index("Figure"))
