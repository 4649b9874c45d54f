"""AdamW."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from torch import nn
from torch.optim import AdamW, Optimizer

from core.optim.optimizer import OptimizerSpec
from core.spec import setting


class AdamWSpec(OptimizerSpec):
    """Adam with weight decay applied to the weights, not to the gradient (Loshchilov and Hutter,
    2019). Source: torch.optim.AdamW."""

    label: ClassVar[str] = "AdamW"
    kind: Literal["adamw"] = "adamw"
    lr: float = setting(0.001, label="Learning rate", gt=0, le=100, step=0.0001)
    """How far a step moves the weights. Schedulers start from this value."""
    beta1: float = setting(0.9, label="Beta 1", ge=0, lt=1, step=0.01, level="expert")
    """Decay of the running mean of the gradient."""
    beta2: float = setting(0.999, label="Beta 2", ge=0, lt=1, step=0.001, level="expert")
    """Decay of the running mean of the squared gradient."""
    eps: float = setting(1e-8, label="Epsilon", gt=0, le=1, level="expert")
    """Keeps the division by the squared gradient's mean finite."""
    weight_decay: float = setting(0.01, label="Weight decay", ge=0, le=1, step=0.0001)
    """Share of each weight that is taken off per unit of learning rate."""

    def build(
        self, parameters: Iterable[nn.Parameter], *, fused: bool | None = None, capturable: bool = False
    ) -> Optimizer:
        return AdamW(
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
