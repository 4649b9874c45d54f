"""The checkpoints that a run keeps: val and test, plain and with TTA, and how often test was looked at."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.classify import EvaluatedSplit
from core.errors import PlateauError
from core.insight.checkpoints import CheckpointRow, Split, checkpoint_rows, last_against_best
from core.insight.verdict_words import figures
from core.runs import Look, RunEntry
from ui.inspect_evaluate import Job, evaluate_all, views_input
from ui.looks import looks_sentence
from ui.services import library
from ui.smallest import smallest_seen
from ui.words import percent, plain


def show_checkpoints(entry: RunEntry) -> None:
    """The table, best against last, and the way to further figures."""
    status = entry.status
    assert status is not None
    rows = checkpoint_rows(entry.run, status)
    if not rows:
        st.info("This run keeps no checkpoint; resume or extend it to make one.", icon=":material/info:")
        return
    st.dataframe(
        checkpoint_table(rows, counted=not entry.run.read_looks()[1]),
        hide_index=True,
        key="inspect_checkpoints",
        column_config={
            "Val": st.column_config.NumberColumn(
                format="%.1f %%", help="As training measured it; it chose the best epoch"
            ),
            "Val, TTA": st.column_config.TextColumn(
                help="The newest vote on val; in brackets how many views"
            ),
            "Test": st.column_config.TextColumn(
                help="The newest look; in brackets which of all looks it was"
            ),
            "Test, TTA": st.column_config.TextColumn(
                help="The newest look with TTA; in brackets how many views, and which of all looks it was"
            ),
            "Looks at test": st.column_config.NumberColumn(help="How often these weights were tested"),
        },
    )
    st.markdown(f":gray[{looks_sentence(entry.run)}]")
    _show_best_against_last(entry)
    _show_form(entry, rows)


def checkpoint_table(rows: Sequence[CheckpointRow], *, counted: bool = True) -> pd.DataFrame:
    """One row per checkpoint, as a person reads it. `counted`: whether it is known how often they were
    looked at."""
    averaged = any(row.averaged for row in rows)
    table = pd.DataFrame(
        {
            "Epoch": [row.epoch for row in rows],
            "Kept as": [_kept_as(row) for row in rows],
            "Weights": ["EMA" if row.averaged else "raw" for row in rows],
            "Val": [None if row.val is None else row.val * 100 for row in rows],
            "Val, TTA": [_tta_words(row.val_tta) for row in rows],
            "Test": [
                f"{percent(row.test.look.accuracy)} (look {row.test.number})" if row.test else "–"
                for row in rows
            ],
            "Test, TTA": [
                _tta_words(row.test_tta.look, f", look {row.test_tta.number}") if row.test_tta else "–"
                for row in rows
            ],
            "Looks at test": [len(row.test_looks) if counted else None for row in rows],
        }
    )
    return table if averaged else table.drop(columns="Weights")


def _kept_as(row: CheckpointRow) -> str:
    return ", ".join(word for word, said in (("best", row.is_best), ("last", row.is_last)) if said) or "kept"


def _tta_words(look: Look | None, more: str = "") -> str:
    if look is None or look.tta_accuracy is None:
        return "–"
    views = f"{look.tta_views} view{'' if look.tta_views == 1 else 's'}"
    return f"{percent(look.tta_accuracy)} ({views}{more})"


def _show_best_against_last(entry: RunEntry) -> None:
    status = entry.status
    assert status is not None
    if status.best is None:
        return
    if status.best.epoch == status.epoch:
        st.markdown("The last epoch is the best one so far.")
        return
    said, smallest = [], []
    splits: tuple[Split, ...] = ("val", "test")
    for split in splits:
        found = last_against_best(entry.run, status, split)
        if found is None:
            continue
        bias = " (the best epoch was chosen by these images, which flatters it)" if split == "val" else ""
        said.append(f"on {found.n:,} {split} images {figures(found)}{bias}")
        smallest.append(smallest_seen(found, split))
    if said:
        sentence = "; ".join(said)
        st.markdown(
            f"**Last against best** (epoch {status.epoch} against {status.best.epoch}): {plain(sentence)}."
        )
        st.caption(plain(" ".join(smallest)))


def _show_form(entry: RunEntry, rows: Sequence[CheckpointRow]) -> None:
    status = entry.status
    assert status is not None
    try:
        counts = library().open(status.dataset).info.counts
    except PlateauError as error:
        st.warning(
            plain(f"{error} Checkpoints cannot be evaluated without it; import it again."),
            icon=":material/photo_library:",
        )
        return
    known: tuple[EvaluatedSplit, ...] = ("val", "test")
    splits = [split for split in known if counts.get(split)]
    st.markdown("**Evaluate**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _choose_jobs(entry, rows)
        split = st.segmented_control(
            "Split",
            splits,
            default=splits[0] if splits else None,
            required=bool(splits),
            format_func=lambda name: f"{name} · {counts[name]:,}",
            key=f"inspect_split_{entry.id}",
            help="val steers decisions; test is for the end. Each look at test is counted with the run.",
        )
        views = views_input(f"inspect_views_{entry.id}")
        asked = st.button(
            "Evaluate",
            type="primary",
            icon=":material/analytics:",
            key="inspect_evaluate",
            disabled=not chosen or not split,
        )
    if asked and chosen and split:
        evaluate_all(entry.run, chosen, split, views)


def _choose_jobs(entry: RunEntry, rows: Sequence[CheckpointRow]) -> list[Job]:
    jobs = {f"{row.epoch}{' ema' if row.averaged else ''}": row for row in rows}
    chosen = st.multiselect(
        "Checkpoints",
        list(jobs),
        default=[name for name, row in jobs.items() if (row.is_best or row.is_last) and not row.averaged],
        format_func=lambda name: (
            f"{_kept_as(jobs[name])}, epoch {jobs[name].epoch}{', EMA' if jobs[name].averaged else ''}"
        ),
        key=f"inspect_jobs_{entry.id}",
        width=380,
    )
    return [Job(jobs[name].epoch, jobs[name].averaged) for name in chosen]
