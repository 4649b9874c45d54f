"""Data: the imported sets, one of them in detail, and the ways to a new one."""

import streamlit as st

from ui.data_add import WAYS, show_add, show_first_step
from ui.data_details import show_details
from ui.data_jobs import jobs, show_notice, show_running, take_outcomes
from ui.data_list import choose_dataset, totals
from ui.problems import told
from ui.services import library

# Asked before the outcomes are taken: an import that ends in between is drawn as running once more, and
# taken by the next drawing.
importing = jobs().running is not None
take_outcomes()
found = library().list()
adding = st.query_params.get("add") in WAYS and not importing

title, button = st.columns([6, 2], vertical_alignment="bottom")
title.title("Data")
if adding:
    if button.button("Back", icon=":material/arrow_back:", key="data_back", width="stretch"):
        st.query_params.pop("add")
        st.rerun()
elif (
    found
    and not importing
    and button.button("Add data", icon=":material/add:", key="data_add", width="stretch")
):
    st.query_params["add"] = "files"
    st.rerun()

if importing:
    show_running()
else:
    show_notice()
if adding:
    with told():
        show_add()
elif found:
    st.caption(totals(found))
    with told():
        show_details(choose_dataset(library(), found))
elif not importing:
    with told():
        show_first_step()
