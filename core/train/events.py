"""What a training loop tells whoever drives it."""

from dataclasses import dataclass, field

import torch

from core.train.evaluate import Outcomes


@dataclass(frozen=True)
class Progress:
    """Inside an epoch, a few times a second."""

    epoch: int
    """The epoch that is under way, from 1."""
    step: int
    steps: int
    lr: float
    train_loss: float
    """Mean over the epoch so far."""
    train_accuracy: float
    images_per_s: float
    phase: str = "training"
    """'training' or 'evaluating'."""

    @property
    def position(self) -> float:
        """Epochs done, with the fraction of this one."""
        return self.epoch - 1 + self.step / self.steps


@dataclass(frozen=True)
class Notice:
    """Something that a person should know about how the run computes."""

    text: str


@dataclass(frozen=True)
class EpochEnded:
    """An epoch with its evaluation is done. Accuracies are fractions of 1."""

    epoch: int
    lr: float
    """That of the epoch's last optimizer step."""
    train_loss: float
    train_accuracy: float
    """In training mode, on augmented images, while the weights move."""
    clean_train_accuracy: float
    """In evaluation mode, on a fixed subset without augmentation."""
    clean_train_loss: float
    val_loss: float
    val_accuracy: float
    seconds: float
    """This epoch's own time, evaluation included."""
    images_per_s: float
    """Training images per second, evaluation left out."""
    ema_val_loss: float | None = None
    ema_val_accuracy: float | None = None
    """Of the averaged weights, where the recipe asks for an average."""

    def metrics(self) -> dict[str, float]:
        """What a scheduler can monitor."""
        return {
            "val/accuracy": self.val_accuracy,
            "val/loss": self.val_loss,
            "train/loss": self.train_loss,
        }


@dataclass(frozen=True)
class Resume:
    """All that a loop needs to go on after an epoch; tensors are copies on the CPU, free to keep."""

    epoch: int
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    """The optimizer's state, flattened: '<parameter's number>.<name>'."""
    history: list[dict[str, float]]
    """The metrics of every epoch so far, which a schedule replays."""
    averaged: dict[str, torch.Tensor] = field(default_factory=dict)
    """The averaged weights; empty where the recipe asks for none."""


@dataclass(frozen=True)
class CheckpointReady:
    """The state after an epoch."""

    epoch: int
    val_accuracy: float
    is_best: bool
    state: Resume
    val_outcomes: Outcomes


@dataclass(frozen=True)
class Stopped:
    """The loop ended before its last epoch because somebody asked; always the last event."""

    epoch: int
    """The last whole epoch."""


Event = Progress | Notice | EpochEnded | CheckpointReady | Stopped
