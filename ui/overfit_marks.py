"""Where overfitting shows in a run's curves: marks for the chart, and their sentences."""

from typing import Any

import streamlit as st

from core.errors import PlateauError
from core.insight.overfit import Mark, missing_mark, overfit_marks, val_images
from core.runs import Run, Status
from ui.live_watch import Read
from ui.services import library
from ui.words import plain


def images_behind(run: Run, status: Status) -> int | None:
    """How many val images are behind the run's accuracies; None where nobody can say any more."""
    found = val_images(run)
    if found is not None:
        return found
    try:
        info = library().open(status.dataset).info
    except (PlateauError, OSError):
        return None
    same = status.is_on(info.fingerprint, info.split_fingerprint)
    return info.counts.get("val") if same else None


def marks_of(read: Read, status: Status, images: int | None) -> list[Mark]:
    """The marks of the rows read so far; worked out again only when there are new rows."""
    rows = read["epochs"]
    # Where in which file the rows end: a resumed run may have as many as before, and others among them.
    stamp = [*read["epochs_at"], len(rows), status.epochs, images or 0]
    if read.get("marked") != stamp:
        # The notes, made of the same rows, say of every gap: without any there is none to look for.
        missing = missing_mark(rows) if read["notes"] else None
        marks = [*overfit_marks(rows, images, status.epochs), *([missing] if missing else [])]
        read["marked"] = stamp
        read["marks"] = [[mark.epoch, mark.kind, mark.sentence] for mark in marks]
    stored: list[Any] = read["marks"]
    return [Mark(*mark) for mark in stored]


def mark_sentences(marks: list[Mark]) -> None:
    """One sentence each, below the charts."""
    # One element whatever there is to say: nothing below it moves up or down in the page's order.
    sentences = [mark.sentence for mark in marks if mark.sentence]
    st.caption("  \n".join(f":material/flag: {plain(said)}" for said in sentences) or " ")
