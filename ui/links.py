"""The way from one page to another, with what the address must carry."""

from pathlib import Path
from typing import NoReturn

import streamlit as st

_PAGES = Path(__file__).resolve().parent.parent / "pages"


def page_path(name: str) -> Path:
    """The script of a page: 'data', 'new_run', 'live', 'compare' or 'classify'."""
    return (_PAGES / f"{name}.py").resolve()


def go(name: str, **query: str) -> NoReturn:
    """Leave for a page, with `query` in its address."""
    st.switch_page(page_path(name), query_params={key: value for key, value in query.items() if value})


def clone_into_form(run_id: str) -> NoReturn:
    """Leave for New run, with this run's settings in the form."""
    st.session_state["new_run_request"] = {"clone": run_id}
    go("new_run")
