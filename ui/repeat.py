"""Repeat: the same recipe again with other seeds, queued by one click."""

import hashlib
import time
from collections.abc import Sequence
from itertools import pairwise

import streamlit as st

from core.errors import Unavailable
from core.insight.repeats import SEEDS_NEEDED, Group, groups
from core.runs import Run, RunEntry, Status
from core.runs.repeat import MOST, group_key, next_seeds, repeat, seed_of
from ui import words
from ui.links import go
from ui.problems import told
from ui.services import library, store

TIMES = SEEDS_NEEDED - 1
"""More seeds to begin with: with the run's own as many as a verdict on its setting needs."""
FIELD_WIDTH = 64
MOST_TOLD = 3
"""Of more recipes at once the rest are counted."""
DOUBLE_CLICK_S = 1.0
"""The second click of a double click may meet the button as it is drawn anew, and queues nothing."""
_SAID, _MADE, _CLICKED = "repeat_said", "repeat_made", "repeat_clicked"
"""What was queued, until any of the page's buttons is drawn: the one that was clicked may be gone by then;
the way there, as long as the same runs are shown; and when it was."""
_HELP = (
    "Train the same recipe with other seeds, to see how much of a result is chance. With "
    f"{SEEDS_NEEDED} seeds or more on both sides, a comparison can tell the recipe from chance."
)


def repeat_control(entries: Sequence[RunEntry], everything: Sequence[RunEntry], key: str) -> None:
    """How many more seeds of each of these runs, the button that queues them, and then the way to them."""
    with st.container(horizontal=True, gap="xsmall", width="content"):
        times = st.number_input(
            "More seeds",
            min_value=1,
            max_value=MOST,
            value=TIMES,
            key=f"{key}_times",
            help="How many more seeds of each selected recipe.",
            label_visibility="collapsed",
            width=FIELD_WIDTH,
        )
        repeat_button(entries, everything, key, int(times))
    _way_there(entries, everything, key)


def repeat_button(
    entries: Sequence[RunEntry], everything: Sequence[RunEntry], key: str, times: int | None = None
) -> None:
    """A button that queues repeats of each of these runs, `times` or as many as they lack for a verdict on
    their setting; `everything` are all runs."""
    grown = _with_groups(entries, everything)
    if times is None:
        times = max(1, SEEDS_NEEDED - min(group.expected for _, group in grown))
    # Another key once a group has grown: a click that is under way meanwhile is on a button that is gone.
    shown = _digest(*(_shown(entry, group) for entry, group in grown))
    clicked = st.button(
        f"Repeat{' each' if len(entries) > 1 else ''} × {times}",
        icon=":material/repeat:",
        key=f"{key}_go_{shown}",
        disabled=any(entry.status is None for entry in entries) or len(entries) * times > MOST,
        help=_help(grown, times),
    )
    if clicked and time.monotonic() - st.session_state.get(_CLICKED, -DOUBLE_CLICK_S) >= DOUBLE_CLICK_S:
        with told():
            _queue_all(grown, times)
            st.rerun()
    said = st.session_state.pop(_SAID, "")
    if said:
        st.toast(words.plain(said), icon=":material/repeat:")


def _way_there(entries: Sequence[RunEntry], everything: Sequence[RunEntry], key: str) -> None:
    """To the first of the repeats that were queued of these runs."""
    made = st.session_state.get(_MADE)
    if not made or made["of"] != [entry.id for entry in entries]:
        return
    first = next((entry for entry in everything if entry.id == made["first"]), None)
    seed = seed_of(first) if first else None
    if first is None or seed is None:
        return
    if st.button(
        f"Open {seed_words([seed])}",
        icon=":material/monitoring:",
        key=f"{key}_open",
        type="tertiary",
        help="The first of the repeats that were queued, in Live.",
    ):
        go("live", run=first.id)


def _queue_all(grown: Sequence[tuple[RunEntry, Group]], times: int) -> None:
    """Queue them, and keep what is to be said of it."""
    said, first = [], ""
    for entry, group in grown:
        made = _queue(entry, times, _digest(_shown(entry, group), str(times)))
        first = first or made[0].id
        seeds = [seed for run in made if (seed := seed_of(store().entry(run))) is not None]
        said.append(f"{entry.name} again, {seed_words(seeds)}")
    st.session_state[_SAID] = f"Queued: {'; '.join(said)}."
    st.session_state[_MADE] = {"of": [entry.id for entry, _ in grown], "first": first}
    st.session_state[_CLICKED] = time.monotonic()


def _with_groups(entries: Sequence[RunEntry], everything: Sequence[RunEntry]) -> list[tuple[RunEntry, Group]]:
    """Each run with all its repeats."""
    by_key = {group.key: group for group in groups(everything)}
    keys = [group_key(entry) for entry in entries]
    return [(entry, by_key.get(key, Group(key, (entry,)))) for entry, key in zip(entries, keys, strict=True)]


def _help(grown: Sequence[tuple[RunEntry, Group]], times: int) -> str:
    """What a click queues: which seeds come next, how long they may take, and that a run failed."""
    lines = [_HELP]
    if len(grown) * times > MOST:
        lines.append(f"{len(grown) * times} at once are more than {MOST}: select fewer runs, or fewer seeds.")
    for entry, group in grown[:MOST_TOLD]:
        if (status := entry.status) is None:
            continue
        seeds = seed_words(next_seeds(list(group.entries), entry, times))
        said = f"{_so_far(group)} Next: {seeds}{_how_long(status, times)}."
        if status.state == "failed":
            said += f" It failed: {status.message} Its repeats may fail as well."
        lines.append(f"**{words.plain(entry.name)}**: {words.plain(said)}")
    if len(grown) > MOST_TOLD:
        lines.append(f"And of {len(grown) - MOST_TOLD} more.")
    return "\n\n".join(lines)


def _queue(entry: RunEntry, times: int, token: str) -> list[Run]:
    try:
        return repeat(store(), entry.run, times, library=library(), token=token)
    except OSError as error:
        raise Unavailable(
            f"Not all repeats of {entry.name} were queued. The folder of runs: {error.strerror or error}. "
            "Make room there, or make it writable, and try again."
        ) from error


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


def _shown(entry: RunEntry, group: Group) -> str:
    """The same for the same button, in another tab too: the run, and its group as it was shown."""
    return "/".join([entry.id, *sorted(other.id for other in group.entries)])


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
