"""What trains on each device, and what waits for it."""

import streamlit as st

from core.errors import PlateauError
from core.runs import ACTIVE, RunEntry, RunStore
from ui import words
from ui.problems import told


def queue_panel(store: RunStore, entries: list[RunEntry], shown: str) -> None:
    """The runs that train, and the waiting ones in their order, to be moved or taken out."""
    training = [entry for entry in entries if entry.status and entry.status.state in ACTIVE]
    waiting = _waiting(store, entries)
    if not training and not waiting:
        st.caption("Nothing trains and nothing waits.")
        return
    for entry in training:
        _training_row(entry, shown)
    for position, entry in enumerate(waiting):
        _waiting_row(store, entry, position, len(waiting), shown)


def _waiting(store: RunStore, entries: list[RunEntry]) -> list[RunEntry]:
    by_id = {entry.id: entry for entry in entries}
    return [by_id[run.id] for run in store.queue() if run.id in by_id]


def _training_row(entry: RunEntry, shown: str) -> None:
    status = entry.status
    assert status is not None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        device = words.plain(status.device or "device")
        st.markdown(
            f"{words.state_badge(status.state)} **{words.plain(entry.name)}** on {device}",
            width="stretch",
        )
        _show_button(entry, shown)


def _waiting_row(store: RunStore, entry: RunEntry, position: int, count: int, shown: str) -> None:
    device = _device(entry)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{words.state_badge('queued')} {position + 1}. **{words.plain(entry.name)}**{device}",
            width="stretch",
        )
        for icon, places, direction in (("arrow_upward", -1, "sooner"), ("arrow_downward", 1, "later")):
            at_end = position == (0 if places < 0 else count - 1)
            if st.button(
                "",
                icon=f":material/{icon}:",
                key=f"queue_{direction}_{entry.id}",
                help=f"Train it {direction}.",
                disabled=at_end,
            ):
                with told():
                    store.move(entry.run, places)
                    st.rerun()
        if st.button(
            "",
            icon=":material/close:",
            key=f"queue_cancel_{entry.id}",
            help="Take it out of the queue. It can be resumed later.",
        ):
            with told():
                store.stop(entry.run)
                st.rerun()
        _show_button(entry, shown)


def _device(entry: RunEntry) -> str:
    """Where it will train, if its recipe names a device."""
    try:
        device = entry.run.recipe().device
    except PlateauError:
        return ""
    return "" if device == "auto" else f" for {words.plain(device)}"


def _show_button(entry: RunEntry, shown: str) -> None:
    st.button(
        "",
        icon=":material/visibility:",
        key=f"queue_show_{entry.id}",
        help="Show this run above.",
        disabled=entry.id == shown,
        on_click=_show,
        args=(entry.id,),
    )


def _show(run_id: str) -> None:
    st.query_params["run"] = run_id
