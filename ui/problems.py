"""What a person sees of an error: one sentence. The log has the rest."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import PlateauError
from ui.words import plain

_log = logging.getLogger("plateau.pages")


def show_script_error(error: BaseException) -> bool:
    """Streamlit's handler for whatever a page did not catch. True: Streamlit shows nothing itself."""
    if isinstance(error, PlateauError):
        st.error(plain(str(error)), icon=":material/error:")
        return True
    _log.error("a page failed", exc_info=error)
    st.error(
        "This page met an unexpected error and could not be drawn to its end. Your runs go on; "
        "the server's log has the details.",
        icon=":material/error:",
    )
    return True


@contextmanager
def told() -> Iterator[None]:
    """Show an error that a person can do something about, and go on with the page."""
    try:
        yield
    except PlateauError as error:
        st.error(plain(str(error)), icon=":material/error:")
