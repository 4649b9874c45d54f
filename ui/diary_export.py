"""The diary as a file: made on a click, with its progress and a way out, then there to be saved."""

import io
from typing import Any

import streamlit as st

from core.insight.diary.entries import Diary
from core.insight.diary.write import Form, pictures_of, write_diary
from core.runs import RunStore
from ui.classify_progress import cancellable
from ui.words import count, size

_MADE = "diary_file"
_MIME: dict[Form, str] = {"zip": "application/zip", "html": "text/html"}


def export_bar(runs: RunStore, diary: Diary) -> None:
    """The two buttons, and what the last click made."""
    with st.container(horizontal=True, vertical_alignment="center"):
        asked: Form | None = None
        if st.button("Download as zip", icon=":material/folder_zip:", key="diary_zip"):
            asked = "zip"
        if st.button("Download as HTML", icon=":material/html:", key="diary_html"):
            asked = "html"
        place = st.empty()
    if asked:
        _make(runs, diary, asked)
    with place:
        _show()


def _make(runs: RunStore, diary: Diary, form: Form) -> None:
    """Write the file into this session's memory. The page's script does it: a click on Cancel, or on
    anything else, ends it, and nothing of it is kept."""
    st.session_state.pop(_MADE, None)
    target = io.BytesIO()
    with cancellable("Reading the runs", key="diary_cancel") as progress:
        written = write_diary(target, form, diary, diary.entries, pictures_of(runs), progress)
    st.session_state[_MADE] = {"form": form, "runs": written.runs, "content": target.getvalue()}


def _show() -> None:
    made: dict[str, Any] | None = st.session_state.get(_MADE)
    if made is None:
        return
    runs = "1 run" if made["runs"] == 1 else f"{count(made['runs'])} runs"
    st.download_button(
        f"Save diary.{made['form']} ({runs}, {size(len(made['content']))})",
        made["content"],
        file_name=f"diary.{made['form']}",
        mime=_MIME[made["form"]],
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key="diary_save_file",
    )
