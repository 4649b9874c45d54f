"""What to try next, below a run that ended: a sentence, its reason, and a button that does it."""

import streamlit as st

from core.data import DatasetInfo
from core.errors import PlateauError
from core.insight.next_steps import Suggestion, next_steps
from core.runs import RunEntry, Status
from ui.links import change_in_form
from ui.live_extend import extend_dialog
from ui.repeat import repeat_button
from ui.services import library
from ui.words import plain

_HELP = (
    "Plain rules over this run's curves and settings, listed in docs/insight.md; what a run on the same data "
    "already tried is left out."
)


def next_steps_panel(entry: RunEntry, entries: list[RunEntry], key: str) -> None:
    """The suggestions for a run that ended; nothing where no rule applies."""
    status = entry.status
    if status is None:
        return
    found = next_steps(entry, entries, _dataset(status))
    if not found:
        return
    st.subheader("Next steps", help=_HELP)
    for suggestion in found:
        name = f"{key}_next_{suggestion.rule.replace(' ', '_')}"
        left, right = st.columns([6, 1], vertical_alignment="center", gap="medium")
        left.markdown(f"**{plain(suggestion.sentence)}** :gray[{plain(suggestion.reason)}]")
        with right:
            _button(suggestion, entry, status, name)


def _button(suggestion: Suggestion, entry: RunEntry, status: Status, key: str) -> None:
    if suggestion.action == "repeat":
        repeat_button(entry, key)
    elif suggestion.action == "extend":
        if st.button("Extend", icon=":material/more_time:", key=key):
            extend_dialog(entry.run, status, suggestion.changes["epochs"])
    elif st.button("Set it up", icon=":material/tune:", key=key, help="Open the form with this change."):
        change_in_form(entry.id, suggestion.changes, f"{suggestion.sentence} {suggestion.reason}")


def _dataset(status: Status) -> DatasetInfo | None:
    """The run's data set, where it is still there as it was."""
    try:
        info = library().open(status.dataset).info
    except (PlateauError, OSError):
        return None
    same = (info.fingerprint, info.split_fingerprint) == (
        status.dataset_fingerprint,
        status.split_fingerprint,
    )
    return info if same else None
