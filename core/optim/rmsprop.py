"""RMSprop."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from torch import nn
from torch.optim import Optimizer, RMSprop

from core.optim.optimizer import OptimizerSpec
from core.spec import setting


class RMSpropSpec(OptimizerSpec):
    """Steps divided by a running mean of the gradient's size (Tieleman and Hinton, 2012); what
    MobileNetV3 and EfficientNet were trained with. Source: torch.optim.RMSprop."""

    label: ClassVar[str] = "RMSprop"
    kind: Literal["rmsprop"] = "rmsprop"
    lr: float = setting(0.001, label="Learning rate", gt=0, le=100, step=0.0001)
    """How far a step moves the weights. Schedulers start from this value."""
    alpha: float = setting(0.99, label="Alpha", ge=0, lt=1, step=0.01, level="expert")
    """Decay of the running mean of the squared gradient."""
    eps: float = setting(1e-8, label="Epsilon", gt=0, le=1, level="expert")
    """Keeps the division by the squared gradient's mean finite."""
    momentum: float = setting(0.0, label="Momentum", ge=0, lt=1, step=0.05)
    """Share of the last step's direction that is kept."""
    centered: bool = setting(False, label="Centered", level="expert")
    """Divide by the gradient's standard deviation instead of its root mean square."""
    weight_decay: float = setting(0.0, label="Weight decay", ge=0, le=1, step=0.0001)
    """L2 penalty added to the gradient."""

    def build(
        self, parameters: Iterable[nn.Parameter], *, fused: bool | None = None, capturable: bool = False
    ) -> Optimizer:
        # torch has no fused RMSprop.
        return RMSprop(
            parameters,
            lr=self.lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
            weight_decay=self.weight_decay,
            capturable=capturable,
        )

    @property
    def cycles_momentum(self) -> bool:
        return self.momentum > 0
