"""Drops at given epochs."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from core.optim.scheduler import SchedulerSpec
from core.spec import setting


class MultiStepSpec(SchedulerSpec):
    """The learning rate is multiplied by gamma after each milestone. Source:
    torch.optim.lr_scheduler.MultiStepLR."""

    label: ClassVar[str] = "MultiStepLR"
    kind: Literal["multi_step"] = "multi_step"
    milestones: tuple[int, ...] = setting((30, 45), label="Milestones", unit="epochs", min_length=1)
    """After how many epochs it drops, in growing order; with a warm-up, counted from its end."""
    gamma: float = setting(0.1, label="Gamma", gt=0, le=1, step=0.05)
    """What each drop multiplies the learning rate by."""

    @model_validator(mode="after")
    def _growing(self) -> Self:
        if any(m < 1 for m in self.milestones):
            raise ValueError("milestones must be epochs from 1 on; remove the others")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("milestones must grow, each named once; sort them")
        return self

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler:
        return MultiStepLR(optimizer, milestones=list(self.milestones), gamma=self.gamma)

    def warnings(self, epochs: int) -> list[str]:
        late = [m for m in self.milestones if m >= epochs]
        if not late:
            return []
        names = ", ".join(map(str, late))
        return [
            f"Milestone {names} is at or beyond the end of the schedule's {epochs} epochs: it does nothing."
        ]
