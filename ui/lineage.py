"""Runs as a tree: what changed from each to the next, and what it did; a click goes to the run."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.insight.lineage import Node, Rail, lineage
from core.runs import RunEntry
from ui import words
from ui.links import go
from ui.methods import Section, methods
from ui.smallest import SMALLEST_OF_TWO, smallest_of_splits
from ui.words import plain

MOST_ROWS = 18
"""More than these are scrolled through."""
HEIGHT_PX = 640
CHANGES_NAMED = 3
DEEPEST = 8
"""Of more branches inside each other the outer ones are left out."""
_SIGNS: dict[Rail, str] = {
    "root": "● ",
    "on": "↓ ",
    "branch": "├─ ",
    "last": "└─ ",
    "line": "│\u2002\u2002",
    "gap": "\u2002\u2002\u2002",
}
_TABLE, _ASKED = "lineage_table", "lineage_asked"
"""The session's keys of the table, and of the run whose line was clicked."""
_ALL, _FAMILIES = "All runs", "Families of the selected runs"
_LEGEND = (
    "Each run stands below the one it is set against: ↓ below the line right above, ├ and └ below the "
    "run at which their line begins. ≈ was not cloned, or its parent was deleted: it is set against the "
    "nearest earlier recipe on the same images. Repeats are one line with their mean. A click goes to "
    "the run."
)
_CHANGE_HELP = (
    "In best val, in points, against what it is set against; of repeats the mean. Left out where the two "
    "cannot be compared, or one of them did not do all of its epochs."
)


def lineage_panel(entries: Sequence[RunEntry], selected: Sequence[str]) -> None:
    """The tree of these runs; those of `selected` are marked, and their families can be shown alone."""
    chosen = set(selected)
    nodes = _shown(lineage(entries), chosen)
    st.caption(f"{_LEGEND} ◂ is a selected run." if chosen else _LEGEND)
    _table(nodes, chosen)
    shown = [entry for node in nodes for entry in node.group.entries]
    if sentences := smallest_of_splits(shown):
        st.caption(plain(" ".join([*sentences, SMALLEST_OF_TWO])))
    methods("lineage", Section.CHANGED, Section.SMALLEST)
    asked = st.session_state.pop(_ASKED, "")
    if asked:
        go("live", run=asked)


def _shown(nodes: list[Node], chosen: set[str]) -> list[Node]:
    """All lines, or those of the families of the chosen runs, where a person wants no others."""
    if not chosen:
        return nodes
    way = st.segmented_control(
        "Show", [_ALL, _FAMILIES], default=_ALL, key="lineage_show", label_visibility="collapsed"
    )
    if way != _FAMILIES:
        return nodes
    families = {node.family for node in nodes if chosen & _ids(node)}
    return [node for node in nodes if node.family in families]


def _table(nodes: Sequence[Node], chosen: set[str]) -> None:
    st.dataframe(
        lineage_frame(nodes, chosen),
        key=_TABLE,
        hide_index=True,
        width="stretch",
        height=HEIGHT_PX if len(nodes) > MOST_ROWS else "content",
        placeholder="",
        column_config={
            "Run": st.column_config.TextColumn(width=250),
            "What changed": st.column_config.TextColumn(width="medium"),
            "Change": st.column_config.NumberColumn(format="%+.1f", width="small", help=_CHANGE_HELP),
            "Best val": st.column_config.NumberColumn(
                format="%.1f %%", width="small", help="Of repeats the mean over seeds."
            ),
        },
        # The lines as they were when it was clicked: meanwhile a run may have come or gone.
        on_select=partial(_clicked, [node.entry.id for node in nodes]),
        selection_mode="single-cell",
    )


def _clicked(run_ids: Sequence[str]) -> None:
    cells = st.session_state[_TABLE].selection.cells
    if cells and cells[0][0] < len(run_ids):
        st.session_state[_ASKED] = run_ids[cells[0][0]]


def lineage_frame(nodes: Sequence[Node], chosen: set[str]) -> pd.DataFrame:
    """One line per run."""
    rows = []
    for node in nodes:
        status, card = node.entry.status, node.card
        difference = card.difference if card and not card.note else None
        rows.append(
            (
                _name(node, chosen),
                _best(node),
                # Without a minus before what rounds to nothing.
                None if difference is None else round(difference * 100, 1) + 0.0,
                _changes(node),
                _kind(node),
                card.names[0] if card else "",
                words.moment(status.created_at) if status else "",
            )
        )
    return pd.DataFrame(
        rows, columns=["Run", "Best val", "Change", "What changed", "Kind", "Set against", "Made"]
    )


def _ids(node: Node) -> set[str]:
    return {entry.id for entry in node.group.entries}


def _name(node: Node, chosen: set[str]) -> str:
    rails = node.rails
    signs = ("⋯ " if len(rails) > DEEPEST else "") + "".join(_SIGNS[rail] for rail in rails[-DEEPEST:])
    several = f" (n = {node.group.n})" if len(node.group.entries) > 1 else ""
    return f"{signs}{node.group.name}{several}{' ◂' if chosen & _ids(node) else ''}"


def _best(node: Node) -> float | None:
    """Best val in percent: of repeats the mean of those that count, else the run's own."""
    if len(node.group.entries) > 1 and node.group.mean is not None:
        return node.group.mean * 100
    best = node.entry.status.best if node.entry.status else None
    return best.val_accuracy * 100 if best else None


def _kind(node: Node) -> str:
    said = [node.card.kind_words] if node.card else []
    status = node.entry.status
    if status is not None and status.epoch < status.epochs and len(node.group.entries) == 1:
        said.append(f"{status.epoch} of {status.epochs} epochs")
    return "; ".join(said)


def _changes(node: Node) -> str:
    if node.card is None:
        below = node.rails[-1] != "root"
        return node.entry.damaged or ("its recipe or the one before cannot be read" if below else "")
    named = node.card.decisions or node.card.changes
    shown = [change.words for change in named[:CHANGES_NAMED]]
    if len(named) > CHANGES_NAMED:
        shown.append(f"and {len(named) - CHANGES_NAMED} more")
    nearest = "≈ " if node.card.relation == "nearest" else ""
    return nearest + ("; ".join(shown) or "nothing")
