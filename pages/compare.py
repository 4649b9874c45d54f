"""Compare: all runs in a table, the selected ones side by side."""

import streamlit as st

from core.runs.run import no_such_run
from ui.compare_actions import actions
from ui.compare_curves import MOST, Reads
from ui.compare_results import results_panel
from ui.compare_table import (
    count_words,
    filter_bar,
    first_drawing,
    passing,
    run_table,
    selection_in_address,
    table_height,
)
from ui.compare_views import (
    ACTIONS_PX,
    CHOICES_PX,
    CURVES,
    FILTERS_PX,
    blank,
    give_head_start,
    show_first_curves,
    show_view,
    view_in_address,
)
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
    blanks, filters, table, about = st.empty(), st.container(), st.container(), st.container()
    bar = st.container(horizontal=True, gap="medium", vertical_alignment="center")
    view, below = st.container(), st.container()
    first, has_table = None, False
    if first_drawing():
        # What was come for is sent first, and stands where it will stay: curves to who follows a link to
        # them, else the table.
        if selected and view_in_address() == CURVES:
            blanks.html(blank(FILTERS_PX + table_height(entries) + ACTIONS_PX + CHOICES_PX))
            with view, told():
                first = show_first_curves([by_id[run_id] for run_id in selected])
                give_head_start()
        else:
            blanks.html(blank(FILTERS_PX))
            with table:
                selected, has_table = run_table(entries, selected, listing.version), True
            give_head_start()
        blanks.empty()
    with filters:
        shown = passing(entries, filter_bar(entries))
    with table:
        if not shown:
            st.caption("No run passes this filter.")
        elif not has_table:
            selected = run_table(shown, selected, listing.version)
    picked = [by_id[run_id] for run_id in selected if run_id in by_id]
    with about:
        st.caption(count_words(picked, shown, entries))
        if picked:
            with told():
                actions(picked)
        for entry in picked:
            if entry.damaged:
                st.error(plain(entry.damaged), icon=":material/broken_image:")
    reads: Reads = {}
    with view, told():
        reads = show_view(picked, shown, listing, bar, first)
    if reads:
        with below, told():
            results_panel(picked[:MOST], reads)


runs_and_views()
