"""What Compare shows below its table: one view at a time, and only that one is read and drawn."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import PlateauError
from core.insight.repeats import Group, groups
from core.runs import RunEntry
from core.runs.index import Listing
from ui.compare_curves import (
    MOST,
    CurveCharts,
    CurvesPlace,
    Reads,
    curves_choices,
    curves_words,
    draw_curves,
    make_curves,
    read_runs,
)
from ui.layout import kept
from ui.links import go
from ui.run_fields import Field, fields_of
from ui.services import run_index

if TYPE_CHECKING:
    from core.insight.parents import Relation

CURVES, CHANGED, GROUPS, LINEAGE = "Curves", "What changed", "Groups", "Lineage"
VIEW = "compare_view"
HEAD_START_S = 0.6
"""How long the browser draws what was come for before it gets all that stands around it:
together they would be there 0.3 s later, and the rest hardly earlier (docs/performance.md)."""
WAY_S = 0.04
"""How long the page waits after a click's curves. Python's threads take turns of 5 ms: while this one makes
the rest of the page, the one that sends would wait for its turn before each message."""
_ADDRESSES = {CURVES: "", CHANGED: "changed", GROUPS: "groups", LINEAGE: "lineage"}


def give_head_start() -> None:
    """Let the browser draw what it has before it gets more."""
    time.sleep(HEAD_START_S)


def give_way() -> None:
    """Let the server send what it has before more is made."""
    time.sleep(WAY_S)


class Places:
    """Where the page's parts stand, from its top down."""

    def __init__(self, *, is_selected: bool) -> None:
        self.filters = kept("compare_filters", horizontal=True, vertical_alignment="bottom", gap="small")
        self.table = st.container()
        self.before_table = self.table.empty()
        """For what is as high as the table until it comes; later, too, so that the table stays what it is."""
        self.about = kept("compare_about_selected") if is_selected else st.container()
        self.bar = kept("compare_bar", horizontal=True, gap="medium", vertical_alignment="center")
        self.view, self.below = st.container(), st.container()


@dataclass(frozen=True)
class MadeCurves:
    """The selected runs' curves, ready to be drawn."""

    runs: list[RunEntry]
    reads: Reads
    charts: CurveCharts


@dataclass(frozen=True)
class Drawn:
    """Curves that stand there before the rest of the page."""

    made: MadeCurves
    place: CurvesPlace


def curves_asked() -> bool:
    """Whether curves are what the page is to show of selected runs."""
    return str(st.session_state.get(VIEW) or view_in_address()) == CURVES


def curves_ahead(picked: Sequence[RunEntry]) -> MadeCurves | PlateauError | OSError:
    """The curves of the selected runs, without what can be chosen of them; or the error of which a person is
    told where they would stand.

    Made before anything of the page is sent, so that the charts go with their places, in one go: the browser
    would else draw the places first, and the charts that much later.
    """
    try:
        runs = list(picked[:MOST])
        reads = read_runs(runs)
        charts = make_curves(runs, reads, lambda: _fields(run_index().listing(), runs))
        return MadeCurves(runs, reads, charts)
    except (PlateauError, OSError) as error:
        return error


def show_curves(made: MadeCurves | PlateauError | OSError) -> Drawn:
    """The curves in their place. Raises the error that came instead of them."""
    if not isinstance(made, MadeCurves):
        raise made
    place = CurvesPlace()
    draw_curves(made.charts, place)
    return Drawn(made, place)


def show_view(
    picked: Sequence[RunEntry],
    shown: Sequence[RunEntry],
    listing: Listing,
    bar: Any,
    drawn: Drawn | None,
) -> None:
    """The view that was chosen, or that the address names, of the selected runs and of those in the table;
    of curves what stands around them, for they are `drawn` already."""
    with bar:
        view = _choose()
    if view == GROUPS:
        from ui.compare_groups import groups_panel

        groups_panel(picked, shown, lambda entries: _fields(listing, entries))
    elif view == LINEAGE:
        from ui.lineage import lineage_panel

        lineage_panel(listing.entries, [entry.id for entry in picked])
    elif not picked:
        st.markdown("Select runs in the table's first column to lay their curves over each other.")
    elif view == CHANGED:
        _changed(picked, listing)
    elif drawn:
        _around(drawn, len(picked), listing, bar)


def view_in_address() -> str:
    """The view that the page's address names."""
    asked = st.query_params.get("view", "")
    return next((view for view, address in _ADDRESSES.items() if address == asked), CURVES)


def _choose() -> str:
    view = st.segmented_control(
        "View",
        list(_ADDRESSES),
        default=view_in_address(),
        required=True,
        key=VIEW,
        label_visibility="collapsed",
    )
    address = _ADDRESSES[str(view)]
    if address and st.query_params.get("view") != address:
        st.query_params["view"] = address
    elif not address and "view" in st.query_params:
        del st.query_params["view"]
    return str(view)


def _around(drawn: Drawn, selected: int, listing: Listing, bar: Any) -> None:
    runs = drawn.made.runs
    if selected > len(runs):
        drawn.place.notice.info(
            f"{selected} runs are selected; drawn are the first {MOST}. Groups shows all of them.",
            icon=":material/stacked_line_chart:",
        )
    fields = _fields(listing, runs) if len(runs) > 1 else {}
    curves_choices(len(runs), fields, bar, drawn.place)
    curves_words(drawn.made.charts.curves, drawn.made.reads, drawn.place)


def _fields(listing: Listing, entries: Sequence[RunEntry]) -> dict[str, Field]:
    """What tells these runs apart. Made once for all sessions that look at the same runs."""
    return _fields_of(listing.version, tuple(entry.id for entry in entries), listing, entries)


@st.cache_resource(show_spinner=False, max_entries=16)
def _fields_of(
    version: int, ids: tuple[str, ...], _listing: Listing, _entries: Sequence[RunEntry]
) -> dict[str, Field]:
    # The entries as this version has them: those that were drawn may be older.
    listed = {entry.id: entry for entry in _listing.entries}
    entries = [listed.get(entry.id, entry) for entry in _entries]
    return fields_of(entries, run_index().settings([entry.run for entry in entries]), _listing.entries)


def _changed(picked: Sequence[RunEntry], listing: Listing) -> None:
    """The card and the verdict: of two runs or groups, or of one and what it is measured against."""
    sides = sides_of(picked)
    if len(sides) > 2:
        st.markdown(
            "Select two runs, or two groups of repeats, to see what changed between them and whether the "
            f"difference is real. Selected are {len(sides)}; Groups and Curves show them together."
        )
        return
    if len(sides) == 2:
        before, after = sides[0].entries, sides[1].entries
        relation: Relation = "chosen"
    else:
        from core.insight.parents import parent_of

        after = sides[0].entries
        found = parent_of(_head(after), listing.entries)
        if found is None:
            st.markdown(
                "There is no earlier run on the same images to set this one against. Select a second run, or "
                "clone this one and change a setting."
            )
            return
        before, relation = (found[0],), found[1]
        if len(after) > 1:
            # Repeats against repeats, where there are any.
            before = next(g.entries for g in groups(listing.entries) if found[0] in g.entries)
    _card_and_verdict(before, after, relation)


def _card_and_verdict(before: Sequence[RunEntry], after: Sequence[RunEntry], relation: "Relation") -> None:
    # Read here, not above: they bring scipy with them, which the page's first drawing does not need.
    from core.insight.changes import group_card
    from ui.change_card import change_card_panel
    from ui.compare_verdict import verdict_panel

    one, other = _head(before), _head(after)
    if one.status is None or other.status is None:
        return
    old, new = (Group("", tuple(side)) for side in (before, after))
    change_card_panel(group_card(old, new, relation))
    verdict_panel(before, after)
    if st.button(
        "Flip gallery",
        icon=":material/swap_horiz:",
        key="compare_flips",
        help="The val images that one of them gets right and the other wrong.",
    ):
        go("inspect", run=other.id, against=one.id)


def sides_of(picked: Sequence[RunEntry]) -> list[Group]:
    """The selected runs as groups of repeats, the oldest first; two runs of one group by themselves, where
    nothing else is selected."""
    found = groups(picked)
    if len(found) == 1 and len(picked) == 2:
        found = [Group(entry.id, (entry,)) for entry in picked]
    return sorted(found, key=lambda side: _age(_head(side.entries)))


def _head(entries: Sequence[RunEntry]) -> RunEntry:
    """The run that stands for a side: its oldest."""
    return min(entries, key=_age)


def _age(entry: RunEntry) -> tuple[str, int, str]:
    status = entry.status
    return (status.created_at, status.color, entry.id) if status else ("", 0, entry.id)
