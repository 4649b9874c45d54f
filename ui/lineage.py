"""Runs as a tree: what changed from each to the next, and what it did; a click goes to the run."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.insight.lineage import Node, lineage
from core.runs import RunEntry
from ui import words
from ui.links import go

MOST_ROWS = 18
"""More than these are scrolled through."""
HEIGHT_PX = 640
CHANGES_NAMED = 3
_INDENT = "\u2003"
_ALL, _FAMILIES = "All runs", "Families of the selected runs"


def lineage_panel(entries: Sequence[RunEntry], selected: Sequence[str]) -> None:
    """The tree of these runs; those of `selected` are marked, and their families can be shown alone."""
    chosen = set(selected)
    nodes = lineage(entries)
    if chosen:
        way = st.segmented_control(
            "Show", [_ALL, _FAMILIES], default=_ALL, key="lineage_show", label_visibility="collapsed"
        )
        if way == _FAMILIES:
            families = {node.family for node in nodes if node.entry.id in chosen}
            nodes = [node for node in nodes if node.family in families]
    st.caption(
        "↓ goes on from the run above it, ↳ branches off from the run above on the level before; ≈ was not "
        "cloned: it is set against the nearest earlier recipe on the same images. A click goes to the run."
    )
    event = st.dataframe(
        lineage_frame(nodes, chosen),
        key="lineage_table",
        hide_index=True,
        width="stretch",
        height=HEIGHT_PX if len(nodes) > MOST_ROWS else "content",
        placeholder="",
        column_config={
            "Run": st.column_config.TextColumn(width="medium"),
            "What changed": st.column_config.TextColumn(width="large"),
            "Change in best val": st.column_config.NumberColumn(
                format="%+.1f",
                help="In points, against the run it is set against. Left out where the two cannot be "
                "compared, or one of them did not do all of its epochs.",
            ),
            "Best val": st.column_config.NumberColumn(format="%.1f %%"),
        },
        on_select="rerun",
        selection_mode="single-cell",
    )
    cells = event.selection.cells
    if cells:
        go("live", run=nodes[cells[0][0]].entry.id)


def lineage_frame(nodes: Sequence[Node], chosen: set[str]) -> pd.DataFrame:
    """One line per run."""
    rows = []
    for node in nodes:
        status, card = node.entry.status, node.card
        best = status.best if status else None
        difference = card.difference if card and not card.note else None
        rows.append(
            (
                _name(node, chosen),
                None if difference is None else difference * 100,
                _changes(node),
                _kind(node),
                best.val_accuracy * 100 if best else None,
                words.moment(status.created_at) if status else "",
            )
        )
    return pd.DataFrame(
        rows, columns=["Run", "Change in best val", "What changed", "Kind", "Best val", "Made"]
    )


def _name(node: Node, chosen: set[str]) -> str:
    sign = "●" if node.card is None else "↓" if node.goes_on else "↳"
    mark = " ◂" if node.entry.id in chosen else ""
    return f"{_INDENT * node.level}{sign} {node.entry.name}{mark}"


def _kind(node: Node) -> str:
    words = node.card.kind_words if node.card else ""
    status = node.entry.status
    if status is not None and status.epoch < status.epochs:
        words += f"{'; ' if words else ''}{status.epoch} of {status.epochs} epochs"
    return words


def _changes(node: Node) -> str:
    if node.card is None:
        return node.entry.damaged
    named = node.card.decisions or node.card.changes
    shown = [change.words for change in named[:CHANGES_NAMED]]
    if len(named) > CHANGES_NAMED:
        shown.append(f"and {len(named) - CHANGES_NAMED} more")
    nearest = "≈ " if node.card.relation == "nearest" else ""
    return nearest + ("; ".join(shown) or "nothing")
