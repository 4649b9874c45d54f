"""Compare: all runs in a table, the selected ones side by side."""

import streamlit as st

from core.runs import RunEntry
from core.runs.index import Listing
from core.runs.run import no_such_run
from ui.compare_actions import actions
from ui.compare_results import results_panel
from ui.compare_table import (
    count_words,
    filter_bar,
    first_drawing,
    passing,
    run_table,
    selection,
    table_height,
)
from ui.compare_views import (
    Drawn,
    Places,
    curves_ahead,
    curves_asked,
    give_head_start,
    give_way,
    show_curves,
    show_view,
)
from ui.layout import BLANK
from ui.links import go
from ui.problems import told
from ui.services import run_index
from ui.words import plain

st.title("Compare")


def nothing_yet() -> None:
    """What a workspace without runs shows."""
    st.markdown("No run yet. Train two, and see here what changed and what it did.")
    if st.button("Set up a run", type="primary", icon=":material/tune:", key="compare_new"):
        go("new_run")


def unreadable(picked: list[RunEntry]) -> None:
    """What of the selected runs cannot be read."""
    for entry in picked:
        if entry.damaged:
            st.error(plain(entry.damaged), icon=":material/broken_image:")
        for said in entry.lost:
            st.warning(plain(said), icon=":material/broken_image:")


@st.fragment
def runs_and_views() -> None:
    """All of the page that a click in it draws anew: the frame around the pages stays as it is."""
    picked, unknown = selection()
    is_first, curves_first = first_drawing(), bool(picked) and curves_asked()
    listing = None if curves_first and not is_first else run_index().listing()
    if listing is not None and not listing.entries:
        nothing_yet()
        return
    ahead = curves_ahead(picked) if curves_first else None

    if unknown:
        st.error(plain(" ".join(no_such_run(run_id) for run_id in unknown[:3])), icon=":material/error:")
    places = Places(is_selected=bool(picked))
    # What was come for or asked for is sent first, and stands where it will stay: the curves of what is
    # selected, before all runs are looked at; else the table.
    drawn = None
    if is_first and listing is not None:
        if ahead is None:
            with places.table:
                run_table(listing.entries, ids(picked), listing.version)
        else:
            height = table_height(listing.entries, ids(picked))
            places.before_table.container(height=height, border=False, key=BLANK)
    if ahead is not None:
        with places.view, told():
            drawn = show_curves(ahead)
    if is_first:
        give_head_start()
    elif curves_first:
        give_way()
    if listing is None or is_first:
        # All else from one look at the runs, for one may have changed or gone meanwhile.
        listing = run_index().listing()
    all_else(places, picked, listing, drawn, table_stands=is_first and ahead is None)


def all_else(
    places: Places, picked: list[RunEntry], listing: Listing, drawn: Drawn | None, *, table_stands: bool
) -> None:
    """What stands around what was drawn first."""
    entries = listing.entries
    by_id = {entry.id: entry for entry in entries}
    picked = [by_id[entry.id] for entry in picked if entry.id in by_id]
    with places.filters:
        asked = filter_bar(entries)
        shown = passing(entries, asked)
    with places.table:
        if not shown:
            st.caption(plain(f"No run passes this filter. {asked.unclear}".strip()))
        elif not table_stands:
            run_table(shown, ids(picked), listing.version)
    with places.about:
        st.caption(count_words(picked, shown, entries))
        if picked:
            with told():
                actions(picked)
        unreadable(picked)
    with places.view, told():
        show_view(picked, shown, listing, places.bar, drawn)
    if drawn:
        with places.below, told():
            results_panel(drawn.made.runs, drawn.made.reads)


def ids(entries: list[RunEntry]) -> list[str]:
    """The runs' ids."""
    return [entry.id for entry in entries]


runs_and_views()
