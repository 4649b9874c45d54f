"""The store and the library that the pages use: made anew where needed, for they hold no state. Only
what was read of the runs is kept, for all sessions, so that a listing reads what changed."""

from pathlib import Path

import streamlit as st

from core.data import Library
from core.runs import Run, RunStore
from core.runs.index import RunIndex
from core.runs.rows import RowsRead
from core.workspace import find_workspace

REMEMBERED_BYTES = 200_000
"""Rows of longer runs are read each time: a person looks at few of them, and they would fill the memory."""


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


def epochs_of(run: Run) -> RowsRead:
    """All epochs of a run, remembered for all sessions until its file is another one; nobody changes
    them."""
    try:
        found = (run.folder / "epochs.jsonl").stat()
    except OSError:
        return run.epochs()
    if found.st_size > REMEMBERED_BYTES:
        return run.epochs()
    return _epochs(str(run.folder), (found.st_ino, found.st_mtime_ns, found.st_size), run)


@st.cache_resource(show_spinner=False, max_entries=60)
def _epochs(folder: str, file: tuple[int, ...], _run: Run) -> RowsRead:
    return _run.epochs()
