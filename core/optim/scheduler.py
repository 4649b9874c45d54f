"""What all schedulers share."""

from typing import ClassVar, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from core.spec import Spec, setting


class SchedulerSpec(Spec):
    """A choice of learning-rate scheduler; `build` gives torch's own."""

    unit: ClassVar[Literal["epoch", "step"]] = "epoch"
    """How often torch's scheduler is stepped: after each epoch, or after each optimizer step."""

    def build(self, optimizer: Optimizer, *, steps: int, cycle_momentum: bool) -> LRScheduler | None:
        """torch's scheduler for a run of `steps` units (without the warm-up); None for a constant lr."""
        raise NotImplementedError

    def warnings(self, epochs: int) -> list[str]:
        """What a person should know about these settings in so many epochs (without the warm-up)."""
        return []


class Warmup(Spec):
    """A linear climb to the learning rate, in front of the scheduler; the scheduler begins when
    it ends. Source: torch.optim.lr_scheduler.LinearLR and SequentialLR."""

    epochs: int = setting(0, label="Warm-up", unit="epochs", ge=0, le=1000)
    """Length of the climb; 0 for none."""
    start_factor: float = setting(0.1, label="Warm-up starts at", unit="× lr", gt=0, le=1, step=0.05)
    """The first learning rate, as a share of the full one."""
