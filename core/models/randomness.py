"""The random layers of a network, drawing from a generator that is passed in.

torch's own Dropout, torchvision's StochasticDepth and timm's DropPath draw from the process-wide
random state, which several runs and pages would share. Here each random layer has a `generator`
(a torch.Generator on the layer's device; None means the process-wide one). `own_randomness` puts
these layers in the place of the others and `set_generator` hands them a run's generator.

None of them has parameters, so state dicts stay as they are; with equal generator states Dropout
and StochasticDepth draw what torch's and torchvision's draw. Inside a CUDA graph the generator must
be registered with the graph (`torch.cuda.CUDAGraph.register_generator_state`).
"""

from typing import Any

import torch
from torch import Tensor, nn

from core.vision import torchvision


class Dropout(nn.Dropout):
    """Zeroes each element with probability p and scales the others by 1 / (1 - p).

    Source: Srivastava et al. 2014, 'Dropout'; torch.nn.Dropout. Never in place: the branch that
    feeds it may be needed by autograd, and the product allocates nothing more.
    """

    generator: torch.Generator | None = None

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return input
        return input * _kept(torch.empty_like(input), 1.0 - self.p, self.generator)


class StochasticDepth(nn.Module):
    """Drops a residual branch, per image ('row') or for the whole batch ('batch').

    Source: Huang et al. 2016, arXiv 1603.09382; torchvision.ops.StochasticDepth. With `scale` a
    branch that is kept is divided by its probability, as in torchvision (timm lets one switch it off).
    """

    generator: torch.Generator | None = None

    def __init__(self, p: float, mode: str = "row", scale: bool = True) -> None:
        super().__init__()
        self.p = p
        self.mode = mode
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return input
        images = len(input) if self.mode == "row" else 1
        noise = input.new_empty((images,) + (1,) * (input.ndim - 1))
        return input * _kept(noise, 1.0 - self.p, self.generator, scale=self.scale)

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"


class ShakeDrop(nn.Module):
    """Multiplies a residual branch by b + α − bα forward and by b + β − bβ backward.

    `probability` is the probability that the branch is shaken, the paper's 1 − p_l: the gate b is 0
    with it (then α and β act) and 1 otherwise (then the branch passes unchanged). b is drawn per
    block and mini-batch, α and β per image, uniformly from their ranges. In evaluation the branch is
    multiplied by the expectation of the forward factor, 1 − probability · (1 − mean of α).

    Free of branches on drawn values and of host syncs, so that a CUDA graph may hold it.
    Source: Yamada et al. 2019, arXiv 1802.02375, equation 6, at the level 'image'.
    """

    generator: torch.Generator | None = None

    def __init__(
        self,
        probability: float,
        alpha: tuple[float, float] = (-1.0, 1.0),
        beta: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__()
        self.probability = probability
        self.alpha = alpha
        self.beta = beta

    @property
    def expectation(self) -> float:
        """The mean of the forward factor."""
        return 1.0 - self.probability * (1.0 - sum(self.alpha) / 2.0)

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input * self.expectation
        # In fp32 also under autocast: bf16 has too few digits for a uniform draw.
        device, generator = input.device, self.generator
        per_image = (len(input),) + (1,) * (input.ndim - 1)
        gate = torch.empty((), device=device).bernoulli_(1.0 - self.probability, generator=generator)
        alpha = torch.empty(per_image, device=device).uniform_(*self.alpha, generator=generator)
        beta = torch.empty(per_image, device=device).uniform_(*self.beta, generator=generator)
        # b + α − bα is 1 where b is 1 and α where it is 0; written so, it has no rounding.
        open_gate = gate > 0.5
        ahead = alpha.masked_fill_(open_gate, 1.0).to(input.dtype)
        back = beta.masked_fill_(open_gate, 1.0).to(input.dtype)
        return _TwoFactors.apply(input, ahead, back)

    def extra_repr(self) -> str:
        return f"probability={self.probability:.4g}, alpha={self.alpha}, beta={self.beta}"


class _TwoFactors(torch.autograd.Function):
    """One factor for the values, another for the gradient."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, ahead: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return input * ahead

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return grad * back, None, None


RANDOM_LAYERS = (Dropout, StochasticDepth, ShakeDrop)


def set_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let all random layers of `model` draw from `generator`; it must be on the model's device."""
    for module in model.modules():
        if isinstance(module, RANDOM_LAYERS):
            module.generator = generator


def own_randomness(model: nn.Module) -> None:
    """Replace torch's, torchvision's and timm's random layers inside `model` by those of this module.

    Layers that draw inside a forward of their own (attention dropout and other rarities of timm,
    all off by default) are left alone.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            own = _own(child)
            if own is not None:
                own.train(child.training)
                setattr(parent, name, own)


def _own(module: Any) -> nn.Module | None:
    if type(module) is nn.Dropout:
        return Dropout(module.p)
    if isinstance(module, torchvision.ops.StochasticDepth):
        return StochasticDepth(module.p, module.mode)
    # By name: timm is imported only by those who ask for one of its architectures.
    if type(module).__name__ == "DropPath" and type(module).__module__.startswith("timm."):
        return StochasticDepth(float(module.drop_prob or 0.0), "row", bool(module.scale_by_keep))
    return None


def _kept(noise: Tensor, keep: float, generator: torch.Generator | None, scale: bool = True) -> Tensor:
    """`noise` filled with 1 / keep (1 without `scale`) with probability `keep`, and 0 elsewhere."""
    noise.bernoulli_(keep, generator=generator)
    return noise.div_(keep) if scale and keep > 0.0 else noise
