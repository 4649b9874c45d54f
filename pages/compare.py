"""Compare: all runs in a table, the selected ones side by side."""

import streamlit as st

from ui.compare_actions import actions
from ui.compare_table import filter_bar, passing, run_table, selected_words, selection_in_address
from ui.compare_views import show_view
from ui.layout import use_width
from ui.links import go
from ui.problems import told
from ui.services import run_index
from ui.words import plain

st.title("Compare")
use_width()
listing = run_index().listing()
entries = listing.entries
if not entries:
    st.markdown("No run yet. Train two, and see here what changed and what it did.")
    if st.button("Set up a run", type="primary", icon=":material/tune:", key="compare_new"):
        go("new_run")
    st.stop()

selected, unknown = selection_in_address(entries)
if unknown:
    st.error(
        plain(f"There is no run {', '.join(repr(run_id) for run_id in unknown)}."), icon=":material/error:"
    )
shown = passing(entries, filter_bar(entries))
if shown:
    selected = run_table(shown, selected, listing.version)
else:
    st.caption("No run passes this filter.")
by_id = {entry.id: entry for entry in entries}
picked = [by_id[run_id] for run_id in selected if run_id in by_id]

visible = {entry.id for entry in shown}
hidden = sum(1 for entry in picked if entry.id not in visible)
counts = f"{len(shown)} of {len(entries)} runs, {selected_words(picked)}"
st.caption(counts + (f" ({hidden} of them hidden by the filter)." if hidden else "."))

if picked:
    with told():
        actions(picked)
for entry in picked:
    if entry.damaged:
        st.error(plain(entry.damaged), icon=":material/broken_image:")
with told():
    show_view(picked, shown, listing)
