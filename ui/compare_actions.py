"""What a person can do with the selected runs."""

import streamlit as st

from core.errors import Busy
from core.insight.repeats import groups
from core.runs import ACTIVE, RunEntry
from ui import words
from ui.compare_table import put_in_address
from ui.export import export_link
from ui.links import clone_into_form, go
from ui.problems import told
from ui.repeat import repeat_control
from ui.services import run_index, store

TAG_LENGTH = 40


def actions(selected: list[RunEntry]) -> None:
    """The row of buttons over a selection of one run or more."""
    one = selected[0] if len(selected) == 1 else None
    starred = all(entry.notes.star for entry in selected)
    with st.container(horizontal=True, gap="small"):
        if st.button("Open in Live", icon=":material/monitoring:", key="compare_live", disabled=one is None):
            go("live", run=selected[0].id)
        _inspect(selected)
        if st.button(
            "Clone",
            icon=":material/content_copy:",
            key="compare_clone",
            disabled=one is None or not one.status,
        ):
            clone_into_form(selected[0].id)
        firsts = [group.first for group in groups(selected)]
        repeat_control(firsts, run_index().listing().entries, "compare_repeat")
        if one is not None:
            if st.button("Name and notes", icon=":material/edit_note:", key="compare_edit"):
                edit_dialog(one)
        elif st.button("Tags", icon=":material/sell:", key="compare_tag"):
            tags_dialog(selected)
        label = "Remove star" if starred else "Star"
        if st.button(label, icon=":material/star:", key="compare_star"):
            with told():
                for entry in selected:
                    entry.run.write_notes(star=not starred)
                st.rerun()
        st.link_button(
            "Export",
            export_link([entry.id for entry in selected]),
            icon=":material/download:",
            help="One zip with each run's folder: settings, curves, notes, checkpoints.",
        )
        if st.button("Delete", icon=":material/delete:", key="compare_delete"):
            delete_dialog(selected)
        if st.button("Deselect all", icon=":material/deselect:", key="compare_clear", type="tertiary"):
            put_in_address([])
            st.rerun()


def _inspect(selected: list[RunEntry]) -> None:
    """One run's answers, or those of the later of two against the earlier's."""
    seen = all(entry.status and entry.status.epoch > 0 for entry in selected)
    if st.button(
        "Inspect",
        icon=":material/troubleshoot:",
        key="compare_inspect",
        disabled=not seen or len(selected) > 2,
        help="Answers by class and by image, of one run or of two against each other.",
    ):
        earlier, *later = sorted(entry.id for entry in selected)
        go("inspect", **({"run": later[0], "against": earlier} if later else {"run": earlier}))


@st.dialog("Name and notes", width="medium")
def edit_dialog(entry: RunEntry) -> None:
    """Name, hypothesis, note, tags and star of one run."""
    notes = entry.notes
    name = st.text_input(
        "Name",
        notes.name,
        max_chars=200,
        placeholder=entry.id,
        key="compare_edit_name",
        help="Empty: its id.",
    )
    hypothesis = st.text_area(
        "Hypothesis",
        notes.hypothesis,
        max_chars=5_000,
        height=80,
        key="compare_edit_hypothesis",
        help="Why this run? What do you expect?",
    )
    note = st.text_area(
        "Note", notes.note, max_chars=50_000, height=140, key="compare_edit_note", help="What came out of it."
    )
    tags = _tags_input(list(notes.tags), "compare_edit_tags")
    star = st.checkbox("Star", notes.star, key="compare_edit_star")
    if st.button("Save", type="primary", key="compare_edit_save"):
        with told():
            entry.run.write_notes(
                name=name.strip(),
                hypothesis=hypothesis.strip(),
                note=note.strip(),
                tags=clean(tags),
                star=star,
            )
            st.rerun()


@st.dialog("Tags", width="small")
def tags_dialog(selected: list[RunEntry]) -> None:
    """The tags that all selected runs have; those that only some have are left alone."""
    common = [tag for tag in selected[0].notes.tags if all(tag in e.notes.tags for e in selected)]
    tags = clean(_tags_input(common, "compare_tags_all"))
    st.caption(f"Tags that all {len(selected)} runs have. Others of single runs stay.")
    if st.button("Save", type="primary", key="compare_tags_save"):
        with told():
            for entry in selected:
                own = [tag for tag in entry.notes.tags if tag not in common]
                entry.run.write_notes(tags=clean([*own, *tags]))
            st.rerun()


def _tags_input(current: list[str], key: str) -> list[str]:
    known = sorted({tag for entry in store().list() for tag in entry.notes.tags} | set(current))
    return st.multiselect(
        "Tags",
        known,
        current,
        key=key,
        accept_new_options=True,
        placeholder="type a new one, or choose",
        help="Words to find and group runs by.",
    )


def clean(tags: list[str]) -> tuple[str, ...]:
    """Tags without blanks, doubles and overlong ones."""
    return tuple(dict.fromkeys(tag.strip()[:TAG_LENGTH] for tag in tags if tag.strip()))


@st.dialog("Delete", width="small")
def delete_dialog(selected: list[RunEntry]) -> None:
    """Ask once more, with what it frees."""
    training = [entry for entry in selected if entry.status and entry.status.state in ACTIVE]
    for entry in training:
        st.warning(
            f"{words.plain(entry.name)} is training and stays; stop it first.", icon=":material/warning:"
        )
    going = [entry for entry in selected if entry not in training]
    if not going:
        return
    for entry in going[:10]:
        st.markdown(f"- {words.plain(entry.name)}")
    if len(going) > 10:
        st.markdown(f"- and {len(going) - 10} more")
    freed = words.size(sum(entry.run.size_bytes() for entry in going))
    what = "this run" if len(going) == 1 else f"these {len(going)} runs"
    st.markdown(
        f"Deleting {what} frees **{freed}**: settings, curves, notes, checkpoints. It cannot be undone."
    )
    if st.button(f"Delete {what}", type="primary", icon=":material/delete:", key="compare_delete_go"):
        with told():
            gone = _delete(going)
            asked = st.query_params.get("runs", "").split(",")
            put_in_address([run_id for run_id in asked if run_id and run_id not in gone])
            st.rerun()


def _delete(entries: list[RunEntry]) -> set[str]:
    """Delete all that can be, and return their ids. Raises Busy only where none could be."""
    gone: set[str] = set()
    refused: Busy | None = None
    for entry in entries:
        try:
            store().delete(entry.run)
            gone.add(entry.id)
        except Busy as error:
            refused = error
    if refused and not gone:
        raise refused
    return gone
