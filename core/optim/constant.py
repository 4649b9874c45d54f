"""No scheduler."""

from typing import ClassVar, Literal

from torch.optim import Optimizer

from core.optim.scheduler import SchedulerSpec


class ConstantSpec(SchedulerSpec):
    """The learning rate stays as it is. Source: a plain loop without a scheduler."""

    label: ClassVar[str] = "None (constant)"
    kind: Literal["none"] = "none"

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> None:
        return None
