"""Which run the page shows, and which one lies behind it: both stand in the address."""

from collections.abc import Iterable

import streamlit as st

from core.errors import NotFound
from core.insight.outcomes import comparable
from core.runs import ACTIVE, RunEntry
from ui import words
from ui.services import store

LIVE = ("queued", *ACTIVE)
"""States in which the page renews itself."""
_NONE = ""


def choose_run(entries: list[RunEntry]) -> RunEntry | None:
    """The run in the address, else the one that trains, else the newest; with a select to switch.

    Whichever it is stands in the address from then on: another run that begins must not take this
    one's place under a person's hand. None where the address names a run that does not exist; the
    page says so.
    """
    by_id = {entry.id: entry for entry in entries}
    asked = st.query_params.get("run", "")
    if asked and asked not in by_id:
        # The store has the sentence; the select below is the way on.
        try:
            store().get(asked)
        except NotFound as error:
            st.error(words.plain(str(error)), icon=":material/error:")
    current = asked or _default(entries).id
    if not asked:
        st.query_params["run"] = current
    labels = _labels(entries)
    st.session_state["live_run"] = current if current in by_id else None
    st.selectbox(
        "Run",
        list(by_id),
        key="live_run",
        format_func=lambda run_id: labels.get(run_id, run_id),
        placeholder="Choose a run",
        on_change=_follow,
        args=("live_run", "run"),
        help="The page's address follows: a link to it comes back to this run.",
    )
    return by_id.get(current)


def choose_behind(entry: RunEntry, entries: list[RunEntry]) -> RunEntry | None:
    """The run whose curves lie faintly behind, if one was chosen."""
    others = {other.id: other for other in entries if other.id != entry.id and other.status}
    parent = entry.status.parent if entry.status else None
    best = best_on_same_data(entry, entries)
    first = [run_id for run_id in (parent, best) if run_id in others]
    options = [_NONE, *dict.fromkeys([run_id for run_id in first if run_id]), *others]
    options = list(dict.fromkeys(options))
    asked = st.query_params.get("behind", _NONE)
    labels = _labels(others.values())
    st.session_state["live_behind"] = asked if asked in others else _NONE

    def label(run_id: str) -> str:
        if run_id not in others:
            return "None"
        role = "Parent: " if run_id == parent else "Best on the same data: " if run_id == best else ""
        return role + labels[run_id]

    st.selectbox(
        "Behind it",
        options,
        key="live_behind",
        format_func=label,
        on_change=_follow,
        args=("live_behind", "behind"),
        help="Lay another run's curves faintly behind this one's.",
    )
    return others.get(asked)


def best_on_same_data(entry: RunEntry, entries: list[RunEntry]) -> str | None:
    """The other run with the highest val accuracy on the same images and split."""
    if entry.status is None:
        return None
    mine = entry.status
    rivals = [
        (other.status.best.val_accuracy, other.id)
        for other in entries
        if other.id != entry.id and other.status and other.status.best and not comparable(other.status, mine)
    ]
    return max(rivals)[1] if rivals else None


def _default(entries: list[RunEntry]) -> RunEntry:
    return next((e for e in entries if e.status and e.status.state in ACTIVE), entries[0])


def _labels(entries: Iterable[RunEntry]) -> dict[str, str]:
    return words.distinct({entry.id: _label(entry) for entry in entries})


def _label(entry: RunEntry) -> str:
    when = words.moment(entry.status.created_at) if entry.status else ""
    return " · ".join(part for part in (entry.name, entry.state, when) if part)


def _follow(widget: str, parameter: str) -> None:
    """Put what a select says into the address."""
    value = st.session_state[widget]
    if value:
        st.query_params[parameter] = value
    elif parameter in st.query_params:
        del st.query_params[parameter]
