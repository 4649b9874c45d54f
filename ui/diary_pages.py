"""Which entries of the diary are on the screen: in which order, and which page of them."""

from collections.abc import Sequence

import streamlit as st

from core.insight.diary.entries import Diary
from core.runs import RunEntry

PER_PAGE = 20
"""Entries on one page; each has two charts, and more of them make a browser slow."""
NEWEST, OLDEST = "Newest first", "Oldest first"


def choose_page(diary: Diary) -> Sequence[RunEntry]:
    """The entries to show. A link with `run` in its address leads to that run's page."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        order = st.segmented_control(
            "Order", [NEWEST, OLDEST], default=NEWEST, required=True, key="diary_order",
            label_visibility="collapsed",
        )  # fmt: skip
        ordered = diary.entries if order == OLDEST else diary.entries[::-1]
        pages = -(-len(ordered) // PER_PAGE)
        if pages < 2:
            return ordered
        # The order is part of the key: turned round, the list begins at its first page again.
        page = st.pagination(pages, default=_page_of_link(ordered), key=f"diary_page_{pages}_{order}")
    return ordered[(page - 1) * PER_PAGE : page * PER_PAGE]


def _page_of_link(ordered: Sequence[RunEntry]) -> int:
    asked = st.query_params.get("run", "")
    return next((at // PER_PAGE + 1 for at, run in enumerate(ordered) if run.id == asked), 1)
