"""The frame around every page: configuration, navigation, and what is training right now."""

import os
from pathlib import Path

import streamlit as st

from core.runs import ACTIVE
from ui.launcher_notice import launcher_notice
from ui.layout import use_style
from ui.links import page_path
from ui.login import require_login
from ui.resume_offer import resume_offer
from ui.services import library, store
from ui.words import plain

HERE = Path(__file__).resolve().parent


def page(name: str, title: str, icon: str) -> st.Page:
    """A page of the app, under its own address."""
    return st.Page(page_path(name), title=title, icon=icon, url_path=name)


def start() -> None:
    """The bare address leads to where the work stands: data first, then the runs."""
    if not library().list():
        st.switch_page(page_path("data"))
    entries = store().list()
    if not entries:
        st.switch_page(page_path("new_run"))
    active = any(entry.state in ACTIVE for entry in entries)
    st.switch_page(page_path("live" if active else "compare"))


st.set_page_config(page_title="Plateau", page_icon=str(HERE / "logo_icon.svg"), layout="wide")
st.logo(str(HERE / "logo.svg"), size="large", icon_image=str(HERE / "logo_icon.svg"))
use_style()
require_login()

chosen = st.navigation(
    [
        # The default page has no address but '/', so none of the five can be it.
        st.Page(start, title="Plateau", url_path="start", default=True, visibility="hidden"),
        page("data", "Data", ":material/photo_library:"),
        page("new_run", "New run", ":material/tune:"),
        page("live", "Live", ":material/monitoring:"),
        page("compare", "Compare", ":material/compare_arrows:"),
        page("inspect", "Inspect", ":material/troubleshoot:"),
        page("classify", "Classify", ":material/image_search:"),
        page("diary", "Diary", ":material/menu_book:"),
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
    launcher_notice()
    training_now()

runs_folder = store().folder
if runs_folder.exists() and not os.access(runs_folder, os.W_OK):
    st.error(
        f"{plain(str(runs_folder))} cannot be written: runs can be looked at, but none can be launched. "
        "Make it writable, or name another folder in PLATEAU\\_RUNS, and start the app again.",
        icon=":material/lock:",
    )
else:
    resume_offer()

chosen.run()
