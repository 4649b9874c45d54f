"""On top of every page: what was interrupted, to be resumed with one click, or put away."""

import streamlit as st

from core.errors import PlateauError
from core.runs import RunEntry
from core.runs.resuming import offered, put_away, resume
from ui.services import store
from ui.words import plain

SHOWN = 5
"""So many runs have a line of their own."""
_TOLD = "resume_offer_told"


def resume_offer() -> None:
    """The offer, and what came of the last click on it; nothing where no run is interrupted."""
    told = st.session_state.pop(_TOLD, {"problems": [], "done": ""})
    for sentence in told["problems"]:
        st.error(plain(sentence), icon=":material/error:")
    if told["done"]:
        st.toast(told["done"], icon=":material/play_arrow:")
    entries = offered(store())
    if not entries:
        return
    with st.container(border=True, key="resume_offer", gap="small"):
        if len(entries) == 1:
            _line(entries[0], alone=True)
            return
        with _row():
            st.markdown(
                f":orange[:material/power_off:] **{len(entries)} runs were interrupted.** Each goes on from "
                "its last whole epoch.",
                width="stretch",
            )
            _resume_button("Resume all", "all", entries)
            _put_away_button(entries)
        for entry in entries[:SHOWN]:
            _line(entry)
        if len(entries) > SHOWN:
            st.caption(f"and {len(entries) - SHOWN} more; Compare lists them.")


def _line(entry: RunEntry, *, alone: bool = False) -> None:
    """A run, how far it came, and its button."""
    status = entry.status
    assert status is not None
    begins = "" if status.epoch else " It begins anew."
    where = f"after epoch {status.epoch} of {status.epochs}" if status.epoch else "in its first epoch"
    icon = ":orange[:material/power_off:] " if alone else ""
    with _row():
        st.markdown(
            f"{icon}**{plain(entry.name)}** was interrupted {where}.{begins}",
            width="stretch",
            help=plain(status.message) or None,
        )
        _resume_button("Resume", entry.id, [entry], primary=alone)
        if alone:
            _put_away_button([entry])


def _row() -> "st.delta_generator.DeltaGenerator":
    return st.container(horizontal=True, vertical_alignment="center", gap="small")


def _resume_button(label: str, key: str, entries: list[RunEntry], *, primary: bool = True) -> None:
    st.button(
        label,
        icon=":material/play_arrow:",
        key=f"resume_offer_{key}",
        type="primary" if primary else "secondary",
        on_click=_resume,
        args=([entry.id for entry in entries],),
    )


def _put_away_button(entries: list[RunEntry]) -> None:
    st.button(
        "Put away",
        icon=":material/close:",
        key="resume_offer_put_away",
        type="tertiary",
        help="Do not offer this again. Nothing is lost: Live resumes an interrupted run at any time.",
        on_click=_put_away,
        args=([entry.id for entry in entries],),
    )


def _resume(run_ids: list[str]) -> None:
    """Put them back into the queue, the oldest first; runs before the page is drawn again."""
    runs, problems, done = store(), [], []
    for run_id in sorted(run_ids):
        try:
            run = runs.get(run_id)
            resume(runs, run)
            done.append(run.display_name())
        except PlateauError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"Run {run_id} could not be resumed: {error.strerror or error}.")
    words = (
        f"{plain(done[0])} goes on." if len(done) == 1 else f"{len(done)} runs go on, one after the other."
    )
    st.session_state[_TOLD] = {"problems": problems, "done": words if done else ""}


def _put_away(run_ids: list[str]) -> None:
    runs = store()
    try:
        put_away(runs, [entry.run for entry in offered(runs) if entry.id in run_ids])
    except PlateauError as error:
        st.session_state[_TOLD] = {"problems": [str(error)], "done": ""}
    except OSError as error:
        problem = f"The offer could not be put away: {error.strerror or error}."
        st.session_state[_TOLD] = {"problems": [problem], "done": ""}
