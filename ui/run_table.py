"""All runs as rows of a table, and the filter over them. Reads statuses and notes only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.runs import Look, Run, RunEntry
from ui import words
from ui.charts import run_color
from ui.setting_words import kind_words


@dataclass(frozen=True)
class RunFilter:
    """What a person wants to see of the list; an empty field lets everything pass."""

    text: str = ""
    states: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    starred: bool = False

    def passes(self, entry: RunEntry) -> bool:
        """Whether the run is to be shown. A tag is enough; of the words all must be found."""
        status, notes = entry.status, entry.notes
        if self.states and entry.state not in self.states:
            return False
        if self.datasets and (status is None or status.dataset not in self.datasets):
            return False
        if self.architectures and (status is None or status.architecture not in self.architectures):
            return False
        if self.tags and not set(self.tags) & set(notes.tags):
            return False
        if self.starred and not notes.star:
            return False
        text = " ".join([entry.id, notes.name, notes.hypothesis, notes.note, *notes.tags]).casefold()
        return all(word in text for word in self.text.casefold().split())


def run_rows(entries: Sequence[RunEntry]) -> pd.DataFrame:
    """One row per run, in the order given; numbers stay numbers, so that they sort."""
    return pd.DataFrame([_row(entry) for entry in entries], columns=list(_COLUMNS))


def _row(entry: RunEntry) -> dict[str, Any]:
    status, notes = entry.status, entry.notes
    row: dict[str, Any] = dict.fromkeys(_COLUMNS)
    row |= {"name": entry.name, "state": [entry.state], "tags": list(notes.tags)}
    row["star"] = "★" if notes.star else ""
    if status is None:
        return row
    row |= {
        "color": swatch(run_color(status.color)),
        "dataset": status.dataset,
        "architecture": kind_words("architecture", status.architecture),
        "done": status.epoch,
        "asked": status.epochs,
        "minutes": status.elapsed_s / 60,
        "date": words.moment(status.created_at),
    }
    if status.best:
        row["best"], row["best_epoch"] = status.best.val_accuracy * 100, status.best.epoch
        row["gap"] = None if status.best.gap is None else status.best.gap * 100
    if status.last:
        row["last"] = status.last.val_accuracy * 100
    look, with_tta = looks_at_test(entry.run)
    if look:
        row["test"] = look.accuracy * 100
    if with_tta and with_tta.tta_accuracy is not None:
        row["test_tta"] = with_tta.tta_accuracy * 100
    return row


def looks_at_test(run: Run) -> tuple[Look | None, Look | None]:
    """The newest evaluation on the test split, and the newest of them that was taken with TTA.

    Most runs have none, and then nothing is read.
    """
    if not (run.folder / "evaluations.json").exists():
        return None, None
    looks = [look for look in reversed(run.looks()) if look.split == "test"]
    with_tta = (look for look in looks if look.tta_accuracy is not None)
    return next(iter(looks), None), next(with_tta, None)


def swatch(color: str) -> str:
    """A dot of this colour, as an image."""
    return (
        "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>"
        f"<circle cx='12' cy='12' r='7' fill='%23{color.lstrip('#')}'/></svg>"
    )


def tags_of(entries: Iterable[RunEntry]) -> list[str]:
    """Every tag that is in use."""
    return sorted({tag for entry in entries for tag in entry.notes.tags}, key=str.casefold)


def table_config() -> dict[str, Any]:
    """How each column is shown."""
    column = st.column_config
    percent = "%.1f %%"
    return {
        "color": column.ImageColumn("", width=36, pinned=True, help="The run's colour in every chart."),
        "star": column.TextColumn("★", width=36, pinned=True),
        "name": column.TextColumn("Name", width="medium", pinned=True),
        "state": column.MultiselectColumn(
            "State", options=list(words.STATE_COLORS), color=list(words.STATE_COLORS.values()), width=100
        ),
        "dataset": column.TextColumn("Data set", width=110),
        "architecture": column.TextColumn("Architecture", width=120),
        "best": column.NumberColumn("Best val", format=percent, help="The highest val accuracy."),
        "best_epoch": column.NumberColumn(
            "at epoch", format="%d", help="The epoch of the best val accuracy."
        ),
        "last": column.NumberColumn("Last val", format=percent, help="Val accuracy of the last epoch."),
        "gap": column.NumberColumn(
            "Gap at best",
            format="%+.1f",
            help="Points by which the clean train accuracy lies above val, at the best epoch.",
        ),
        "test": column.NumberColumn("Test", format=percent, help="The newest test evaluation, where asked."),
        "test_tta": column.NumberColumn(
            "Test, TTA",
            format=percent,
            help="The newest test evaluation with TTA; perhaps of another checkpoint than the newest "
            "without. The results of selected runs name the epoch where it is not the best one.",
        ),
        "done": column.NumberColumn("Epochs", format="%d", help="Whole epochs done."),
        "asked": column.NumberColumn("of", format="%d", help="Epochs asked for."),
        "minutes": column.NumberColumn("Minutes", format="%.1f", help="Time spent training and evaluating."),
        "date": column.TextColumn("Made (UTC)", width=130),
        "tags": column.ListColumn("Tags", width="small"),
    }


_COLUMNS = (
    "color",
    "star",
    "name",
    "state",
    "best",
    "best_epoch",
    "last",
    "gap",
    "test",
    "test_tta",
    "dataset",
    "architecture",
    "done",
    "asked",
    "minutes",
    "date",
    "tags",
)
