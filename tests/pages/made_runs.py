"""Run folders without training: what a page needs to show runs in any state."""

import math
from pathlib import Path
from typing import Any

from core.data import DatasetInfo
from core.recipe import Recipe, recipe_from_draft
from core.runs import Run, RunStore, Status
from core.runs.rows import append_row
from core.runs.status import Best, Last, Live, write_status

HOSTILE = "![x](http://evil/x.png) **b** $x$ <b>"
"""A name that must never be taken for Markdown."""


def data_info(name: str = "shapes") -> DatasetInfo:
    """A data set that is known by its description only."""
    return DatasetInfo(
        name=name,
        classes=("circle", "square"),
        image_size=32,
        channels=3,
        counts={"train": 160, "val": 20, "test": 20, "unlabelled": 0},
        class_counts={"train": (80, 80), "val": (10, 10), "test": (10, 10)},
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        resize="crop",
        source={},
        options={},
        fingerprint=f"pixels of {name}",
        split_fingerprint=f"split of {name}",
        warnings=(),
        created_at="2026-09-01T12:00:00+00:00",
        skipped=(),
    )


def recipe(**settings: Any) -> Recipe:
    """A small recipe; `data`, `epochs`, `optimizer` and so on replace its parts."""
    draft: dict[str, Any] = {
        "data": {"name": "shapes"},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 8},
        "batch_size": 32,
        "epochs": 10,
    }
    return recipe_from_draft(draft | settings)


def epoch_row(epoch: int, epochs: int, level: float = 0.6) -> dict[str, Any]:
    """A plausible epoch: val rises to `level`, then train leaves it behind."""
    share = epoch / epochs
    val = level * (1 - math.exp(-5 * share)) - 0.04 * max(0.0, share - 0.7)
    val += 0.012 * math.sin(epoch * 2.3)
    clean = level * (1 - math.exp(-4 * share)) + 0.25 * share
    return {
        "epoch": epoch,
        "lr": 0.05 * (1 + math.cos(math.pi * (epoch - 1) / epochs)),
        "train/loss": 2.2 * math.exp(-2 * share) + 0.1,
        "train/accuracy": min(1.0, clean - 0.06),
        "train/clean_accuracy": min(1.0, clean),
        "train/clean_loss": 2.0 * math.exp(-2 * share) + 0.1,
        "val/loss": 2.2 * math.exp(-1.6 * share) + 0.3 * share**2 + 0.2,
        "val/accuracy": val,
        "seconds": 2.5,
        "elapsed_s": 2.5 * epoch,
        "images_per_s": 3400.0,
    }


def make_run(
    store: RunStore,
    *,
    state: str = "finished",
    done: int | None = None,
    level: float = 0.6,
    name: str = "",
    info: DatasetInfo | None = None,
    parent: str | None = None,
    hypothesis: str = "",
    message: str = "",
    hint: str = "",
    settings: dict[str, Any] | None = None,
    averaged: bool = False,
) -> Run:
    """A run's folder with `done` epochs (all of them where None), in the given state.

    An `averaged` one has evaluated the average of its weights too.
    """
    info = info or data_info()
    chosen = recipe(**({"data": {"name": info.name}} | (settings or {})))
    waits = state == "queued"
    run = store.create(chosen, info, name=name, hypothesis=hypothesis, parent=parent, queue=waits)
    status = run.status()
    epochs = chosen.epochs
    for epoch in range(1, (0 if waits else epochs if done is None else done) + 1):
        row = epoch_row(epoch, epochs, level)
        if averaged:
            row |= {"val/ema_accuracy": row["val/accuracy"] + 0.03, "val/ema_loss": row["val/loss"] - 0.1}
        add_epoch(run, status, row)
    status.state, status.message, status.hint = state, message, hint  # type: ignore[assignment]
    status.device, status.precision = "CPU", "fp32: no bf16"
    write_status(run.folder, status, durable=False)
    return run


def add_epoch(run: Run, status: Status, row: dict[str, Any]) -> None:
    """What the trainer leaves after an epoch."""
    append_row(run.folder / "epochs.jsonl", row)
    status.epoch = row["epoch"]
    status.elapsed_s, status.images_per_s = row["elapsed_s"], row["images_per_s"]
    status.last = Last(
        epoch=row["epoch"],
        val_accuracy=row["val/accuracy"],
        train_accuracy=row["train/accuracy"],
        clean_train_accuracy=row["train/clean_accuracy"],
        val_loss=row["val/loss"],
        lr=row["lr"],
    )
    if status.best is None or row["val/accuracy"] > status.best.val_accuracy:
        gap = row["train/clean_accuracy"] - row["val/accuracy"]
        status.best = Best(epoch=row["epoch"], val_accuracy=row["val/accuracy"], gap=gap)


def move_inside(run: Run, status: Status, step: int, steps: int = 20) -> None:
    """What the trainer leaves inside an epoch."""
    status.live = Live(
        epoch=status.epoch + 1,
        step=step,
        steps=steps,
        phase="training",
        train_loss=1.2,
        train_accuracy=0.4,
        lr=0.05,
        images_per_s=3300.0,
    )
    row = {
        "epoch": status.epoch + 1,
        "position": status.epoch + step / steps,
        "lr": 0.05,
        "train/loss": 1.2,
        "train/accuracy": 0.4,
    }
    append_row(run.folder / "steps.jsonl", row)
    write_status(run.folder, status, durable=False)


def store_in(folder: Path) -> RunStore:
    """The store that the pages see when PLATEAU_RUNS names this folder."""
    return RunStore(folder)
