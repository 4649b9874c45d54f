"""Dropout, stochastic depth, ShakeDrop and augmentation, naively from their papers and torchvision.

They draw what the layers of core draw, from the same generator in the same order, and share no
arithmetic with them. ShakeDrop's factors are computed in double precision, in which 1 + α − α is 1.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.augment import Augmentation
from core.models import randomness
from core.spec import kind_of
from tests.unit.augment.test_parity import REFERENCE


class _Random(nn.Module):
    """A layer that draws from a generator."""

    generator: torch.Generator | None = None


class Dropout(_Random):
    """Srivastava et al. 2014, in the form that evaluates unscaled: what is kept is divided by its
    probability 1 - p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * (kept / (1 - self.p))


class StochasticDepth(_Random):
    """Huang et al. 2016, arXiv 1603.09382, per image; a branch that is kept is divided by its
    probability 1 - p, as torchvision does."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, f: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return f
        kept = torch.empty(len(f), 1, 1, 1).bernoulli_(1 - self.p, generator=self.generator)
        return f * (kept / (1 - self.p))


class ShakeDrop(_Random):
    """Yamada et al. 2019, arXiv 1802.02375, equation 6: (b + α − bα) f forward and (b + β − bβ) f
    backward, with b of 1 at the probability 1 - `probability`; in evaluation the mean of b + α − bα."""

    def __init__(self, probability: float, alpha: tuple[float, float], beta: tuple[float, float]) -> None:
        super().__init__()
        self.probability, self.alpha, self.beta = probability, alpha, beta

    def forward(self, f: Tensor) -> Tensor:
        if not self.training:
            return f * (1 - self.probability + self.probability * sum(self.alpha) / 2)
        b = torch.empty(()).bernoulli_(1 - self.probability, generator=self.generator).double()
        a, z = (
            torch.empty(len(f), 1, 1, 1).uniform_(*ends, generator=self.generator).double()
            for ends in (self.alpha, self.beta)
        )
        output: Tensor = _Shaken.apply(f, (b + a - b * a).float(), (b + z - b * z).float())
        return output


class _Shaken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, f: Tensor, forwards: Tensor, backwards: Tensor) -> Tensor:
        ctx.backwards = backwards
        return forwards * f

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.backwards * grad, None, None


def use_references(model: nn.Module) -> list[_Random]:
    """Put the layers above into the places of core's in `model`; returns them."""
    put: list[_Random] = []
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, randomness.Dropout):
                put.append(Dropout(child.p))
            elif isinstance(child, randomness.StochasticDepth):
                assert (child.mode, child.scale) == ("row", True)
                put.append(StochasticDepth(child.p))
            elif isinstance(child, randomness.ShakeDrop):
                put.append(ShakeDrop(child.probability, child.alpha, child.beta))
            else:
                continue
            setattr(parent, name, put[-1])
    assert not any(isinstance(layer, randomness.RANDOM_LAYERS) for layer in model.modules())
    return put


def augmented(images: Tensor, augmentations: Sequence[Augmentation], generator: torch.Generator) -> Tensor:
    """The images (N, C, H, W), one by one through torchvision's functions with core's draws."""
    count, _, height, width = images.shape
    for each, drawn in [(each, each.draw(count, height, width, generator)) for each in augmentations]:
        changed = images.clone()
        for i in drawn["active"].nonzero().flatten().tolist():
            mine = {name: values[i] for name, values in drawn.items()}
            changed[i] = REFERENCE[kind_of(each)](each, images[i], mine)
        images = changed
    return images
