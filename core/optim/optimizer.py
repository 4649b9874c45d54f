"""What all optimizers share."""

from collections.abc import Iterable

from torch import nn
from torch.optim import Optimizer

from core.spec import Spec, setting


class OptimizerSpec(Spec):
    """A choice of optimizer; `build` gives torch's own, with torch's own defaults elsewhere."""

    lr: float = setting(0.1, label="Learning rate", gt=0, le=100, step=0.001)
    """How far a step moves the weights. Schedulers start from this value."""

    def build(
        self, parameters: Iterable[nn.Parameter], *, fused: bool | None = None, capturable: bool = False
    ) -> Optimizer:
        """The optimizer over these parameters; `fused` picks torch's fused kernel where there is one,
        `capturable` keeps its counters on the GPU, so that a CUDA graph may hold a step."""
        raise NotImplementedError

    @property
    def cycles_momentum(self) -> bool:
        """Whether there is a momentum that OneCycleLR can cycle."""
        return False
