"""Cosine annealing."""

from typing import ClassVar, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from core.optim.scheduler import SchedulerSpec
from core.spec import setting


class CosineSpec(SchedulerSpec):
    """The learning rate follows half a cosine down to its minimum (Loshchilov and Hutter, 2017).
    Past T_max it climbs back up. Source: torch.optim.lr_scheduler.CosineAnnealingLR."""

    label: ClassVar[str] = "CosineAnnealingLR"
    kind: Literal["cosine"] = "cosine"
    t_max: int | None = setting(None, label="T_max", unit="epochs", ge=1, le=100_000)
    """Epochs from the top to the bottom; empty: as long as the run (after its warm-up)."""
    eta_min: float = setting(0.0, label="Lowest lr", ge=0, le=100, level="expert")
    """The learning rate at the bottom (eta_min)."""

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler:
        return CosineAnnealingLR(optimizer, T_max=self.t_max or max(1, steps), eta_min=self.eta_min)
