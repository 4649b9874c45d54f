"""The frame around every page: configuration, navigation, and what is training right now."""

from pathlib import Path

import streamlit as st

from core.runs import ACTIVE
from ui.services import store
from ui.words import plain

PAGES = Path(__file__).resolve().parent.parent / "pages"

st.set_page_config(page_title="Plateau", page_icon=":material/terrain:", layout="wide")


def page(name: str, title: str, icon: str, *, default: bool = False) -> st.Page:
    """A page of the app, under its own address (the first one also under '/')."""
    return st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=name, default=default)


chosen = st.navigation(
    [
        page("data", "Data", ":material/photo_library:", default=True),
        page("new_run", "New run", ":material/tune:"),
        page("live", "Live", ":material/monitoring:"),
        page("compare", "Compare", ":material/compare_arrows:"),
        page("classify", "Classify", ":material/image_search:"),
    ]
)


# A fragment that runs by itself disturbs file uploaders, so only pages without one have it.
REFRESH_S = 5 if chosen.url_path in ("live", "compare") else None


@st.fragment(run_every=REFRESH_S)
def training_now() -> None:
    """Which runs train and how many wait, in the sidebar of every page."""
    entries = [entry for entry in store().list() if entry.status]
    active = [entry for entry in entries if entry.status and entry.status.state in ACTIVE]
    waiting = sum(1 for entry in entries if entry.status and entry.status.state == "queued")
    for entry in active:
        status = entry.status
        assert status is not None
        st.markdown(f":blue-badge[:material/play_circle: training] {plain(entry.name)}")
        live = status.live
        done = status.epoch + (live.step / live.steps if live and live.epoch > status.epoch else 0)
        st.progress(
            min(1.0, done / status.epochs),
            text=f"epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}",
        )
    if waiting:
        st.caption(f"{waiting} run{'s' if waiting > 1 else ''} waiting")


with st.sidebar:
    training_now()

chosen.run()
