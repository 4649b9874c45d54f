"""Evaluating checkpoints from Inspect: what to run, how far it is, and what came out."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.classify import MAX_VIEWS, EvaluatedSplit, compute_for, evaluate_run
from core.data import Progress
from core.runs import Run
from core.train import read_card
from ui.classify_choice import one_thread_while_training
from ui.classify_progress import cancellable
from ui.services import library

DEFAULT_VIEWS = 8


@dataclass(frozen=True)
class Job:
    """One checkpoint to be evaluated."""

    epoch: int
    averaged: bool = False


def views_input(key: str, *, least: int = 0) -> int:
    """How many views vote; 0 for none."""
    return int(
        st.number_input(
            "TTA views",
            min_value=least,
            max_value=MAX_VIEWS,
            value=DEFAULT_VIEWS,
            key=key,
            width=130,
            help=f"How many random views of each image vote, 1 to {MAX_VIEWS}"
            + (", or 0 for no test-time augmentation." if least == 0 else "."),
        )
    )


def evaluate_all(run: Run, jobs: Sequence[Job], split: EvaluatedSplit, views: int) -> None:
    """Evaluate one checkpoint after the other, and draw the page anew with what they left.

    A cancel keeps those that were done, for each of them was a look.
    """
    cancel = "Stop here; nothing is kept of it."
    if len(jobs) > 1:
        cancel = "Stop here; the checkpoints that are done stay evaluated."
    with (
        cancellable("Loading the network", key="inspect_cancel", help_text=cancel) as progress,
        one_thread_while_training(),
    ):
        for number, job in enumerate(jobs, start=1):
            of = f" ({number} of {len(jobs)})" if len(jobs) > 1 else ""
            text = f"Epoch {job.epoch}{', EMA' if job.averaged else ''} on {split}{of}"
            evaluate_run(
                run,
                library(),
                compute_for(read_card(run.checkpoint(job.epoch)).parsed_recipe()),
                checkpoint=job.epoch,
                split=split,
                views=views,
                averaged=job.averaged,
                progress=_telling(progress, text),
            )
    st.rerun()


def _telling(progress: Progress, text: str) -> Progress:
    """The bar's text with what is evaluated before the stage."""
    return lambda stage, done, total: progress(f"{text}: {stage}", done, total)
