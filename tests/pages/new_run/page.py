"""The page New run without a browser: opening it, reading it, using its widgets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).parents[3] / "pages" / "new_run.py"


def opened(draft: str = "", **session: Any) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    if draft:
        page.query_params["draft"] = draft
    for key, value in session.items():
        page.session_state[key] = value
    return checked(page.run())


def checked(page: AppTest) -> AppTest:
    assert not page.exception, page.exception[0].value
    return page


def draft_of(page: AppTest) -> dict[str, Any]:
    return page.session_state["draft"]


def widget(page: AppTest, path: str) -> Any:
    key = f"{draft_of(page)['id']}:{path}"
    for kind in ("number_input", "selectbox", "text_input", "toggle"):
        for found in getattr(page, kind):
            if found.key == key:
                return found
    raise KeyError(path)


def has(page: AppTest, path: str) -> bool:
    try:
        widget(page, path)
    except KeyError:
        return False
    return True


def put(page: AppTest, path: str, value: Any) -> AppTest:
    return checked(widget(page, path).set_value(value).run())


def launch(page: AppTest) -> AppTest:
    draft = draft_of(page)
    return checked(page.button(key=f"launch-{draft['id']}-{draft['launches']}").click().run())


def texts(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.error, *page.warning]
    return "\n".join(element.value for element in shown).replace("\\", "")


def with_draft(page: AppTest, change: Callable[[dict[str, Any]], None]) -> AppTest:
    """The page after a change of its draft, as loading other settings makes it."""
    change(draft_of(page))
    return checked(page.run())
