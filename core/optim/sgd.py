"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from torch import nn
from torch.optim import SGD, Optimizer

from core.optim.optimizer import OptimizerSpec
from core.spec import setting


class SGDSpec(OptimizerSpec):
    """Stochastic gradient descent with momentum; the usual choice for networks with batch
    normalization trained from scratch. Source: torch.optim.SGD."""

    label: ClassVar[str] = "SGD"
    kind: Literal["sgd"] = "sgd"
    momentum: float = setting(0.9, label="Momentum", ge=0, lt=1, step=0.05)
    """Share of the last step's direction that is kept."""
    nesterov: bool = setting(False, label="Nesterov")
    """Look ahead along the momentum before taking the gradient. Needs a momentum above 0."""
    weight_decay: float = setting(0.0, label="Weight decay", ge=0, le=1, step=0.0001)
    """Pulls all weights towards zero (L2 penalty added to the gradient)."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("Nesterov needs a momentum above 0; raise the momentum or turn Nesterov off")
        return self

    def build(
        self, parameters: Iterable[nn.Parameter], *, fused: bool | None = None, capturable: bool = False
    ) -> Optimizer:
        return SGD(
            parameters,
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            fused=fused,
        )

    @property
    def cycles_momentum(self) -> bool:
        return self.momentum > 0
