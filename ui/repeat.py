"""Repeat: the same recipe again with other seeds, queued by one button."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import streamlit as st

from core.insight.repeats import Group, groups
from core.insight.seeds import SEEDS_NEEDED
from core.runs import RunEntry, Status
from core.runs.repeat import MOST, next_seeds, repeat, seed_of
from ui import words
from ui.problems import told
from ui.services import library, store


def repeat_button(entry: RunEntry, key: str) -> None:
    """A button that asks how many repeats of this run to queue; it says so when they are."""
    if st.button(
        "Repeat",
        icon=":material/repeat:",
        key=key,
        disabled=entry.status is None,
        help="Train the same recipe with other seeds, to see how much of a result is chance.",
    ):
        repeat_dialog(entry, key)
    said = st.session_state.pop(f"{key}_said", "")
    if said:
        st.toast(words.plain(said), icon=":material/repeat:")


@st.dialog("Repeat with other seeds", width="small")
def repeat_dialog(entry: RunEntry, key: str) -> None:
    """How many, which seeds these are, and how long they may take."""
    status = entry.status
    assert status is not None
    entries = store().list()
    group = next((g for g in groups(entries) if entry.id in {e.id for e in g.entries}), Group("", (entry,)))
    st.markdown(f"**{words.plain(entry.name)}**: {words.plain(_so_far(group))}")
    times = int(
        st.number_input(
            "More seeds",
            min_value=1,
            max_value=MOST,
            value=max(1, SEEDS_NEEDED - len(_seeds(group))),
            key=f"{key}_times",
            help=f"With {SEEDS_NEEDED} seeds or more on both sides, a comparison can tell the recipe from "
            "chance.",
        )
    )
    seeds = next_seeds(entries, entry, times)
    st.caption(words.plain(f"{seed_words(seeds).capitalize()}{_how_long(status, times)}."))
    if status.state == "failed":
        sentence = f"This run failed: {status.message} Its repeats may fail as well."
        st.warning(words.plain(sentence), icon=":material/warning:")
    # Another key once the group has grown: the second click of a double click is on a button that is gone.
    token = _token(entry, group, times)
    label = f"Queue {times} repeat{'s' if times > 1 else ''}"
    if st.button(label, type="primary", icon=":material/repeat:", key=f"{key}_go_{token}"):
        with told():
            made = repeat(store(), entry.run, times, library=library(), token=token)
            queued = seed_words([seed for run in made if (seed := seed_of(store().entry(run))) is not None])
            st.session_state[f"{key}_said"] = f"Queued: {entry.name} again, {queued}."
            st.rerun()


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
