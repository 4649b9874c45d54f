"""The diary as a file: one click makes it and saves it."""

import io
from functools import partial

import streamlit as st

from core.insight.diary.entries import Diary
from core.insight.diary.write import Form, pictures_of, write_diary
from core.runs import RunStore
from ui.methods import Section, methods

_MIME: dict[Form, str] = {"zip": "application/zip", "html": "text/html"}
_LABELS: dict[Form, str] = {"zip": "Download as zip", "html": "Download as HTML"}
_ICONS: dict[Form, str] = {"zip": ":material/folder_zip:", "html": ":material/html:"}
_HELP = (
    "One click: the file is put together, and the browser saves it when it is there. Curves are drawn once "
    "and kept, so the first file of many runs takes longest."
)


def export_bar(runs: RunStore) -> None:
    """A button for each kind of file, and how the diary judges."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for form in _LABELS:
            st.download_button(
                _LABELS[form],
                partial(diary_file, runs, form),
                file_name=f"diary.{form}",
                mime=_MIME[form],
                icon=_ICONS[form],
                on_click="ignore",
                key=f"diary_{form}",
                help=_HELP,
            )
        methods("diary", Section.DIARY, Section.NETWORKS, Section.SETTING, Section.OVERFITTING)


def diary_file(runs: RunStore, form: Form) -> bytes:
    """The whole diary as a file. Called in a thread of its own, once the button is clicked: the runs are
    read then, for words may have been saved since the page was drawn."""
    diary = Diary.of(runs.list())
    target = io.BytesIO()
    write_diary(target, form, diary, diary.entries, pictures_of(runs))
    return target.getvalue()
