"""The list of all runs on Compare: filter, sort, group, select. The selection stands in the address."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.insight.repeats import Group, groups
from core.recipe.words import kind_words
from core.runs import RunEntry
from ui.run_filter import RunFilter
from ui.run_table import UNFOLD, TableRow, run_rows, table_config, table_rows, tags_of
from ui.services import run_index
from ui.words import STATE_COLORS

FILTER_WIDTH = 128
TABLE_HEIGHT = 458
ROW_HEIGHT = 35
TABLE = "compare_table"
_FIND = "compare_text"
_LAST = "compare_last"
"""What the table showed, and which selection stood in the address: rows are selected by position, which
says nothing without them."""
_BEGAN = "compare_began"
"""Which lines were selected when the table was drawn first. Said each time, so that a click changes nothing
of what the browser has already, and the rows are not sent to it again."""
GROUPED = "compare_grouped"
_UNFOLDED = "compare_unfolded"


def filter_bar(entries: Sequence[RunEntry]) -> RunFilter:
    """The widgets above the table, as a filter. Where they are drawn lays them out in a row."""
    known = [entry.status for entry in entries if entry.status]
    states = [state for state in STATE_COLORS if any(entry.state == state for entry in entries)]
    text = st.text_input(
        "Find",
        key=_FIND,
        placeholder="name, note, tag, id, lr<0.01",
        help="Every word must be found somewhere in what was written about the run. A setting is asked "
        "for by its name in the recipe: optimizer.kind=sgd, lr<0.01, dropout>=0.3.",
    )
    chosen_states = _many("State", states, "compare_states")
    datasets = _many("Data set", sorted({s.dataset for s in known}), "compare_datasets")
    architectures = _many(
        "Architecture",
        sorted({s.architecture for s in known}),
        "compare_architectures",
        lambda kind: kind_words("architecture", kind),
    )
    tags = _many("Tag", tags_of(entries), "compare_tags")
    starred = st.toggle("Starred", key="compare_starred", help="Only runs with a star.")
    if len(groups(entries)) < len(entries):
        st.toggle(
            "Group repeats",
            value=True,
            key=GROUPED,
            help="Runs that differ by their seed alone as one row, with mean and spread, that unfolds.",
        )
    return RunFilter(text, tuple(chosen_states), tuple(datasets), tuple(architectures), tuple(tags), starred)


def _many(label: str, options: list[str], key: str, words: Callable[[str], str] = str) -> list[str]:
    return st.multiselect(label, options, key=key, format_func=words, placeholder="all", width=FILTER_WIDTH)


def passing(entries: Sequence[RunEntry], chosen: RunFilter) -> list[RunEntry]:
    """The runs that the filter lets through."""
    if not chosen.asks_settings:
        return [entry for entry in entries if chosen.passes(entry)]
    settings = run_index().settings([entry.run for entry in entries])
    return [entry for entry in entries if chosen.passes(entry, settings.get(entry.id))]


def first_drawing() -> bool:
    """Whether this session has not drawn the page yet, or left it since: nothing was clicked then, and no
    filter is set. (The table may be missing where a filter hides all runs.)"""
    return _FIND not in st.session_state


def selection() -> tuple[list[RunEntry], list[str]]:
    """The runs that are selected now, and the ids typed into the address that are none."""
    asked, is_typed = _selection_in_address()
    found = run_index().find(asked)
    selected = _selection_now([run_id for run_id in asked if run_id in found])
    found |= run_index().find(run_id for run_id in selected if run_id not in found)
    unknown = [run_id for run_id in asked if run_id not in found] if is_typed else []
    return [found[run_id] for run_id in selected if run_id in found], unknown


def _selection_in_address() -> tuple[Sequence[str], bool]:
    """The ids in the address, and whether they stand there: who comes back to the page by the navigation,
    whose address names none, finds the last selection."""
    last = st.session_state.get(_LAST)
    if "runs" not in st.query_params and last is not None and first_drawing():
        return last["address"], False
    parts = st.query_params.get("runs", "").split(",")
    return list(dict.fromkeys(part for part in parts if part)), True


def run_table(entries: Sequence[RunEntry], selected: list[str], version: int) -> None:
    """Draw the runs that pass the filter, with those `selected`.

    Selected runs that the filter hides stay selected. A group of repeats is selected as a whole, or,
    unfolded, run by run. `version` is the listing's.
    """
    found = _groups_of(entries)
    unfolded = _unfolded(found, set(selected))
    rows = table_rows(found, unfolded)
    places = [place for place, row in enumerate(rows) if set(row.ids) <= set(selected)]
    lines = tuple(row.ids for row in rows)
    # The same table whatever it shows, so that it stays scrolled where it is.
    if TABLE not in st.session_state:
        st.session_state[_BEGAN] = places
    elif _places() != places:
        st.session_state[TABLE] = {"selection": {"rows": places, "columns": [], "cells": []}}
    st.dataframe(
        _frame(version, hash(lines), tuple(row.is_open for row in rows), rows),
        key=TABLE,
        column_config=table_config(),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": st.session_state[_BEGAN]}},
        height=_height(len(rows)),
        row_height=ROW_HEIGHT,
        placeholder="",
    )
    st.session_state[_LAST] = {"lines": lines, "places": places, "address": selected, "unfolded": unfolded}
    put_in_address(selected)


def table_height(entries: Sequence[RunEntry], selected: Sequence[str]) -> int:
    """How high the table of these runs is in pixels before it is drawn, without a filter."""
    found = _groups_of(entries)
    asked: dict[str, bool] = st.session_state.get(_UNFOLDED, {})
    unfolded = [group for group in found if asked.get(group.key, _is_partly(group, set(selected)))]
    return _height(len(table_rows(found, [group.key for group in unfolded])))


def _groups_of(entries: Sequence[RunEntry]) -> list[Group]:
    """What the table has a line for: groups of repeats, or each run by itself."""
    grouped = st.session_state.get(GROUPED, True)
    return groups(entries) if grouped else [Group(entry.id, (entry,)) for entry in entries]


def _is_partly(group: Group, selected: set[str]) -> bool:
    """Whether some of its runs are selected, and not all."""
    ids = {entry.id for entry in group.entries}
    return bool(ids & selected) and not ids <= selected


def _height(rows: int) -> int:
    return min(TABLE_HEIGHT, ROW_HEIGHT * (rows + 1) + 3)


def count_words(picked: Sequence[RunEntry], shown: Sequence[RunEntry], entries: Sequence[RunEntry]) -> str:
    """How many runs there are, pass the filter and are selected, as a sentence."""
    visible = {entry.id for entry in shown}
    hidden = sum(1 for entry in picked if entry.id not in visible)
    counts = f"{len(shown)} of {len(entries)} runs, {selected_words(picked)}"
    return counts + (f" ({hidden} of them hidden by the filter)." if hidden else ".")


def selected_words(picked: Sequence[RunEntry]) -> str:
    """'6 selected', of repeats '6 selected in 2 groups of repeats'."""
    found = groups(picked)
    if len(found) == len(picked):
        return f"{len(picked)} selected"
    if len(found) == 1:
        return f"{len(picked)} selected, repeats of one recipe"
    return f"{len(picked)} selected, of {len(found)} recipes"


@st.cache_resource(show_spinner=False, max_entries=16)
def _frame(version: int, lines: int, is_open: tuple[bool, ...], _rows: Sequence[TableRow]) -> pd.DataFrame:
    """The table's content; nobody changes it. Made once for all sessions that see the same."""
    return run_rows(_rows)


def _places() -> list[int]:
    """Which lines are selected in the table as the browser has it."""
    state: Any = st.session_state.get(TABLE)
    return list(state["selection"]["rows"]) if state else []


def _selection_now(selected: list[str]) -> list[str]:
    """What is selected now: what the address says, and on top what was clicked in the table since it was
    drawn. The session has the click before the table is drawn anew."""
    last = st.session_state.get(_LAST)
    if last is None or TABLE not in st.session_state or last["address"] != selected:
        return selected
    lines = last["lines"]
    before, after = set(last["places"]), {place for place in _places() if place < len(lines)}
    gone = {run_id for place in before - after for run_id in lines[place]}
    # A group that was open is selected by its own line and by its runs' lines.
    added = [run_id for place in sorted(after - before) for run_id in lines[place]]
    kept = [run_id for run_id in selected if run_id not in gone]
    return list(dict.fromkeys([*kept, *added]))


def _unfolded(found: Sequence[Group], selected: set[str]) -> list[str]:
    """The keys of the groups that are unfolded: as the person last clicked on each, else where only some
    of its runs are selected."""
    asked: dict[str, bool] = st.session_state.setdefault(_UNFOLDED, {})
    last = st.session_state.get(_LAST, {"lines": (), "unfolded": ()})
    unfolded = []
    clicked = _clicked(last["lines"])
    for group in found:
        ids = {entry.id for entry in group.entries}
        is_open = asked.get(group.key, _is_partly(group, selected))
        if ids & clicked:
            # From what was seen, and not from what it would be by itself.
            is_open = asked[group.key] = group.key not in last["unfolded"]
        if is_open:
            unfolded.append(group.key)
    return unfolded


def _clicked(lines: Sequence[tuple[str, ...]]) -> set[str]:
    """The runs of the group whose button was clicked."""
    click = st.session_state.get(UNFOLD)
    return set(lines[click["row"]]) if click is not None and click["row"] < len(lines) else set()


def put_in_address(selected: list[str]) -> None:
    """The address of this selection, or none."""
    if selected:
        text = ",".join(selected)
        if st.query_params.get("runs") != text:
            st.query_params["runs"] = text
    elif "runs" in st.query_params:
        del st.query_params["runs"]
