"""How pages use their width: narrow windows have smaller margins, and what needs room beside something of
a fixed width moves below it rather than being squeezed."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

LEAST_PX = 330
"""A chart or a table with fewer pixels cannot be read."""
LIVE_HEIGHTS = {"accuracy": 360, "loss": 360, "lr": 190, "gap": 190}
"""Those of Live's charts in pixels."""
LIVE_LEFT, LIVE_RIGHT = "live_charts", "live_loss_charts"
"""The containers of Live's charts, two in each."""
STYLE = f"""
[data-testid="stMain"] [data-testid="stMainBlockContainer"] {{ padding-top: 3.2rem; padding-bottom: 4rem; }}
@media (max-width: 1150px) {{
  [data-testid="stMain"] [data-testid="stMainBlockContainer"] {{
    padding-left: 1.5rem; padding-right: 1.5rem;
  }}
}}
[data-testid="stMain"] [data-testid="stLayoutWrapper"]:has(> [class*="st-key-room_"]) {{
  min-width: min({LEAST_PX}px, 100%);
}}
[data-testid="stMain"] .st-key-resume_offer {{ margin-top: 1rem; }}
[data-testid="stMain"] :is(.st-key-room_{LIVE_LEFT}, .st-key-{LIVE_RIGHT}) {{
  min-height: calc({LIVE_HEIGHTS["accuracy"] + LIVE_HEIGHTS["lr"]}px + 1rem);
}}
"""
"""Of every page: less empty space above it than Streamlit leaves, and Live's charts have their room before
they are drawn. Each rule names the page's main part, too, and so counts more than Streamlit's own, wherever
it stands."""


def use_style() -> None:
    """To be called once, by the frame around every page: for an address whose answer does not bring it
    (`ui/shell.py`). Here it comes once the page stands, which then moves."""
    st.html(f"<style>{STYLE}</style>")


def room(name: str) -> DeltaGenerator:
    """A container in a horizontal one that takes the width that is left, and a line of its own where that
    is too little. `name` is its own on the page."""
    return st.container(width="stretch", key=f"room_{name}")
