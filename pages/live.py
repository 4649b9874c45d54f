"""Live: one run while it trains, and what waits behind it."""

import streamlit as st

from core.insight.changes import change_card, parent_of
from core.runs import ACTIVE
from ui.change_card import change_card_panel
from ui.layout import kept
from ui.links import go
from ui.live_actions import actions
from ui.live_choice import LIVE, choose_behind, choose_run
from ui.live_header import ending, header
from ui.live_panel import Scene, watch
from ui.live_queue import queue_panel
from ui.methods import Section, methods
from ui.next_steps import next_steps_panel
from ui.problems import told
from ui.services import store
from ui.smallest import smallest_between
from ui.words import plain

st.title("Live")
runs = store()
entries = runs.list()
if not entries:
    st.markdown("No run yet. Set one up, and its curves grow here from the first second on.")
    if st.button("Set up a run", type="primary", icon=":material/tune:", key="live_new"):
        go("new_run")
    st.stop()

left, right = kept("live_choices").columns([3, 2], gap="medium")
with left:
    entry = choose_run(entries)
if entry is not None and entry.status is None:
    st.error(plain(entry.damaged), icon=":material/broken_image:")
elif entry is not None and entry.status is not None:
    status = entry.status
    with right:
        behind = choose_behind(entry, entries)
    parent = next((other for other in entries if other.id == status.parent), None)
    header(entry, status, parent)
    for said in entry.lost:
        st.warning(plain(said), icon=":material/broken_image:")
    ending(entry, status)
    actions(entry, status, entries, parent_exists=parent is not None)
    training = [e.id for e in entries if e.status and e.status.state in ACTIVE and e.id != entry.id]
    waiting = [run.id for run in runs.queue()]
    scene = Scene(status.state, tuple(waiting), tuple(training))
    rival = parent_of(entry, entries)
    watch(runs, entry.run, scene, behind.run if behind else None, rival)
    if status.state != "queued":
        methods("overfitting", Section.OVERFITTING)
    if status.state not in LIVE:
        with told():
            if rival and status.best:
                smallest = smallest_between(rival[0], entry)
                change_card_panel(change_card(rival[0], entry, rival[1]), smallest)
        # A damaged parent takes nothing from what the run itself suggests.
        with told():
            next_steps_panel(entry, entries, "live")

st.subheader("Queue")
with told():
    queue_panel(runs, entries, entry.id if entry else "")
