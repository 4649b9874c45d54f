"""The store and the library that the pages use: made anew where needed, for they hold no state. Only
what was read of the runs is kept, for all sessions, so that a listing reads what changed."""

from pathlib import Path

import streamlit as st

from core.data import Library
from core.runs import RunStore
from core.runs.index import RunIndex
from core.workspace import find_workspace


@st.cache_resource(show_spinner=False, max_entries=8)
def _index(folder: Path) -> RunIndex:
    return RunIndex(folder)


def store() -> RunStore:
    """The runs of this workspace."""
    folder = find_workspace().runs
    return RunStore(folder, _index(folder))


def run_index() -> RunIndex:
    """What is remembered of this workspace's runs."""
    return _index(find_workspace().runs)


def library() -> Library:
    """The data sets of this workspace."""
    return Library(find_workspace().data)
