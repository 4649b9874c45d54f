"""The way from one page to another, with what the address must carry."""

from pathlib import Path
from typing import Any, NoReturn

import streamlit as st

_PAGES = Path(__file__).resolve().parent.parent / "pages"
PAGE_NAMES = ("data", "new_run", "live", "compare", "inspect", "classify", "diary")
"""Each page's script in pages/, which is also its address, in the order of the navigation."""
_FORM_REQUEST = "new_run_request"


def page_path(name: str) -> Path:
    """The script of a page, by its name in pages/, such as 'new_run'."""
    return (_PAGES / f"{name}.py").resolve()


def route_path(base: str, name: str) -> str:
    """The address of a page or a route at the server, whose base path stands before it."""
    return "/" + "/".join(part for part in (base.strip("/"), name) if part)


def go(name: str, **query: str) -> NoReturn:
    """Leave for a page, with `query` in its address."""
    st.switch_page(page_path(name), query_params={key: value for key, value in query.items() if value})


def fill_form(**request: Any) -> NoReturn:
    """Leave for New run, which begins with {'clone': id}, {'preset': id} or {'data': name}; a clone may
    have 'changes' (new values by a setting's path) and a 'hypothesis'."""
    st.session_state[_FORM_REQUEST] = request
    go("new_run")


def take_form_request() -> dict[str, Any] | None:
    """What another page asked the form to begin with, once."""
    request: dict[str, Any] | None = st.session_state.pop(_FORM_REQUEST, None)
    return request


def clone_into_form(run_id: str) -> NoReturn:
    """Leave for New run, with this run's settings in the form."""
    fill_form(clone=run_id)


def change_in_form(run_id: str, changes: dict[str, Any], hypothesis: str) -> NoReturn:
    """Leave for New run, with this run's settings and these changes of them in the form."""
    fill_form(clone=run_id, changes=changes, hypothesis=hypothesis)
