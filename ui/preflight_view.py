"""What a run will do, beside the form: its learning rate, its images, its network, its time, and
what differs from the run that it was cloned from. Always of the form's present values."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
import torch

from core.augment import augment
from core.data import DatasetInfo
from core.errors import PlateauError
from core.models.summary import Stage, totals
from core.optim import PlateauSpec
from core.recipe import Recipe, differences
from core.recipe.words import change_words, field_words
from core.runs import ACTIVE
from core.train import (
    channels_for,
    derive_seed,
    generator_for,
    measure,
    resolve_compute,
    steps_per_epoch,
    to_device,
    to_float,
)
from ui.charts import spec_of
from ui.form_checks import LR_FIELDS, Checked, lr_preview, recipe_key
from ui.pixels import grid_png
from ui.problems import told
from ui.services import library, store
from ui.words import count, duration, plain, short_count, size

SAMPLES = 8
SHEET_WIDTH = 416
"""Pixels on the screen that a sheet of samples may take."""
GAP = 2
LOG_FROM = 100
"""A learning rate that falls in steps by this factor in all is drawn on a logarithmic axis."""
STYLE = """<style>
.st-key-samples img { image-rendering: pixelated; }
</style>"""


def show(checked: Checked, info: DatasetInfo | None) -> None:
    """Everything but the changes, from top to bottom."""
    if info:
        show_facts(checked, info)
    if not waits("Learning rate", checked, LR_FIELDS):
        show_lr(checked.usable, info)
    if info and not waits("What the network sees", checked, SAMPLE_FIELDS):
        show_samples(checked.usable, info)
    if info and not waits("Network, stage by stage", checked, ("architecture", "data")):
        show_network(checked, info)


def show_changes(checked: Checked, parent_id: str) -> None:
    """What differs from the run that the draft was cloned from; invalid settings are left out."""
    with told():
        parent = store().get(parent_id)
        before = parent.recipe()
        same = {field: getattr(before, field) for field in checked.broken}
        recipe = checked.usable.model_copy(update=same)
        name = plain(parent.display_name())
        later = " The settings in red come when they are valid." if checked.broken else ""
        if not differences(before, recipe):
            st.caption(f"Cloned from **{name}**: no setting differs yet.{later}")
            return
        rows = [[plain(word) for word in row] for row in change_words(before, recipe)]
        st.markdown(f"**What changed** :gray[since {name}]")
        # A plain table shows all rows and wraps long values, where a grid would cut them off.
        st.table(pd.DataFrame(rows, columns=["Setting", "Before", "Now"]).set_index("Setting"))
        if later:
            st.caption(later.strip())


def show_facts(checked: Checked, info: DatasetInfo) -> None:
    """The size of the run in numbers, and its time once it was measured."""
    recipe = checked.usable
    steps = steps_per_epoch(info.counts.get("train", 0), recipe.batch_size)
    parameters, work = totals(checked.stages)
    known = not checked.broken & {"batch_size"}
    facts = (
        ("Steps per epoch", count(steps) if known else "–"),
        ("Steps in all", count(steps * recipe.epochs) if known and "epochs" not in checked.broken else "–"),
        ("Parameters", short_count(parameters) if checked.stages else "–"),
        ("Multiply-adds", short_count(work) if checked.stages else "–"),
    )
    for column, (label, value) in zip(st.columns(len(facts)), facts, strict=True):
        column.metric(label, value)
    if checked.recipe and checked.stages:
        show_timing(recipe, info)


# ---- time and memory ----


@st.fragment
def show_timing(recipe: Recipe, info: DatasetInfo) -> None:
    """Seconds per epoch, total time and memory, measured when asked."""
    fields = ("data", "architecture", "augmentations", "optimizer", "normalization")
    key = recipe_key(recipe, *fields, "batch_size", "precision", "device") + info.fingerprint
    timings: dict[str, dict[str, Any]] = st.session_state.setdefault("timings", {})
    left, right = st.columns([1, 3], vertical_alignment="center")
    with left:
        clicked = st.button(
            "Time it",
            icon=":material/timer:",
            key="time_it",
            width="stretch",
            help="Trains a few real steps on the device, for about three seconds, and throws them away.",
        )
    with right:
        if clicked and key not in timings:
            with told(), st.spinner("Timing a few steps …"):
                timings[key] = _measure(recipe, info)
        timing = timings.get(key)
        if timing is None:
            st.caption("Seconds per epoch, total time and memory, from a few real steps.")
        else:
            total = duration(timing["epoch_s"] * recipe.epochs)
            st.markdown(
                f"**{duration(timing['epoch_s'])}** per epoch, **{total}** in all, "
                f"**{size(timing['memory'])}** of memory"
            )
    if timing is not None:
        busy = " Another run was training meanwhile: alone it is faster." if timing["busy"] else ""
        st.caption(f"{plain(timing['device'])}; {plain(timing['precision'])}.{busy}")


def _measure(recipe: Recipe, info: DatasetInfo) -> dict[str, Any]:
    entries = store().list()
    busy = any(entry.status and entry.status.state in ACTIVE for entry in entries)
    timing = measure(recipe, library().open(info.name), resolve_compute(recipe.device, recipe.precision))
    return {
        "epoch_s": timing.epoch_s,
        "memory": timing.memory_bytes,
        "device": timing.device,
        "precision": timing.precision,
        "busy": busy,
    }


# ---- learning rate ----


SAMPLE_FIELDS = ("augmentations", "data")


def waits(title: str, checked: Checked, fields: tuple[str, ...]) -> bool:
    """Whether a preview cannot be shown because settings that it depends on are invalid; says so."""
    broken = [name for name in fields if name in checked.broken]
    if broken:
        words = ", ".join(field_words(Recipe, {}, name).lower() for name in broken)
        st.markdown(f"**{title}**")
        st.caption(f"Shown as soon as these are valid: {words}.")
    return bool(broken)


@st.fragment
def show_lr(recipe: Recipe, info: DatasetInfo | None) -> None:
    """The learning rate over all epochs, from the scheduler that will run."""
    st.markdown("**Learning rate**")
    until = None
    if isinstance(recipe.scheduler, PlateauSpec) and recipe.epochs > 1:
        until = st.slider(
            "If nothing improves after epoch",
            1,
            recipe.epochs,
            max(1, recipe.epochs // 3),
            key=f"improves_until-{recipe.epochs}",
            help=f"The scheduler waits for {recipe.scheduler.monitor}; this shows what it does if that stops "
            "improving after this epoch.",
        )
    preview = lr_preview(recipe, info, until)
    rows = pd.DataFrame(preview.points, columns=["epoch", "lr"])
    st.vega_lite_chart(
        rows, _lr_spec(_falls_by_factors(recipe, rows["lr"])), key="lr_preview", width="stretch"
    )
    if until is not None:
        # The launch warns of what happens anyhow; this is what happens if it stops improving here.
        for warning in preview.warnings:
            st.caption(f"If so: {plain(warning)}")


def _falls_by_factors(recipe: Recipe, lrs: "pd.Series[float]") -> bool:
    """Whether the learning rate goes down in steps by a factor, so far that only a logarithmic axis shows
    them all."""
    lowest = float(lrs.min())
    return recipe.scheduler.kind in ("plateau", "step", "multi_step") and 0 < lowest * LOG_FROM <= lrs.max()


@st.cache_data(show_spinner=False)
def _lr_spec(is_log: bool) -> dict[str, Any]:
    scale = alt.Scale(type="log", nice=False) if is_log else alt.Scale()
    chart = (
        alt.Chart(pd.DataFrame({"epoch": [0.0], "lr": [0.0]}))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "epoch:Q",
                title="epochs done",
                scale=alt.Scale(nice=False, zero=True),
                axis=alt.Axis(tickMinStep=1),
            ),
            y=alt.Y(
                "lr:Q",
                title="lr (log scale)" if is_log else "lr",
                scale=scale,
                axis=alt.Axis(format="~g", tickCount=4),
            ),
            tooltip=[
                alt.Tooltip("epoch:Q", title="epochs done", format=".2~f"),
                alt.Tooltip("lr:Q", title="lr", format=".3~g"),
            ],
        )
        .properties(height=150, padding={"left": 0, "right": 4, "top": 6, "bottom": 0})
    )
    return spec_of(chart)


# ---- samples ----


@st.fragment
def show_samples(recipe: Recipe, info: DatasetInfo) -> None:
    """Eight training images at true pixels, each as it is and under several draws."""
    draw = st.session_state.setdefault("samples_draw", 0)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        note = " :gray[first column: as stored]" if recipe.augmentations else ""
        st.markdown(f"**What the network sees**{note}")
        if st.button("Draw again", icon=":material/casino:", type="tertiary", key="draw_again"):
            st.session_state["samples_draw"] = draw = draw + 1
    with told(), st.container(key="samples"):
        sheet = _sheet(recipe_key(recipe, *SAMPLE_FIELDS), info.fingerprint, draw, _recipe=recipe, _info=info)
        st.image(sheet, alt="Training images under several draws of the augmentations", output_format="PNG")
    if not recipe.augmentations:
        st.caption("No augmentations: every epoch shows the network the same pixels.")


@st.cache_data(show_spinner=False, max_entries=50)
def _sheet(settings: str, fingerprint: str, draw: int, _recipe: Recipe, _info: DatasetInfo) -> bytes:
    """One PNG: a row per image, the stored image first, then its draws."""
    dataset = library().open(_info.name)
    train = dataset.indices("train")
    if not len(train):
        raise PlateauError(f"The data set {_info.name} has no training images.")
    rng = np.random.default_rng(derive_seed(draw, "preview-images"))
    chosen = np.sort(rng.permutation(train)[:SAMPLES])
    stored = to_device(dataset.images[chosen], _recipe.data.color, torch.device("cpu"))
    columns, factor = sheet_layout(_info.image_size, augmented=bool(_recipe.augmentations))
    draws = columns - 1 if _recipe.augmentations else 0
    if draws:
        copies = to_float(stored).repeat_interleave(draws, dim=0)
        images = augment(copies, _recipe.augmentations, generator_for(draw, "preview"))
        drawn = images.mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    rows: list[np.ndarray] = []
    for index, image in enumerate(stored.numpy()):
        rows.append(image)
        rows.extend(drawn[index * draws : (index + 1) * draws] if draws else ())
    return grid_png(rows, columns=columns, factor=factor, gap=GAP)


def sheet_layout(image_size: int, *, augmented: bool) -> tuple[int, int]:
    """Columns of the sheet, and the whole factor by which its pixels are enlarged: the largest one
    that leaves room for the stored image and at least four draws (up to six)."""
    fewest, most = (5, 7) if augmented else (4, 4)
    room = SHEET_WIDTH - GAP
    factor = max(1, (room // fewest - GAP) // image_size)
    return max(2, min(most, room // (factor * image_size + GAP))), factor


# ---- the network ----


def show_network(checked: Checked, info: DatasetInfo) -> None:
    """The architecture stage by stage."""
    recipe = checked.usable
    side = getattr(recipe.architecture, "input_size", None) or info.image_size
    channels = channels_for(recipe.data.color, info.channels)
    st.markdown(f"**Network, stage by stage** :gray[an image enters as {channels} × {side} × {side}]")
    if not checked.stages:
        st.caption(f":red[{plain(checked.stages_error)}]" if checked.stages_error else "Not known yet.")
        return
    rows = [
        (s.name, " × ".join(map(str, s.output_shape)), s.parameters, s.multiply_adds) for s in checked.stages
    ]
    table = pd.DataFrame(rows, columns=["Stage", "Output", "Parameters", "Multiply-adds"])
    st.dataframe(
        table,
        hide_index=True,
        height=min(36 + 30 * len(rows), 340),
        row_height=30,
        column_config={
            "Stage": st.column_config.TextColumn(width="small"),
            "Output": st.column_config.TextColumn(help="Channels × height × width", width="small"),
            "Parameters": st.column_config.NumberColumn(format="localized", width="small"),
            "Multiply-adds": st.column_config.NumberColumn(
                format="compact", help="Of convolutions and linear layers, for one image", width="small"
            ),
        },
    )
    parameters, work = totals(checked.stages)
    st.caption(f"{count(parameters)} parameters and {short_count(work)} multiply-adds for one image in all.")
    single = first_single_pixel(checked.stages)
    if single:
        st.markdown(
            f":orange[:material/warning: The feature map is 1 × 1 in {plain(single)}: its convolutions see a "
            "single pixel.] :gray[Keep more of the resolution, or use a larger input.]"
        )


def first_single_pixel(stages: list[Stage]) -> str:
    """The first stage, the pooling in front of the head apart, whose feature map is one pixel."""
    for stage in stages:
        if len(stage.output_shape) == 3 and stage.output_shape[1:] == (1, 1) and stage.multiply_adds:
            return stage.name
    return ""
