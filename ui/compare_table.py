"""The list of all runs on Compare: filter, sort, select. The selection stands in the address."""

import hashlib
from collections.abc import Callable

import streamlit as st

from core.runs import RunEntry
from ui.run_table import RunFilter, run_rows, table_config, tags_of
from ui.setting_words import kind_words
from ui.words import STATE_COLORS

FILTER_WIDTH = 150
TABLE_HEIGHT = 458
ROW_HEIGHT = 35
_DEFAULTS = "compare_defaults"


def filter_bar(entries: list[RunEntry]) -> RunFilter:
    """The widgets above the table, as a filter."""
    known = [entry.status for entry in entries if entry.status]
    states = [state for state in STATE_COLORS if any(entry.state == state for entry in entries)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Find",
            key="compare_text",
            placeholder="name, hypothesis, note, tag or id",
            help="Every word must be found somewhere in what was written about the run.",
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
    return RunFilter(text, tuple(chosen_states), tuple(datasets), tuple(architectures), tuple(tags), starred)


def _many(label: str, options: list[str], key: str, words: Callable[[str], str] = str) -> list[str]:
    return st.multiselect(label, options, key=key, format_func=words, placeholder="all", width=FILTER_WIDTH)


def selection_in_address(entries: list[RunEntry]) -> tuple[list[str], list[str]]:
    """The ids in the address that are runs, and those that are not.

    Who comes back to the page by the navigation, whose address names none, finds the last selection.
    """
    before = st.session_state.get(_DEFAULTS)
    known = {entry.id for entry in entries}
    if "runs" not in st.query_params and before is not None and before["key"] not in st.session_state:
        return [run_id for run_id in before["address"] if run_id in known], []
    asked = [part for part in st.query_params.get("runs", "").split(",") if part]
    asked = list(dict.fromkeys(asked))
    return [i for i in asked if i in known], [i for i in asked if i not in known]


def run_table(entries: list[RunEntry], selected: list[str]) -> list[str]:
    """Draw the runs that pass the filter; returns the selection as it is now.

    Selected runs that the filter hides stay selected.
    """
    ids = [entry.id for entry in entries]
    key = _key(ids, selected)
    picked = st.dataframe(
        run_rows(entries),
        key=key,
        column_config=table_config(),
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": st.session_state[_DEFAULTS]["rows"]}},
        height=min(TABLE_HEIGHT, ROW_HEIGHT * (len(ids) + 1) + 3),
        row_height=ROW_HEIGHT,
        placeholder="",
    )
    rows = [row for row in picked["selection"]["rows"] if row < len(ids)]
    shown = [ids[row] for row in rows]
    hidden = [run_id for run_id in selected if run_id not in ids]
    kept = [run_id for run_id in selected if run_id in shown or run_id in hidden]
    now = [*kept, *(run_id for run_id in shown if run_id not in kept)]
    _follow(now)
    return now


def _key(ids: list[str], selected: list[str]) -> str:
    """The table's key. Rows are selected by position, so other rows, or a selection that came from
    elsewhere (a link, a button), make another table with its own default."""
    before = st.session_state.get(_DEFAULTS)
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]
    same = (
        before is not None
        and before["digest"] == digest
        and before["address"] == selected
        and before["key"] in st.session_state
    )
    if not same:
        number = before["number"] + 1 if before else 0
        st.session_state[_DEFAULTS] = {
            "digest": digest,
            "number": number,
            "key": f"compare_table_{number}",
            "rows": [row for row, run_id in enumerate(ids) if run_id in selected],
            "address": selected,
        }
    return str(st.session_state[_DEFAULTS]["key"])


def _follow(selected: list[str]) -> None:
    """Put the selection into the address."""
    st.session_state[_DEFAULTS]["address"] = selected
    put_in_address(selected)


def put_in_address(selected: list[str]) -> None:
    """The address of this selection, or none."""
    if selected:
        text = ",".join(selected)
        if st.query_params.get("runs") != text:
            st.query_params["runs"] = text
    elif "runs" in st.query_params:
        del st.query_params["runs"]
