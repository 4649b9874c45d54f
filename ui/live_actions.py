"""What a person can do with the run on the page."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.errors import PlateauError
from core.optim import LrCurve, PlateauSpec, lr_curve, schedule_warnings
from core.recipe import Recipe
from core.runs import ACTIVE, RESUMABLE, Run, RunEntry, Status
from core.runs.rows import Row
from core.train.engine import steps_per_epoch
from ui import words
from ui.charts import run_color
from ui.links import clone_into_form, go
from ui.problems import told
from ui.run_charts import extension_spec
from ui.services import library, store

EXTENDABLE = ("finished", *RESUMABLE)


def actions(entry: RunEntry, status: Status, *, parent_exists: bool) -> None:
    """The row of buttons; which ones there are depends on the run's state."""
    run = entry.run
    with st.container(horizontal=True, gap="small"):
        if status.state in ACTIVE:
            _stop_buttons(run)
        if status.state == "queued":
            _button("Take out of the queue", ":material/close:", "live_cancel", lambda: store().stop(run))
        if status.state in RESUMABLE:
            _button(
                "Resume", ":material/play_arrow:", "live_resume", lambda: store().resume(run), primary=True
            )
        if status.state in EXTENDABLE and st.button(
            "Extend", icon=":material/more_time:", key="live_extend", help="Train for more epochs."
        ):
            extend_dialog(run, status)
        if status.epoch and st.button(
            "Classify with it",
            icon=":material/image_search:",
            key="live_classify",
            type="primary" if status.state == "finished" else "secondary",
        ):
            go("classify", run=run.id)
        if st.button("Clone into New run", icon=":material/content_copy:", key="live_clone"):
            clone_into_form(run.id)
        if parent_exists:
            if st.button("Compare with parent", icon=":material/compare_arrows:", key="live_compare"):
                go("compare", runs=f"{run.id},{status.parent}")
        elif st.button("Compare", icon=":material/compare_arrows:", key="live_compare"):
            go("compare", runs=run.id)


def _stop_buttons(run: Run) -> None:
    asked = run.stop_request()
    _button(
        "Stop after this epoch",
        ":material/stop_circle:",
        "live_stop_after",
        lambda: store().stop(run, "after_epoch"),
        primary=True,
        disabled=asked is not None,
        help_text="It stops when the epoch under way is done and its checkpoint is written.",
    )
    _button(
        "Stop now",
        ":material/cancel:",
        "live_stop_now",
        lambda: store().stop(run, "now"),
        disabled=asked == "now",
        help_text="The epoch under way is dropped; the last whole epoch's checkpoint stays.",
    )


def _button(
    label: str,
    icon: str,
    key: str,
    act: Callable[[], None],
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


@st.dialog("Extend the run", width="medium")
def extend_dialog(run: Run, status: Status) -> None:
    """How many epochs more, and what the learning rate does in them."""
    with told():
        recipe = run.recipe()
        more = int(
            st.number_input(
                "Epochs more",
                min_value=1,
                max_value=100_000,
                value=max(1, min(100_000, recipe.epochs // 2)),
                key="live_extend_epochs",
                help=f"{status.epochs} were asked for so far, {status.epoch} are done.",
            )
        )
        hold = (
            st.radio(
                "Learning rate",
                ["schedule", "hold"],
                format_func={
                    "schedule": "Go on with the schedule",
                    "hold": "Hold the last learning rate",
                }.__getitem__,
                key="live_extend_hold",
                horizontal=True,
                help=f"The schedule was planned for {recipe.epochs} epochs. Beyond them it goes on as "
                "torch's does, or stays where it ended.",
            )
            == "hold"
        )
        total = status.epochs + more
        rows = run.epochs().rows
        curve = extended_curve(recipe, total, hold=hold)
        st.vega_lite_chart(
            _extension_frame(curve, rows, status.epochs),
            extension_spec(run_color(status.color), total),
            key="live_extend_chart",
            width="stretch",
        )
        for sentence in extension_words(recipe, curve, rows, status.epochs, hold=hold):
            st.caption(words.plain(sentence))
        if st.button(f"Train {more} epochs more", type="primary", key="live_extend_go"):
            store().extend(run, more, hold_lr=hold)
            st.rerun()


def extended_curve(recipe: Recipe, total: int, *, hold: bool) -> LrCurve:
    """The learning rate up to the new end, from the scheduler that will run."""
    try:
        images = library().open(recipe.data.name).info.counts.get("train", 0)
    except PlateauError:
        images = 0
    return lr_curve(
        recipe.scheduler,
        recipe.warmup,
        recipe.optimizer,
        epochs=total,
        steps_per_epoch=max(1, steps_per_epoch(images, recipe.batch_size)) if images else 100,
        plan=recipe.epochs,
        hold_at_end=hold,
    )


def extension_words(recipe: Recipe, curve: LrCurve, rows: list[Row], before: int, *, hold: bool) -> list[str]:
    """What the learning rate does in the epochs after `before`, in a sentence or two."""
    added = curve.epochs[before:]
    if isinstance(recipe.scheduler, PlateauSpec) and not hold:
        last = rows[-1]["lr"] if rows else recipe.optimizer.lr
        return [
            f"The learning rate is {words.lr(last)} now; ReduceLROnPlateau goes on to lower it "
            f"when {recipe.scheduler.monitor} stands still."
        ]
    first, last, highest = added[0], added[-1], max(added)
    sentence = f"The learning rate is {words.lr(first)} in epoch {before + 1}"
    if all(abs(lr - first) <= 1e-9 * max(first, 1e-12) for lr in added):
        sentence += f" and stays there up to epoch {before + len(added)}."
    else:
        sentence += f" and {words.lr(last)} in epoch {before + len(added)}"
        sentence += f"; in between it reaches {words.lr(highest)}." if highest > max(first, last) else "."
    # A milestone beyond the plan may well lie inside the longer run.
    warnings = schedule_warnings(recipe.scheduler, recipe.warmup, curve, planned_epochs=len(curve.epochs))
    return [sentence, *warnings]


def _extension_frame(curve: LrCurve, rows: list[Row], before: int) -> pd.DataFrame:
    """The learning rate that was (from the rows) and that will be (from the curve)."""
    past = [(float(row["epoch"]), row["lr"], "so far") for row in rows]
    done = len(rows)
    future = [(x, lr, "planned" if x <= before else "extension") for x, lr in curve.points if x >= done]
    if future:
        edge = [(x, lr, "extension") for x, lr, part in future if part == "planned"][-1:]
        future += edge
    return pd.DataFrame(sorted(past + future), columns=["x", "lr", "part"])
