"""New run: set it up, see what it will do, launch it."""

import streamlit as st

from ui import form_page, preflight_view
from ui.draft import open_draft, save_if_changed, take_notice
from ui.form_checks import check_draft
from ui.form_launch import follow_launch, show_launch
from ui.form_sources import take_request
from ui.services import library, store

follow_launch()
st.html(form_page.STYLE)

drafts = form_page.drafts_of(store())
draft = take_request(open_draft(drafts))
datasets, damaged = form_page.datasets_of(library())
form_page.choose_only_dataset(draft, datasets)
save_if_changed(drafts, draft)

form_page.show_head(draft)
if said := take_notice():
    form_page.show_notice(said)

if not datasets:
    form_page.show_no_data(damaged)
    st.stop()

info = datasets.get(draft["recipe"]["data"]["name"])
checked = check_draft(draft["recipe"], info)

left, right = st.columns([11, 9], gap="large")
with left:
    form_page.show_form(draft, checked, datasets)
with right, st.container(key="preflight"):
    show_launch(draft, checked)
    if draft["parent"]:
        preflight_view.show_changes(checked, draft["parent"])
    preflight_view.show(checked, info)
