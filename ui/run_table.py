"""All runs as rows of a table: one per run, or one per group of repeats that unfolds. Reads statuses and
notes only."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from core.insight.repeats import Group
from core.recipe.words import kind_words
from core.runs import Look, Run, RunEntry
from core.runs.repeat import seed_of
from ui import words
from ui.charts import run_color

_PERCENT = "%.1f %%"
UNFOLD = "compare_unfold"
"""The session's key of a click on a group's button."""
SHUT, OPEN = ":material/chevron_right:", ":material/keyboard_arrow_down:"
_MEMBER = "\u2003↳ "
"""In front of the name of a run whose group is unfolded."""


@dataclass(frozen=True)
class TableRow:
    """A line of the table: a run, or a group of repeats of which several runs are shown."""

    entries: tuple[RunEntry, ...]
    group: Group | None = None
    """The group, where the line stands for one."""
    is_open: bool = False
    is_member: bool = False
    """Whether its group stands above it, unfolded."""

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.entries)


def table_rows(groups: Iterable[Group], unfolded: Iterable[str]) -> list[TableRow]:
    """The lines for these groups: a run without repeats by itself, a group as one line, the runs of an
    unfolded one below it."""
    wanted = set(unfolded)
    rows = []
    for group in groups:
        if len(group.entries) == 1:
            rows.append(TableRow(group.entries))
            continue
        is_open = group.key in wanted
        rows.append(TableRow(group.entries, group, is_open))
        if is_open:
            members = sorted(group.entries, key=lambda entry: (seed_of(entry) or 0, entry.id))
            rows += [TableRow((entry,), is_member=True) for entry in members]
    return rows


def run_rows(rows: Sequence[TableRow]) -> pd.DataFrame:
    """The lines in the order given; numbers stay numbers, so that they sort. Columns that would be empty
    for all are left out."""
    found = [_group_cells(row) if row.group else _cells(row) for row in rows]
    frame = pd.DataFrame(found, columns=list(_COLUMNS))
    empty = [name for name in _OPTIONAL if frame[name].isna().all()]
    # Words of which there are few are sent once each; of 1,000 runs that is half of the table.
    return frame.drop(columns=empty).astype(dict.fromkeys(_FEW, "category"))


def _cells(row: TableRow) -> dict[str, Any]:
    entry = row.entries[0]
    status, notes = entry.status, entry.notes
    cells: dict[str, Any] = dict.fromkeys(_COLUMNS)
    cells |= {"name": entry.name, "state": [entry.state], "tags": list(notes.tags)}
    cells["star"] = "★" if notes.star else ""
    if row.is_member:
        seed = seed_of(entry)
        cells["name"] = _MEMBER + (entry.name if seed is None else f"seed {seed}")
    if status is None:
        return cells
    cells |= {
        "color": swatch(run_color(status.color)),
        "dataset": status.dataset,
        "architecture": kind_words("architecture", status.architecture),
        "done": status.epoch,
        "asked": status.epochs,
        "minutes": status.elapsed_s / 60,
        "date": words.moment(status.created_at),
    }
    if status.best:
        cells["best"], cells["best_epoch"] = status.best.val_accuracy * 100, status.best.epoch
        cells["gap"] = None if status.best.gap is None else status.best.gap * 100
    if status.last:
        cells["last"] = status.last.val_accuracy * 100
    look, with_tta, looks = looks_at_test(entry.run)
    if look:
        cells["test"], cells["test_epoch"] = look.accuracy * 100, look.checkpoint_epoch
        cells["test_looks"] = looks
    if with_tta and with_tta.tta_accuracy is not None:
        cells["test_tta"] = with_tta.tta_accuracy * 100
    return cells


def _group_cells(row: TableRow) -> dict[str, Any]:
    """Mean and spread of the runs that count; what differs between the runs is left to them."""
    group = row.group
    assert group is not None
    oldest = group_head(group)
    cells = _cells(TableRow((oldest,)))
    states = dict.fromkeys(entry.state for entry in group.entries)
    counted = [entry.status for entry in group.counted if entry.status]
    gaps = [status.best.gap * 100 for status in counted if status.best and status.best.gap is not None]
    lasts = [status.last.val_accuracy * 100 for status in counted if status.last]
    known = [entry.status for entry in group.entries if entry.status]
    cells |= dict.fromkeys(("best_epoch", "test", "test_epoch", "test_tta", "test_looks"))
    cells |= {
        "name": group.name,
        "star": "★" if any(entry.notes.star for entry in group.entries) else "",
        "state": list(states),
        "repeats": f"{OPEN if row.is_open else SHUT} {_count(group)}",
        "best": None if group.mean is None else group.mean * 100,
        "spread": None if group.spread is None else group.spread * 100,
        "gap": statistics.fmean(gaps) if gaps else None,
        "last": statistics.fmean(lasts) if lasts else None,
        "done": min((status.epoch for status in known), default=None),
        "minutes": sum(status.elapsed_s for status in known) / 60,
        "tags": tags_of(group.entries),
    }
    return cells


def group_head(group: Group) -> RunEntry:
    """The run that a group goes by: the oldest that can be read."""
    known = [entry for entry in group.entries if entry.status]
    return min(known or group.entries, key=lambda e: (e.status.created_at if e.status else "", e.id))


def _count(group: Group) -> str:
    """How many runs: 'n = 3', or 'n = 2 of 3' where one does not count (yet)."""
    of = f" of {len(group.entries)}" if group.n != len(group.entries) else ""
    return f"n = {group.n}{of}"


def looks_at_test(run: Run) -> tuple[Look | None, Look | None, int | None]:
    """The newest evaluation on the test split, the newest of them that was taken with TTA, and how many
    there are; None where that is not known.

    Most runs have none, and then nothing is read.
    """
    if not (run.folder / "evaluations.json").exists():
        return None, None, 0
    known, problem = run.read_looks()
    looks = [look for look in reversed(known) if look.split == "test"]
    with_tta = (look for look in looks if look.tta_accuracy is not None)
    return next(iter(looks), None), next(with_tta, None), None if problem else len(looks)


def swatch(color: str) -> str:
    """A dot of this colour, as an image."""
    return (
        "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>"
        f"<circle cx='12' cy='12' r='7' fill='%23{color.lstrip('#')}'/></svg>"
    )


def tags_of(entries: Iterable[RunEntry]) -> list[str]:
    """Every tag that is in use."""
    return sorted({tag for entry in entries for tag in entry.notes.tags}, key=str.casefold)


def _test_columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "test": column.NumberColumn("Test", format=_PERCENT, help="The newest test evaluation, where asked."),
        "test_epoch": column.NumberColumn(
            "of epoch", format="%d", help="The checkpoint of that test evaluation; not always the best one."
        ),
        "test_tta": column.NumberColumn(
            "Test, TTA",
            format=_PERCENT,
            help="The newest test evaluation with TTA; perhaps of another checkpoint than the newest "
            "without. The results of selected runs name the epoch.",
        ),
        "test_looks": column.NumberColumn(
            "Looks at test",
            format="%d",
            help="How often test was evaluated with this run, whichever checkpoint it was; choosing by its "
            "figures makes them flattering.",
        ),
    }


def table_config() -> dict[str, Any]:
    """How each column is shown."""
    column = st.column_config
    return {
        "color": column.ImageColumn("", width=36, pinned=True, help="The run's colour in every chart."),
        "star": column.TextColumn("★", width=36, pinned=True),
        "name": column.TextColumn("Name", width="medium"),
        "state": column.MultiselectColumn(
            "State", options=list(words.STATE_COLORS), color=list(words.STATE_COLORS.values()), width=100
        ),
        "repeats": column.ButtonColumn(
            "Repeats",
            type="tertiary",
            alignment="left",
            width=88,
            key=UNFOLD,
            help="Runs that differ by their seed alone; a click shows each of them. n counts the seeds that "
            "were trained to their end.",
        ),
        "best": column.NumberColumn(
            "Best val", format=_PERCENT, help="The highest val accuracy; of repeats the mean over seeds."
        ),
        "spread": column.NumberColumn(
            "Spread", format="± %.1f", help="Sample standard deviation of best val over seeds, in points."
        ),
        "best_epoch": column.NumberColumn(
            "at epoch", format="%d", help="The epoch of the best val accuracy."
        ),
        "last": column.NumberColumn("Last val", format=_PERCENT, help="Val accuracy of the last epoch."),
        "gap": column.NumberColumn(
            "Gap at best",
            format="%+.1f",
            help="Points by which the clean train accuracy lies above val, at the best epoch.",
        ),
        **_test_columns(),
        "dataset": column.TextColumn("Data set", width=110),
        "architecture": column.TextColumn("Architecture", width=120),
        "done": column.NumberColumn("Epochs", format="%d", help="Whole epochs done."),
        "asked": column.NumberColumn("of", format="%d", help="Epochs asked for."),
        "minutes": column.NumberColumn(
            "Minutes", format="%.1f", help="Time spent training and evaluating; of repeats all together."
        ),
        "date": column.TextColumn("Made (UTC)", width=130),
        "tags": column.ListColumn("Tags", width="small"),
    }


_COLUMNS = (
    "color",
    "star",
    "name",
    "repeats",
    "best",
    "spread",
    "best_epoch",
    "state",
    "last",
    "gap",
    "test",
    "test_epoch",
    "test_tta",
    "test_looks",
    "dataset",
    "architecture",
    "done",
    "asked",
    "minutes",
    "date",
    "tags",
)
_FEW = ("color", "star", "dataset", "architecture")
"""Columns in which many rows say the same."""
_OPTIONAL = ("repeats", "spread", "test", "test_epoch", "test_tta", "test_looks")
