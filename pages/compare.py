"""Compare: all runs in a table, the selected ones side by side."""

import streamlit as st

from core.runs.run import no_such_run
from ui.compare_actions import actions
from ui.compare_curves import MOST, Reads
from ui.compare_results import results_panel
from ui.compare_table import (
    filter_bar,
    first_drawing,
    passing,
    run_table,
    selected_words,
    selection_in_address,
    table_height,
)
from ui.compare_views import blank, give_head_start, show_view
from ui.links import go
from ui.problems import told
from ui.services import run_index
from ui.words import plain

st.title("Compare")


@st.fragment
def runs_and_views() -> None:
    """All of the page that a click in it draws anew: the frame around the pages stays as it is."""
    listing = run_index().listing()
    entries = listing.entries
    if not entries:
        st.markdown("No run yet. Train two, and see here what changed and what it did.")
        if st.button("Set up a run", type="primary", icon=":material/tune:", key="compare_new"):
            go("new_run")
        return

    selected, unknown = selection_in_address(entries)
    if unknown:
        st.error(plain(" ".join(no_such_run(run_id) for run_id in unknown[:3])), icon=":material/error:")
    by_id = {entry.id: entry for entry in entries}
    above, place, view, below = st.container(), st.empty(), st.container(), st.container()
    reads: Reads = {}
    linked = first_drawing() and bool(selected)
    if linked:
        # Who follows a link to curves looks for them: they come first, where they will stay.
        place.html(blank(table_height(entries)))
        with view, told():
            reads = show_view([by_id[run_id] for run_id in selected], entries, listing)
        if reads:
            give_head_start()
        place.empty()
    with above:
        shown = passing(entries, filter_bar(entries))
        if shown:
            selected = run_table(shown, selected, listing.version)
        else:
            st.caption("No run passes this filter.")
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
    if not linked:
        with view, told():
            reads = show_view(picked, shown, listing)
    if reads:
        with below, told():
            results_panel(picked[:MOST], reads)


runs_and_views()
