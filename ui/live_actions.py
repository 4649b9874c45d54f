"""What a person can do with the run on the page. The buttons' keys end with the run: a click on one that was
drawn for another run does nothing."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.runs import ACTIVE, RESUMABLE, Run, RunEntry, Status
from core.runs.resuming import resume
from ui.links import clone_into_form, go
from ui.live_extend import epochs_more, extend_dialog
from ui.problems import told
from ui.repeat import repeat_control
from ui.services import store

EXTENDABLE = ("finished", *RESUMABLE)


def actions(entry: RunEntry, status: Status, entries: Sequence[RunEntry], *, parent_exists: bool) -> None:
    """The row of buttons; which ones there are depends on the run's state. `entries` are all runs."""
    with st.container(horizontal=True, gap="small"):
        _training_buttons(entry.run, status)
        if status.epoch:
            _answer_buttons(entry.run, status)
        if st.button("Clone into New run", icon=":material/content_copy:", key=f"live_clone_{entry.id}"):
            clone_into_form(entry.id)
        repeat_control([entry], entries, f"live_repeat_{entry.id}")
        label = "Compare with parent" if parent_exists else "Compare"
        if st.button(label, icon=":material/compare_arrows:", key=f"live_compare_{entry.id}"):
            go("compare", runs=f"{entry.id},{status.parent}" if parent_exists else entry.id)


def _training_buttons(run: Run, status: Status) -> None:
    """Stop, leave the queue, go on."""
    if status.state in ACTIVE:
        _stop_buttons(run)
    if status.state == "queued":
        _button(
            "Take out of the queue",
            ":material/close:",
            f"live_cancel_{run.id}",
            lambda: store().stop(run),
        )
    if status.state in RESUMABLE:
        _button(
            "Resume",
            ":material/play_arrow:",
            f"live_resume_{run.id}",
            lambda: resume(store(), run),
            primary=True,
        )
    if status.state in EXTENDABLE:
        more = epochs_more(status)
        _button(
            f"{more} epochs more" if more > 1 else "1 epoch more",
            ":material/more_time:",
            f"live_extend_now_{run.id}",
            lambda: store().extend(run, more),
            help_text="Half as long again, and the schedule goes on. Extend takes another number, and shows "
            "what the learning rate does.",
        )
        if st.button(
            "Extend",
            icon=":material/timeline:",
            key=f"live_extend_{run.id}",
            help="Train for more epochs: how many, and what the learning rate does in them.",
        ):
            extend_dialog(run, status)


def _answer_buttons(run: Run, status: Status) -> None:
    """What can be done with a network that has learned something."""
    if st.button(
        "Classify with it",
        icon=":material/image_search:",
        key=f"live_classify_{run.id}",
        type="primary" if status.state == "finished" else "secondary",
    ):
        go("classify", run=run.id)
    if st.button(
        "Inspect",
        icon=":material/troubleshoot:",
        key=f"live_inspect_{run.id}",
        help="Its errors, class by class and image by image; its checkpoints.",
    ):
        go("inspect", run=run.id)


def _stop_buttons(run: Run) -> None:
    asked, at = run.stop_request(), run.id
    _button(
        "Stop after this epoch",
        ":material/stop_circle:",
        f"live_stop_after_{at}",
        lambda: store().stop(run, "after_epoch"),
        primary=True,
        disabled=asked is not None,
        help_text="It stops when the epoch under way is done and its checkpoint is written.",
    )
    _button(
        "Stop now",
        ":material/cancel:",
        f"live_stop_now_{at}",
        lambda: store().stop(run, "now"),
        disabled=asked == "now",
        help_text="The epoch under way is dropped; the last whole epoch's checkpoint stays.",
    )


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[[], object],
    *,
    primary: bool = False,
    disabled: bool = False,
    help_text: str | None = None,
) -> None:
    """A button that does something and draws the page anew; an error is one sentence on it."""
    pressed = st.button(
        label,
        icon=icon,
        key=key,
        type="primary" if primary else "secondary",
        disabled=disabled,
        help=help_text,
    )
    if pressed:
        with told():
            act()
            st.rerun()
