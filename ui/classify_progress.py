"""How far a long classification is, and a way out of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.data import Progress


@contextmanager
def cancellable(
    text: str, *, key: str = "classify_cancel", help_text: str = "Stop here; nothing is kept of it."
) -> Iterator[Progress]:
    """A bar and a button to cancel, for as long as the block lasts; the block calls what it is given.

    A click on the button, as on anything else of the page, starts the page's script anew: the one
    that is running ends at its next word to the bar, and nothing of its answer is kept.
    """
    box = st.empty()
    with box.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=text)
        st.button("Cancel", icon=":material/close:", key=key, help=help_text)

    def progress(stage: str, done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(1, total)), text=f"{stage}, {done:,} of {total:,}")

    try:
        yield progress
    finally:
        box.empty()
