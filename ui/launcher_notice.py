"""What every page says when no run can begin because PLATEAU_LAUNCHER names no launcher."""

import streamlit as st

from core.errors import BadInput
from core.runs.launch import default_launcher
from ui.words import plain


def launcher_notice() -> None:
    """An error in one sentence, where the app could not start its queue for that reason; else nothing."""
    try:
        default_launcher()
    except BadInput as error:
        sentence = f"Runs wait, and none begins. {error} Then start the app again."
        st.error(plain(sentence), icon=":material/error:")
