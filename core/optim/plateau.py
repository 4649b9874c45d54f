"""Drops when a metric stops improving."""

from typing import ClassVar, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from core.optim.scheduler import SchedulerSpec
from core.spec import setting

Monitor = Literal["val/accuracy", "val/loss", "train/loss"]


class PlateauSpec(SchedulerSpec):
    """The learning rate is multiplied by `factor` when the monitored metric has not improved for
    more than `patience` epochs. Source: torch.optim.lr_scheduler.ReduceLROnPlateau."""

    label: ClassVar[str] = "ReduceLROnPlateau"
    kind: Literal["plateau"] = "plateau"
    monitor: Monitor = setting("val/accuracy", label="Monitor")
    """The metric that must improve."""
    mode: Literal["max", "min"] = setting("max", label="Mode")
    """Whether better is higher ('max', for an accuracy) or lower ('min', for a loss)."""
    factor: float = setting(0.1, label="Factor", gt=0, lt=1, step=0.05)
    """What each drop multiplies the learning rate by."""
    patience: int = setting(10, label="Patience", unit="epochs", ge=0, le=100_000)
    """Epochs without improvement that are tolerated; the next one drops."""
    threshold: float = setting(1e-4, label="Threshold", ge=0, lt=1, level="expert")
    """The smallest change that counts as an improvement."""
    threshold_mode: Literal["rel", "abs"] = setting("rel", label="Threshold is", level="expert")
    """Relative to the best value so far ('rel'), or a plain difference ('abs')."""
    cooldown: int = setting(0, label="Cooldown", unit="epochs", ge=0, le=100_000, level="expert")
    """Epochs after a drop in which nothing is counted."""
    min_lr: float = setting(0.0, label="Lowest lr", ge=0, le=100, level="expert")
    """Drops end here."""

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler:
        return ReduceLROnPlateau(
            optimizer,
            mode=self.mode,
            factor=self.factor,
            patience=self.patience,
            threshold=self.threshold,
            threshold_mode=self.threshold_mode,
            cooldown=self.cooldown,
            min_lr=self.min_lr,
        )

    def warnings(self, epochs: int) -> list[str]:
        if (self.monitor == "val/accuracy") == (self.mode == "max"):
            return []
        better = "higher" if self.monitor == "val/accuracy" else "lower"
        return [
            f"Mode '{self.mode}' with {self.monitor}: {better} is better there, so the learning rate "
            "would drop while the run improves."
        ]
