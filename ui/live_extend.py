"""More epochs for a run: how many, and what the learning rate does in them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
import torch

from core.errors import PlateauError
from core.insight import number
from core.optim import LrCurve, PlateauSpec, Schedule, schedule_warnings
from core.recipe import Recipe
from core.runs import Run, Status
from core.runs.packed_rows import ReadRow
from core.train.engine import steps_per_epoch
from ui import words
from ui.charts import on_background, run_color
from ui.problems import told
from ui.run_charts import extension_spec
from ui.services import library, store

MOST_EPOCHS = 100_000
"""By which one extension can lengthen a run."""
MONITORED = ("val/accuracy", "val/loss", "train/loss")
"""What ReduceLROnPlateau can watch."""


def epochs_more(status: Status) -> int:
    """By how many epochs a run is extended where nobody says another number: half of what it has."""
    return max(1, min(MOST_EPOCHS, status.epochs // 2))


@st.dialog("Extend the run", width="medium")
def extend_dialog(run: Run, status: Status, suggested: int | None = None) -> None:
    """How many epochs more (at first half as many as there are, or the `suggested`), and what the learning
    rate does in them."""
    with told():
        recipe = run.recipe()
        more, hold = _ask(run.id, recipe, status, suggested or epochs_more(status))
        extension = extend_lr(recipe, status, run.epochs().rows, more, hold=hold)
        st.vega_lite_chart(
            extension.frame(),
            extension_spec(_color(status), extension.total),
            key=f"live_extend_chart_{run.id}",
            width="stretch",
        )
        for sentence in extension_words(recipe, extension, hold=hold):
            st.caption(words.plain(sentence))
        if st.button(f"Train {more} epochs more", type="primary", key=f"live_extend_go_{run.id}"):
            store().extend(run, more, hold_lr=hold)
            st.rerun()


def _color(status: Status) -> str:
    return on_background(run_color(status.color), dark=st.context.theme.type == "dark")


def _ask(run_id: str, recipe: Recipe, status: Status, first: int) -> tuple[int, bool]:
    """How many epochs more, and whether the last learning rate is held in them."""
    more = st.number_input(
        "Epochs more",
        min_value=1,
        max_value=MOST_EPOCHS,
        value=max(1, min(MOST_EPOCHS, first)),
        key=f"live_extend_epochs_{run_id}",
        help=f"{status.epochs} were asked for so far, {status.epoch} are done.",
    )
    ways = {"schedule": "Go on with the schedule", "hold": "Hold the last learning rate"}
    way = st.radio(
        "Learning rate",
        list(ways),
        format_func=ways.__getitem__,
        key=f"live_extend_hold_{run_id}",
        horizontal=True,
        help=f"The schedule was planned for {recipe.epochs} epochs. Beyond them it goes on as "
        "torch's does, or the learning rate stays where it was at the end.",
    )
    return int(more), way == "hold"


@dataclass(frozen=True)
class Extension:
    """The learning rate of a run that is to be extended, epoch by epoch."""

    past: tuple[tuple[int, float], ...]
    """(epoch, lr) of the epochs that were done, from the run's own rows."""
    future: tuple[tuple[int, float], ...]
    """(epoch, lr) of all that are still to come."""
    asked: int
    """Epochs asked for before the extension."""

    @property
    def total(self) -> int:
        return self.future[-1][0]

    @property
    def added(self) -> list[float]:
        """The learning rates of the epochs that the extension adds."""
        return [lr for epoch, lr in self.future if epoch > self.asked]

    def frame(self) -> pd.DataFrame:
        """For the chart: what was, what was planned already, and what the extension adds."""
        points = [(float(epoch), lr, "so far") for epoch, lr in self.past]
        for epoch, lr in self.future:
            part = "planned" if epoch <= self.asked else "extension"
            points += [(epoch - 1.0, lr, part), (float(epoch), lr, part)]
        return pd.DataFrame(points, columns=["x", "lr", "part"])


def extend_lr(recipe: Recipe, status: Status, rows: Sequence[ReadRow], more: int, *, hold: bool) -> Extension:
    """What the learning rate was, and what the run's own schedule will do, replayed over its rows.

    Of ReduceLROnPlateau nobody knows when it will drop next: it is shown as if the run went on to
    improve.
    """
    hold_from = (status.hold_from or status.epochs) if hold else None
    schedule = _schedule(recipe, hold_from)
    found = {row["epoch"]: row for row in rows}
    # A row that cannot be read counts as an epoch without an improvement.
    done = [
        {key: _or_nan(number(found.get(epoch, {}), key)) for key in MONITORED}
        for epoch in range(1, status.epoch + 1)
    ]
    schedule.replay(done)
    waits = isinstance(recipe.scheduler, PlateauSpec)
    future = []
    for epoch in range(status.epoch + 1, status.epochs + more + 1):
        future.append((epoch, schedule.lr))
        if not waits or epoch <= recipe.warmup.epochs:
            schedule.replay([dict.fromkeys(MONITORED, math.nan)])
    past = [(epoch, number(row, "lr")) for epoch, row in found.items()]
    return Extension(tuple((e, lr) for e, lr in past if lr is not None), tuple(future), status.epochs)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _schedule(recipe: Recipe, hold_from: int | None) -> Schedule:
    """The schedule as the trainer makes it, over an optimizer of one weight."""
    try:
        images = library().open(recipe.data.name).info.counts.get("train", 0)
    except PlateauError:
        images = 0
    optimizer = recipe.optimizer.build([torch.nn.Parameter(torch.zeros(1))])
    return Schedule(
        recipe.scheduler,
        recipe.warmup,
        optimizer,
        epochs=recipe.epochs,
        steps_per_epoch=max(1, steps_per_epoch(images, recipe.batch_size)) if images else 100,
        cycle_momentum=recipe.optimizer.cycles_momentum,
        hold_from=hold_from,
    )


def extension_words(recipe: Recipe, extension: Extension, *, hold: bool) -> list[str]:
    """What the learning rate does in the epochs that are added, in a sentence or two."""
    added, before = extension.added, extension.asked
    first, last, highest = added[0], added[-1], max(added)
    sentence = f"The learning rate is {words.lr(first)} in epoch {before + 1}"
    if isinstance(recipe.scheduler, PlateauSpec):
        monitor = recipe.scheduler.monitor
        if extension.future[0][0] <= before:
            sentence += f" (if {monitor} improves until then)"
        if not hold:
            return [f"{sentence}; ReduceLROnPlateau goes on to lower it when {monitor} stands still."]
    if all(abs(lr - first) <= 1e-9 * max(first, 1e-12) for lr in added):
        sentence += f" and stays there up to epoch {extension.total}."
    else:
        sentence += f" and {words.lr(last)} in epoch {extension.total}"
        sentence += f"; in between it reaches {words.lr(highest)}." if highest > max(first, last) else "."
    lrs = tuple(lr for _, lr in (*extension.past, *extension.future))
    # A milestone beyond the plan may well lie inside the longer run.
    warnings = schedule_warnings(
        recipe.scheduler, recipe.warmup, LrCurve(lrs, ()), planned_epochs=extension.total
    )
    return [sentence, *warnings]
