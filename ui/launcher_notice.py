"""What every page says when no run can begin because a variable of the environment has an unknown value."""

import streamlit as st

from core.errors import BadInput
from core.runs.launch import default_launcher
from core.runs.resuming import default_resuming
from ui.words import plain


def launcher_notice() -> None:
    """An error in one sentence, where the app could not start its queue for that reason; else nothing."""
    try:
        default_launcher()
        default_resuming()
    except BadInput as error:
        sentence = f"Runs wait, and none begins. {error} Then start the app again."
        st.error(plain(sentence), icon=":material/error:")
