"""A run's learning rate for its charts: from step to step where its schedule changes it there."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import PlateauError
from core.insight.lr_line import Line, lr_line, lr_rows
from core.runs import Run, Status
from ui.services import library


def drawn_lr(run: Run, status: Status, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows to draw of a run whose whole epochs are `rows`."""
    data = (status.dataset, status.dataset_fingerprint, status.split_fingerprint)
    return lr_rows(rows, _line(str(run.folder), *data, status.epochs, status.hold_from, run, status))


@st.cache_data(show_spinner=False, max_entries=200)
def _line(
    folder: str,
    dataset: str,
    fingerprint: str,
    split: str,
    epochs: int,
    hold_from: int | None,
    _run: Run,
    _status: Status,
) -> Line:
    """The schedule's own line; a recipe is never changed. Empty where there is none to be had."""
    try:
        recipe = _run.recipe()
    except PlateauError:
        return ()
    images = 0
    if recipe.scheduler.unit == "step":
        try:
            info = library().open(dataset).info
        except (PlateauError, OSError):
            pass
        else:
            same = _status.is_on(info.fingerprint, info.split_fingerprint)
            images = info.counts.get("train", 0) if same else 0
    return lr_line(recipe, epochs, hold_from=hold_from, images=images)
