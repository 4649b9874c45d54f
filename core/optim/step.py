"""Drops every so many epochs."""

from typing import ClassVar, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, StepLR

from core.optim.scheduler import SchedulerSpec
from core.spec import setting


class StepSpec(SchedulerSpec):
    """The learning rate is multiplied by gamma every `step_size` epochs. Source:
    torch.optim.lr_scheduler.StepLR."""

    label: ClassVar[str] = "StepLR"
    kind: Literal["step"] = "step"
    step_size: int = setting(10, label="Step size", unit="epochs", ge=1, le=100_000)
    """Epochs between two drops."""
    gamma: float = setting(0.1, label="Gamma", gt=0, le=1, step=0.05)
    """What each drop multiplies the learning rate by."""

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler:
        return StepLR(optimizer, step_size=self.step_size, gamma=self.gamma)

    def warnings(self, epochs: int) -> list[str]:
        if self.step_size < epochs:
            return []
        return [f"The first drop comes after {self.step_size} epochs, at or beyond the end of the run."]
