"""What a person sees of an error: one sentence. The log has the rest."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import PlateauError
from core.problems import refusal
from ui.words import plain

_log = logging.getLogger("plateau.pages")


def show_script_error(error: BaseException) -> bool:
    """Streamlit's handler for whatever a page did not catch. True: Streamlit shows nothing itself."""
    if not isinstance(error, PlateauError):
        _log.error("a page failed", exc_info=error)
    st.error(_sentence(error), icon=":material/error:")
    return True


@contextmanager
def told() -> Iterator[None]:
    """Show an error that a person can do something about, and go on with the page."""
    try:
        yield
    except (PlateauError, OSError) as error:
        if isinstance(error, OSError):
            _log.warning("the system refused something", exc_info=error)
        st.error(_sentence(error), icon=":material/error:")


def _sentence(error: BaseException) -> str:
    """What a person reads, as Markdown that shows it as it is."""
    if isinstance(error, PlateauError):
        return plain(str(error))
    if isinstance(error, OSError):
        return plain(refusal(error, "try again; the server's log has the details"))
    return (
        "This page met an unexpected error and could not be drawn to its end. Your runs go on; "
        "the server's log has the details."
    )
