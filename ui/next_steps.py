"""What to try next, below a run that ended: a sentence, its reason, and a button that does it."""

import streamlit as st

from core.data import DatasetInfo
from core.errors import PlateauError
from core.insight.next_steps import Suggestion, next_steps
from core.runs import RunEntry, Status
from ui.links import change_in_form
from ui.live_extend import extend_dialog
from ui.methods import Section, methods
from ui.repeat import repeat_button
from ui.services import library
from ui.words import plain

BUTTON_WIDTH = 124
"""Room for an icon and two words."""
_HELP = (
    "Plain rules over this run's curves and settings; what a run on the same data already tried is left out."
)


def next_steps_panel(entry: RunEntry, entries: list[RunEntry], key: str) -> None:
    """The suggestions for a run that ended; nothing where no rule applies."""
    status = entry.status
    if status is None:
        return
    found = next_steps(entry, entries, _dataset(status))
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Next steps", help=_HELP, width="content")
        methods("next_steps", Section.NEXT_STEPS)
    for suggestion in found:
        name = f"{key}_next_{suggestion.rule.replace(' ', '_')}_{entry.id}"
        # Where there is no room beside the sentence, the button moves below it.
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(width="stretch"):
                st.markdown(f"**{plain(suggestion.sentence)}** :gray[{plain(suggestion.reason)}]")
            with st.container(width=BUTTON_WIDTH):
                _button(suggestion, entry, entries, name)


def _button(suggestion: Suggestion, entry: RunEntry, entries: list[RunEntry], key: str) -> None:
    if suggestion.action == "repeat":
        repeat_button([entry], entries, key)
    elif suggestion.action == "extend":
        if st.button("Extend", icon=":material/more_time:", key=key) and entry.status:
            extend_dialog(entry.run, entry.status, suggestion.changes["epochs"])
    elif st.button("Set it up", icon=":material/tune:", key=key, help="Open the form with this change."):
        change_in_form(entry.id, suggestion.changes, f"{suggestion.sentence} {suggestion.reason}")


def _dataset(status: Status) -> DatasetInfo | None:
    """The run's data set, where it is still there as it was."""
    try:
        info = library().open(status.dataset).info
    except (PlateauError, OSError):
        return None
    return info if status.is_on(info.fingerprint, info.split_fingerprint) else None
