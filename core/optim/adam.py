"""Adam."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from torch import nn
from torch.optim import Adam, Optimizer

from core.optim.optimizer import OptimizerSpec
from core.spec import setting


class AdamSpec(OptimizerSpec):
    """Steps scaled per weight by the size of recent gradients (Kingma and Ba, 2015). Source:
    torch.optim.Adam."""

    label: ClassVar[str] = "Adam"
    kind: Literal["adam"] = "adam"
    lr: float = setting(0.001, label="Learning rate", gt=0, le=100, step=0.0001)
    """How far a step moves the weights. Schedulers start from this value."""
    beta1: float = setting(0.9, label="Beta 1", ge=0, lt=1, step=0.01, level="expert")
    """Decay of the running mean of the gradient."""
    beta2: float = setting(0.999, label="Beta 2", ge=0, lt=1, step=0.001, level="expert")
    """Decay of the running mean of the squared gradient."""
    eps: float = setting(1e-8, label="Epsilon", gt=0, le=1, level="expert")
    """Keeps the division by the squared gradient's mean finite."""
    weight_decay: float = setting(0.0, label="Weight decay", ge=0, le=1, step=0.0001)
    """L2 penalty added to the gradient; AdamW decays the weights themselves instead."""

    def build(
        self, parameters: Iterable[nn.Parameter], *, fused: bool | None = None, capturable: bool = False
    ) -> Optimizer:
        return Adam(
            parameters,
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            weight_decay=self.weight_decay,
            capturable=capturable,
            fused=fused,
        )

    @property
    def cycles_momentum(self) -> bool:
        return True
