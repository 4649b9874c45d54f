"""Repeat: the same recipe again with other seeds, queued by one button."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import streamlit as st

from core.errors import Unavailable
from core.insight.repeats import Group, groups
from core.insight.seeds import SEEDS_NEEDED
from core.runs import RunEntry, Status
from core.runs.repeat import MOST, next_seeds, repeat, seed_of
from ui import words
from ui.problems import told
from ui.services import library, store

_SAID = "repeat_said"
"""What was queued, until any of the page's buttons is drawn: the one that was clicked may be gone by then."""


def repeat_button(entries: Sequence[RunEntry], key: str) -> None:
    """A button that asks how many repeats of each of these runs to queue; it says so when they are."""
    if st.button(
        "Repeat",
        icon=":material/repeat:",
        key=key,
        disabled=any(entry.status is None for entry in entries),
        help="Train the same recipe with other seeds, to see how much of a result is chance.",
    ):
        repeat_dialog(entries, key)
    said = st.session_state.pop(_SAID, "")
    if said:
        st.toast(words.plain(said), icon=":material/repeat:")


@st.dialog("Repeat with other seeds", width="small")
def repeat_dialog(entries: Sequence[RunEntry], key: str) -> None:
    """How many, which seeds these are, and how long they may take."""
    everything = store().list()
    found = [(entry, _group_of(entry, everything)) for entry in entries]
    for entry, group in found:
        st.markdown(f"**{words.plain(entry.name)}**: {words.plain(_so_far(group))}")
    times = int(
        st.number_input(
            "More seeds" if len(found) == 1 else "More seeds of each",
            min_value=1,
            max_value=MOST,
            value=max(1, SEEDS_NEEDED - min(len(_seeds(group)) for _, group in found)),
            key=f"{key}_times",
            help=f"With {SEEDS_NEEDED} seeds or more on both sides, a comparison can tell the recipe from "
            "chance.",
        )
    )
    for entry, _ in found:
        _announce(entry, everything, times, alone=len(found) == 1)
    # Another key once a group has grown: the second click of a double click is on a button that is gone.
    tokens = [_token(entry, group, times) for entry, group in found]
    many = times * len(found)
    label = f"Queue {many} repeat{'s' if many > 1 else ''}"
    button_key = f"{key}_go_{hashlib.sha256(''.join(tokens).encode()).hexdigest()[:16]}"
    if st.button(label, type="primary", icon=":material/repeat:", key=button_key):
        with told():
            said = [_queue(entry, times, token) for (entry, _), token in zip(found, tokens, strict=True)]
            st.session_state[_SAID] = f"Queued: {'; '.join(said)}."
            st.rerun()


def _group_of(entry: RunEntry, everything: Sequence[RunEntry]) -> Group:
    found = (group for group in groups(everything) if entry.id in {other.id for other in group.entries})
    return next(found, Group("", (entry,)))


def _announce(entry: RunEntry, everything: list[RunEntry], times: int, *, alone: bool) -> None:
    """Which seeds come next and how long they may take; that a run failed is a warning."""
    status = entry.status
    assert status is not None
    said = f"{seed_words(next_seeds(everything, entry, times))}{_how_long(status, times)}"
    st.caption(words.plain(f"{said.capitalize()}." if alone else f"{entry.name}: {said}."))
    if status.state == "failed":
        which = "This run" if alone else entry.name
        sentence = f"{which} failed: {status.message} Its repeats may fail as well."
        st.warning(words.plain(sentence), icon=":material/warning:")


def _queue(entry: RunEntry, times: int, token: str) -> str:
    try:
        made = repeat(store(), entry.run, times, library=library(), token=token)
    except OSError as error:
        raise Unavailable(
            f"Not all repeats of {entry.name} were queued. The folder of runs: {error.strerror or error}. "
            "Make room there, or make it writable, and try again."
        ) from error
    queued = [seed for run in made if (seed := seed_of(store().entry(run))) is not None]
    return f"{entry.name} again, {seed_words(queued)}"


def seed_words(seeds: Sequence[int]) -> str:
    """'seed 3', 'seeds 1 and 2', 'seeds 1, 2 and 5', 'seeds 1 to 20'."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if len(seeds) > 3 and all(after == before + 1 for before, after in pairwise(seeds)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seeds {', '.join(map(str, seeds[:-1]))} and {seeds[-1]}"


def _seeds(group: Group) -> list[int]:
    return sorted({seed for entry in group.entries if (seed := seed_of(entry)) is not None})


def _so_far(group: Group) -> str:
    """'2 seeds so far (seeds 0 and 1), best val on average 58.3 %.'"""
    seeds = _seeds(group)
    said = f"{seed_words(seeds)} so far" if seeds else "no seed that can be read"
    if group.n > 1 and group.spread is not None:
        said += f"; best val {words.percent(group.mean)} on average over {group.n}"
        said += f", standard deviation {words.in_points(group.spread)}"
    return f"{said}."


def _how_long(status: Status, times: int) -> str:
    """What the run took for its epochs is the best guess for the next."""
    if not status.epoch or not status.elapsed_s:
        return ""
    each = status.elapsed_s / status.epoch * status.epochs
    if times == 1:
        return f", about {words.duration(each)}"
    return f", about {words.duration(each)} each, {words.duration(each * times)} together"


def _token(entry: RunEntry, group: Group, times: int) -> str:
    """The same for the same click, in another tab too: the run, its group as it was shown, and how many."""
    shown = "/".join([entry.id, str(times), *sorted(other.id for other in group.entries)])
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
