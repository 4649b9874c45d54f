"""The style of every page. Narrow windows have smaller margins, what needs room beside something of a fixed
width moves below it rather than being squeezed, and charts that come late have their room before."""

from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

LEAST_PX = 330
"""A chart or a table with fewer pixels cannot be read."""
LIVE_HEIGHTS: dict[Literal["accuracy", "loss", "lr", "gap"], int] = {
    "accuracy": 360,
    "lr": 190,
    "loss": 360,
    "gap": 190,
}
"""Those of Live's charts in pixels: accuracy above lr, beside them loss above gap."""
LIVE_LEFT, LIVE_RIGHT = "live_charts", "live_loss_charts"
"""The names of the containers in which they stand: that of a `room`, and a key."""
KEPT_HEIGHTS = {
    "live_choices": 64,
    "compare_filters": 64,
    "compare_about_selected": 74,
    "compare_bar": 38,
    "compare_choices": 38,
}
"""What rows of widgets are at least high in pixels, by their containers' keys, as they are on a wide window:
what is below does not move when the widgets come."""
BLANK = "blank"
"""The key of a container that keeps the room of what is sent later into the same one. It goes in the frame in
which that comes; taken away by the page it would go a frame before or after it."""
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
[data-testid="stMain"] [data-testid="stLayoutWrapper"]:has(> .st-key-{BLANK}):not(:last-child) {{
  display: none;
}}
[data-testid="stMain"] .st-key-room_{LIVE_LEFT} {{
  min-height: calc({LIVE_HEIGHTS["accuracy"] + LIVE_HEIGHTS["lr"]}px + 1rem);
}}
[data-testid="stMain"] .st-key-{LIVE_RIGHT} {{
  min-height: calc({LIVE_HEIGHTS["loss"] + LIVE_HEIGHTS["gap"]}px + 1rem);
}}
""" + "".join(
    f'[data-testid="stMain"] .st-key-{key} {{ min-height: {px}px; }}\n' for key, px in KEPT_HEIGHTS.items()
)
"""Of every page: less empty space above it than Streamlit leaves; charts and rows of widgets have their room
before they are drawn. Each rule names the page's main part, too, and so counts more than Streamlit's own,
wherever it stands."""


def use_style() -> None:
    """To be called once, by the frame around every page: for an address whose answer does not bring it
    (`ui/shell.py`). Here it comes once the page stands, which then moves."""
    st.html(f"<style>{STYLE}</style>")


def room(name: str) -> DeltaGenerator:
    """A container in a horizontal one that takes the width that is left, and a line of its own where that
    is too little. `name` is its own on the page."""
    return st.container(width="stretch", key=f"room_{name}")


def kept(key: str, **container: Any) -> DeltaGenerator:
    """A container with its height from the start, as KEPT_HEIGHTS has it under this key. One with nothing in
    it would not be drawn at all, so the first thing in it is one that shows nothing."""
    place = st.container(key=key, **container)
    place.empty()
    return place
