"""What the trainer writes down of the loop's events: rows, what the status says, a checkpoint's card."""

from collections.abc import Mapping
from typing import Any

from core.data import DatasetInfo
from core.recipe import Recipe, Statistics
from core.runs.rows import Row
from core.runs.status import Best, Last, Live, Status
from core.train import Card, CheckpointReady, EpochEnded, Progress


def live_of(event: Progress) -> Live:
    """What the status says inside an epoch."""
    return Live(
        epoch=event.epoch,
        step=event.step,
        steps=event.steps,
        phase=event.phase,
        train_loss=event.train_loss,
        train_accuracy=event.train_accuracy,
        lr=event.lr,
        images_per_s=event.images_per_s,
    )


def step_row(event: Progress) -> Row:
    """A row of steps.jsonl."""
    return {
        "epoch": event.epoch,
        "position": round(event.position, 4),
        "lr": event.lr,
        "train/loss": event.train_loss,
        "train/accuracy": event.train_accuracy,
        "images_per_s": round(event.images_per_s, 1),
    }


def epoch_row(event: EpochEnded, elapsed_s: float) -> Row:
    """A row of epochs.jsonl."""
    row: Row = {
        "epoch": event.epoch,
        "lr": event.lr,
        "train/loss": event.train_loss,
        "train/accuracy": event.train_accuracy,
        "train/clean_accuracy": event.clean_train_accuracy,
        "train/clean_loss": event.clean_train_loss,
        "val/loss": event.val_loss,
        "val/accuracy": event.val_accuracy,
        "seconds": round(event.seconds, 3),
        "elapsed_s": round(elapsed_s, 3),
        "images_per_s": round(event.images_per_s, 1),
    }
    if event.ema_val_accuracy is not None and event.ema_val_loss is not None:
        row |= {"val/ema_loss": event.ema_val_loss, "val/ema_accuracy": event.ema_val_accuracy}
    return row


def take_row(status: Status, row: Mapping[str, Any]) -> None:
    """Let the status follow a row of epochs.jsonl."""
    val = row["val/accuracy"]
    status.last = Last(
        epoch=int(row["epoch"]),
        val_accuracy=val,
        train_accuracy=row["train/accuracy"],
        clean_train_accuracy=row["train/clean_accuracy"],
        val_loss=row["val/loss"],
        lr=row["lr"],
    )
    if status.best is None or val > status.best.val_accuracy:
        gap = row["train/clean_accuracy"] - val
        status.best = Best(epoch=int(row["epoch"]), val_accuracy=val, gap=gap)
    status.elapsed_s = row["elapsed_s"]


def card_of(
    run_id: str,
    event: CheckpointReady,
    recipe: Recipe,
    info: DatasetInfo,
    statistics: Statistics,
    channels: int,
) -> Card:
    """What a checkpoint of this epoch says of itself."""
    return Card(
        run=run_id,
        epoch=event.epoch,
        val_accuracy=event.val_accuracy,
        recipe=recipe.model_dump(mode="json"),
        classes=info.classes,
        mean=statistics[0],
        std=statistics[1],
        image_size=info.image_size,
        channels=channels,
        resize=info.resize,
        dataset=info.name,
        dataset_fingerprint=info.fingerprint,
    )
