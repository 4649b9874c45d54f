"""Compare: all runs in a table, the selected ones side by side."""

import streamlit as st

from ui.compare_actions import actions
from ui.compare_curves import curves_panel, read_runs
from ui.compare_results import results_panel
from ui.compare_table import filter_bar, run_table, selection_in_address
from ui.links import go
from ui.problems import told
from ui.services import store
from ui.words import plain

st.title("Compare")
entries = store().list()
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
chosen = filter_bar(entries)
shown = [entry for entry in entries if chosen.passes(entry)]
if shown:
    selected = run_table(shown, selected)
else:
    st.caption("No run passes this filter.")
by_id = {entry.id: entry for entry in entries}
picked = [by_id[run_id] for run_id in selected if run_id in by_id]

hidden = sum(1 for entry in picked if entry not in shown)
counts = f"{len(shown)} of {len(entries)} runs, {len(picked)} selected"
st.caption(counts + (f" ({hidden} of them hidden by the filter)." if hidden else "."))
if not picked:
    st.markdown("Select runs in the table's first column to lay their curves over each other.")
    st.stop()

with told():
    actions(picked)
for entry in picked:
    if entry.damaged:
        st.error(plain(entry.damaged), icon=":material/broken_image:")
with told():
    reads = read_runs(picked)
    curves_panel(picked, reads)
    results_panel(picked, reads)
