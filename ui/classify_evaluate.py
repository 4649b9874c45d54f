"""A checkpoint on a whole split: the figure, how often it was looked at, and every look before."""

from typing import Any

import pandas as pd
import streamlit as st

from core.classify import EvaluatedSplit, evaluate_run
from core.runs import Look, Run
from ui.classify_choice import Choice, one_thread_while_training
from ui.classify_progress import cancellable
from ui.links import go
from ui.looks import looks_sentence
from ui.services import library
from ui.words import moment, percent, plain, points

_RESULT = "classify_look"


def show_evaluation(choice: Choice) -> None:
    """The button, the result, and the looks so far."""
    counts = library().open(choice.predictor.card.dataset).info.counts
    splits: list[EvaluatedSplit] = [split for split in ("val", "test") if counts.get(split)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split",
            splits,
            default=splits[0] if splits else None,
            required=bool(splits),
            format_func=lambda name: f"{name} · {counts[name]:,}",
            key=f"classify_split_{choice.run.id}",
            help="val steers decisions; test is for the end. Each look at test is counted with the run.",
        )
        asked = st.button("Evaluate", type="primary", icon=":material/analytics:", key="classify_evaluate")
        words_box = st.empty()
    if asked and split:
        _evaluate(choice, split)
    if split == "test" and not choice.run.read_looks()[1]:  # a problem is said below, whatever the split
        words_box.markdown(f":gray[{looks_sentence(choice.run)}]")
    _show_result(choice)
    _show_looks(choice.run)


def _evaluate(choice: Choice, split: EvaluatedSplit) -> None:
    with cancellable(f"Classifying the {split} images") as progress, one_thread_while_training():
        look = evaluate_run(
            choice.run,
            library(),
            choice.predictor.compute,
            checkpoint=choice.checkpoint,
            split=split,
            views=choice.views,
            averaged=choice.averaged,
            progress=progress,
        )
    st.session_state[_RESULT] = {"run": choice.run.id, "look": look.model_dump()}


def _show_result(choice: Choice) -> None:
    kept: dict[str, Any] | None = st.session_state.get(_RESULT)
    if not kept or kept["run"] != choice.run.id:
        return
    look = Look.model_validate(kept["look"])
    number = sum(item.split == "test" and item.at <= look.at for item in choice.run.looks())
    with st.container(border=True):
        looked = f" This is look number {number} at the test split." if look.split == "test" else ""
        weights = ", averaged weights (EMA)," if look.averaged else ""
        st.markdown(
            f"**Epoch {look.checkpoint_epoch}{weights} on {look.images:,} {look.split} images.**{looked}"
        )
        with st.container(horizontal=True, gap="large"):
            _show_figures(look)
        if st.button(
            "By class, by image, by view",
            icon=":material/troubleshoot:",
            key="classify_inspect",
            type="tertiary",
        ):
            go(
                "inspect",
                run=choice.run.id,
                epoch=str(look.checkpoint_epoch),
                split=look.split,
                weights="ema" if look.averaged else "",
                view="tta" if look.tta_views else "classes",
            )


def _show_figures(look: Look) -> None:
    st.metric(
        "Accuracy", percent(look.accuracy), width="content", help="Share of images classified correctly."
    )
    st.metric("Loss", f"{look.loss:.3f}", width="content", help="Mean cross entropy.")
    if look.tta_views is None or look.tta_accuracy is None:
        return
    changed = look.tta_accuracy != look.accuracy
    st.metric(
        f"With TTA, {look.tta_views} views",
        percent(look.tta_accuracy),
        points(look.tta_accuracy - look.accuracy),
        delta_color="normal" if changed else "off",
        delta_arrow="auto" if changed else "off",
        width="content",
        help="By majority vote.",
    )
    st.metric("TTA fixes", look.fixed, width="content", help="Images that only TTA classifies correctly.")
    st.metric(
        "TTA breaks",
        look.broken,
        width="content",
        help="Images that only the plain answer classifies correctly.",
    )


def _show_looks(run: Run) -> None:
    looks, problem = run.read_looks()
    if problem:
        st.warning(plain(problem), icon=":material/broken_image:")
    elif not looks:
        st.caption("No evaluation of this run yet.")
    if not looks:
        return
    st.markdown(f"**Looks so far** :gray[{len(looks)}]")
    rows = pd.DataFrame(
        {
            "When (UTC)": [moment(look.at) for look in reversed(looks)],
            "Split": [look.split for look in reversed(looks)],
            "Epoch": [look.checkpoint_epoch for look in reversed(looks)],
            "Weights": ["EMA" if look.averaged else "raw" for look in reversed(looks)],
            "Images": [look.images for look in reversed(looks)],
            "Accuracy": [look.accuracy * 100 for look in reversed(looks)],
            "Loss": [look.loss for look in reversed(looks)],
            "TTA views": [look.tta_views for look in reversed(looks)],
            "With TTA": [
                None if look.tta_accuracy is None else look.tta_accuracy * 100 for look in reversed(looks)
            ],
            "Fixed": [look.fixed for look in reversed(looks)],
            "Broken": [look.broken for look in reversed(looks)],
        }
    )
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Accuracy": st.column_config.NumberColumn(format="%.1f %%"),
            "With TTA": st.column_config.NumberColumn(format="%.1f %%", help="By majority vote"),
            "Weights": st.column_config.Column(
                help="raw: as trained; EMA: the moving average of the weights"
            ),
            "Loss": st.column_config.NumberColumn(format="%.3f"),
            "Images": st.column_config.NumberColumn(format="localized"),
            "Fixed": st.column_config.Column(help="Images that only TTA classifies correctly"),
            "Broken": st.column_config.Column(help="Images that only the plain answer classifies correctly"),
        },
    )
