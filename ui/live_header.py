"""What the run on the page is: name, state, why it was made, and why it ended."""

import streamlit as st

from core.errors import PlateauError
from core.recipe.words import change_words, kind_words
from core.runs import RunEntry, Status
from ui import words

LOG_TAIL_BYTES = 16_000
LOG_TAIL_LINES = 60
CHANGES_SHOWN = 4


def header(entry: RunEntry, status: Status, parent: RunEntry | None) -> None:
    """Name and state, hypothesis, data set and architecture, and what was changed from the parent."""
    st.markdown(f"#### {words.plain(entry.name)}  {words.state_badge(status.state)}")
    if entry.notes.hypothesis:
        st.markdown(f":material/lightbulb: {words.plain(entry.notes.hypothesis)}")
    facts = [
        f":material/photo_library: {words.plain(status.dataset)}",
        f":material/account_tree: {words.plain(kind_words('architecture', status.architecture))}",
        f":material/event: {words.plain(words.moment(status.created_at))} UTC",
    ]
    if parent is not None:
        facts.append(
            f":material/content_copy: cloned from {words.plain(parent.name)}{_changes(entry, parent)}"
        )
    st.caption("  ·  ".join(facts))


def _changes(entry: RunEntry, parent: RunEntry) -> str:
    try:
        changes = change_words(parent.run.recipe(), entry.run.recipe())
    except PlateauError:
        return ""
    if not changes:
        return ", nothing changed"
    shown = [f"{setting} {old} → {new}" for setting, old, new in changes[:CHANGES_SHOWN]]
    if len(changes) > CHANGES_SHOWN:
        shown.append(f"and {len(changes) - CHANGES_SHOWN} more")
    return ": " + words.plain(", ".join(shown))


def ending(entry: RunEntry, status: Status) -> None:
    """Why it stopped or failed and what to do about it; the log's tail of a failed run."""
    if status.message:
        text = words.plain(f"{status.message} {status.hint}".strip())
        if status.state == "failed":
            st.error(text, icon=":material/error:")
        else:
            st.info(text, icon=":material/info:")
    if status.state == "failed":
        tail = log_tail(entry)
        if tail:
            with st.expander("The end of its log", icon=":material/article:"):
                st.code(tail, language=None)
    asked = entry.run.stop_request() if status.state in ("running", "stopping") else None
    if asked == "after_epoch":
        st.info("It stops when the epoch under way is done.", icon=":material/pending:")
    elif asked == "now":
        st.info("It stops in a moment.", icon=":material/pending:")


def log_tail(entry: RunEntry) -> str:
    """The last lines of train.log; empty where there is none."""
    path = entry.run.folder / "train.log"
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
            content = file.read()
    except OSError:
        return ""
    return "\n".join(content.decode("utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
