"""How pages use their width: narrow windows have smaller margins, and what needs room beside something of
a fixed width moves below it rather than being squeezed."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

LEAST_PX = 330
"""A chart or a table with fewer pixels cannot be read."""
_STYLE = f"""<style>
@media (max-width: 1150px) {{
  [data-testid="stMainBlockContainer"] {{ padding-left: 1.5rem; padding-right: 1.5rem; }}
}}
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-room_"]) {{ min-width: min({LEAST_PX}px, 100%); }}
.st-key-resume_offer {{ margin-top: 1rem; }}
</style>"""


def use_width() -> None:
    """To be called once, by the frame around every page."""
    st.html(_STYLE)


def room(name: str) -> DeltaGenerator:
    """A container in a horizontal one that takes the width that is left, and a line of its own where that
    is too little. `name` is its own on the page."""
    return st.container(width="stretch", key=f"room_{name}")
