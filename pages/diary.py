"""Diary: every run in order, as the app wrote it down and a person completes it."""

import streamlit as st

from core.insight.diary.entries import Diary
from ui.diary_entry import show_entry
from ui.diary_export import export_bar
from ui.diary_pages import choose_page
from ui.links import go
from ui.problems import told
from ui.services import store

st.title("Diary")
runs = store()
diary = Diary.of(runs.list())
if not diary.entries:
    st.markdown(
        "No run yet. Each one gets an entry here: what was expected, what was set, what came out of it."
    )
    if st.button("Set up a run", type="primary", icon=":material/tune:", key="diary_new"):
        go("new_run")
    st.stop()

st.caption(
    "Each run writes its own entry; hypothesis and conclusion are yours. The zip holds Markdown with a "
    "picture of each run's curves, the HTML file has all inside."
)
with told():
    export_bar(runs)
for run in choose_page(diary):
    with told():
        show_entry(diary, run)
