"""One cycle up and down."""

from typing import ClassVar, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from core.optim.scheduler import SchedulerSpec
from core.spec import setting


class OneCycleSpec(SchedulerSpec):
    """The learning rate climbs to the optimizer's value, then falls far below its start, stepped
    after every batch (Smith and Topin, 2018). Source: torch.optim.lr_scheduler.OneCycleLR."""

    label: ClassVar[str] = "OneCycleLR"
    kind: Literal["one_cycle"] = "one_cycle"
    unit: ClassVar[Literal["epoch", "step"]] = "step"
    pct_start: float = setting(0.3, label="Climb", unit="share of the run", gt=0, lt=1, step=0.05)
    """The share of the run in which the learning rate climbs (pct_start)."""
    div_factor: float = setting(25.0, label="Start divisor", gt=0, le=1e6, level="expert")
    """First learning rate = the optimizer's / this."""
    final_div_factor: float = setting(1e4, label="Final divisor", gt=0, le=1e12, level="expert")
    """Last learning rate = the first / this."""
    anneal_strategy: Literal["cos", "linear"] = setting("cos", label="Shape", level="expert")
    """Cosine or straight lines."""
    cycle_momentum: bool = setting(True, label="Cycle momentum", level="expert")
    """Let the momentum (Adam: beta 1) move against the learning rate, where the optimizer has one."""
    base_momentum: float = setting(0.85, label="Lowest momentum", ge=0, lt=1, level="expert")
    """The momentum at the highest learning rate."""
    max_momentum: float = setting(0.95, label="Highest momentum", ge=0, lt=1, level="expert")
    """The momentum at the start and the end."""

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler:
        pct_start = self.pct_start
        if pct_start * steps == 1.0:
            # torch divides by the length of the climb less one step, which would be exactly 0.
            pct_start *= 1 + 1e-9
        return OneCycleLR(
            optimizer,
            # A warm-up in front has already lowered group["lr"].
            max_lr=[group.get("initial_lr", group["lr"]) for group in optimizer.param_groups],
            total_steps=max(1, steps),
            pct_start=pct_start,
            anneal_strategy=self.anneal_strategy,
            cycle_momentum=self.cycle_momentum and cycle_momentum,
            base_momentum=self.base_momentum,
            max_momentum=self.max_momentum,
            div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
        )
