"""Live's four charts: accuracy with the learning rate beneath it, loss with the gap beneath it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import PlateauError
from core.insight import has_average, thin
from core.insight.overfit import Mark
from core.runs import ACTIVE, Run, Status
from ui.charts import on_background, run_color
from ui.layout import LIVE_HEIGHTS, LIVE_LEFT, LIVE_RIGHT, room
from ui.live_rows import kept_rows, live_datasets, live_frame, running_rows
from ui.live_watch import Read
from ui.lr_lines import drawn_lr
from ui.run_charts import Kind, Row, axis_end, live_spec, position

LOSS_WIDTH = 390
SETTLED_AFTER = 0.1
"""Share of an epoch after which its running mean is worth a place in the chart."""


@dataclass(frozen=True)
class Shown:
    """What the charts show: a run, as far as it is read, and the run that is laid behind it."""

    run: Run
    status: Status
    read: Read
    marks: Sequence[Mark]
    behind: Run | None
    behind_read: Read | None

    @property
    def rows(self) -> Sequence[Row]:
        """Its whole epochs."""
        rows: Sequence[Row] = self.read["drawn"]
        return rows

    @property
    def behind_rows(self) -> Sequence[Row]:
        """Those of the run behind."""
        return self.behind_read["drawn"] if self.behind_read else ()

    @cached_property
    def steps(self) -> list[Row]:
        """Those of the epoch under way. Its first batches' mean says little and would stretch the axis;
        only where there is nothing else to see it is shown."""
        steps = [(step, at) for step in thin(self.read["steps"], 300) if (at := position(step)) is not None]
        if not self.read["epochs"]:
            return [step for step, _ in steps]
        return [step for step, at in steps if at - (step["epoch"] - 1) >= SETTLED_AFTER]

    @cached_property
    def averaged(self) -> bool:
        """Whether either has an average of its weights."""
        return has_average(self.rows) or has_average(self.behind_rows)

    @property
    def end(self) -> int:
        """Where the axis of epochs ends."""
        return axis_end(self.status.epoch, self.status.epochs)

    def datasets(self, kind: Kind) -> dict[str, Any]:
        """The rows of a chart."""
        whole = kept_rows(self.stamp, kind, lambda: self._epochs(kind))
        return live_datasets(whole, running_rows(kind, self.steps, whole, averaged=self.averaged))

    @cached_property
    def stamp(self) -> str:
        """All that the charts' whole epochs depend on. A run behind whose plan is another one now is drawn
        anew with its next epoch."""
        status, behind = self.status, self.behind_read
        parts = [self.run.folder, self.read["epochs_at"], len(self.rows), status.epochs, status.hold_from]
        parts += [self.behind and self.behind.folder, behind and behind["epochs_at"], len(self.behind_rows)]
        return " ".join(map(str, [*parts, self.averaged, self.end, *self.marks]))

    def _epochs(self, kind: Kind) -> pd.DataFrame:
        rows, behind_rows = self.rows, self.behind_rows
        if kind == "lr":
            rows = drawn_lr(self.run, self.status, rows)
            status = _status_of(self.behind)
            behind_rows = drawn_lr(self.behind, status, behind_rows) if self.behind and status else ()
        return live_frame(kind, rows, behind_rows, averaged=self.averaged, marks=self.marks, end=self.end)


def live_charts(shown: Shown) -> None:
    """Draw them."""
    # On a narrow screen loss and gap move below instead of squeezing the accuracy.
    with st.container(horizontal=True, gap="medium"):
        left, right = room(LIVE_LEFT), st.container(width=LOSS_WIDTH, key=LIVE_RIGHT)
    dark = st.context.theme.type == "dark"
    own, other = (
        on_background(color, dark=dark) for color in (run_color(shown.status.color), _color_of(shown.behind))
    )
    columns: tuple[tuple[Any, Kind], ...] = (
        (left, "accuracy"),
        (left, "lr"),
        (right, "loss"),
        (right, "gap"),
    )
    for column, kind in columns:
        with column:
            if not shown.rows and not shown.steps and not shown.behind_rows:
                _placeholder(kind, shown.status)
                continue
            spec = live_spec(kind, own, other, shown.end, averaged=shown.averaged)
            st.vega_lite_chart(
                spec=spec | {"datasets": shown.datasets(kind)},
                key=f"live_{kind}_{shown.run.id}",
                width="stretch",
            )


def _color_of(behind: Run | None) -> str:
    status = _status_of(behind)
    return run_color(status.color if status else 0)


def _status_of(behind: Run | None) -> Status | None:
    """That of the run behind; none where it cannot be read, which takes nothing from the run itself."""
    if behind is None:
        return None
    try:
        return behind.status()
    except PlateauError:
        return None


def _placeholder(kind: Kind, status: Status) -> None:
    """As high as the chart that takes its place."""
    with st.container(height=LIVE_HEIGHTS[kind], border=True):
        if status.state == "queued":
            st.caption("It waits in the queue; the curves begin when it does.")
        elif status.state in ACTIVE:
            st.caption("The first points come in a moment.")
        else:
            st.caption("No epoch was recorded.")
