"""ShakeDrop's settings, and where in a network it is put.

A network's residual blocks come in stages: runs of blocks at one resolution, as the architecture's
own paper counts them, from 1. ShakeDrop goes onto the residual branch, right before the addition,
of those blocks in the chosen stages that have a shortcut; the stochastic depth that EfficientNet
and ConvNeXt bring along stays as it is set.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import field_validator, model_validator
from torch import nn

from core.errors import BadInput
from core.models.randomness import ShakeDrop
from core.spec import Spec, setting
from core.vision import torchvision

__all__ = ["ShakeDrop", "ShakeDropSettings", "chosen_stages", "insert_shakedrop"]

Stages = Sequence[Sequence[nn.Module]]


class ShakeDropSettings(Spec):
    """Random scaling of residual branches, one way forward and another way backward: a strong
    regularizer for deep residual networks. Source: Yamada et al. 2019, arXiv 1802.02375."""

    probability: float = setting(0.5, label="Probability", ge=0.0, le=1.0, step=0.05)
    """Probability that a block is shaken in a step (the paper's 1 − p_l). With linear decay, the
    last block's; the paper uses 0.5 there."""

    place: Literal["centre", "all", "stages"] = setting("centre", label="Place")
    """Which residual blocks: those of the network's middle stages (of n stages, a third rounded down
    is left out at either end: stages 2 and 3 of 4, 3 and 4 of 6, 3 to 5 of 7), all of them, or those of
    the stages named below."""

    stages: tuple[int, ...] = setting((), label="Stages", level="expert")
    """With place 'stages': the numbers of the stages, from 1 for the first after the stem."""

    linear_decay: bool = setting(False, label="Grows with depth")
    """The paper's linear decay rule: block l of L has probability · l / L, counted over all residual
    blocks of the network. Off: every chosen block has the same probability."""

    alpha: tuple[float, float] = setting((-1.0, 1.0), label="Range of alpha (forward)", level="expert")
    """A shaken branch is multiplied by a number from this range in the forward pass, per image."""

    beta: tuple[float, float] = setting((0.0, 1.0), label="Range of beta (backward)", level="expert")
    """A shaken branch's gradient is multiplied by a number from this range, per image."""

    @field_validator("alpha", "beta")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError("the lower end of the range must not be above the upper end")
        return value

    @model_validator(mode="after")
    def _stages_where_they_count(self) -> "ShakeDropSettings":
        if self.place == "stages" and not self.stages:
            raise ValueError("place 'stages' needs at least one number in stages")
        if self.place != "stages" and self.stages:
            raise ValueError("stages may only be given with place 'stages'")
        if any(number < 1 for number in self.stages):
            raise ValueError("stages are numbered from 1")
        return self

    def build(self, fraction: float = 1.0) -> ShakeDrop:
        """The layer for the block at `fraction` (0 to 1) of the network's depth."""
        probability = self.probability * (fraction if self.linear_decay else 1.0)
        return ShakeDrop(probability, self.alpha, self.beta)


def chosen_stages(settings: ShakeDropSettings, count: int) -> tuple[int, ...]:
    """The numbers (from 1) of the stages that `settings` choose in a network of `count` stages."""
    if settings.place == "all":
        return tuple(range(1, count + 1))
    if settings.place == "centre":
        left_out = count // 3
        return tuple(range(1 + left_out, count - left_out + 1))
    beyond = [number for number in settings.stages if number > count]
    if beyond:
        raise BadInput.at(
            "shakedrop.stages", beyond[0], f"this architecture has stages 1 to {count}", "choose among them"
        )
    return tuple(sorted(set(settings.stages)))


def insert_shakedrop(stages: Stages, settings: ShakeDropSettings) -> int:
    """Put ShakeDrop on the residual branches of the chosen stages; returns how many blocks have it."""
    chosen = chosen_stages(settings, len(stages))
    blocks = [(number, b) for number, stage in enumerate(stages, 1) for b in stage if _has_shortcut(b)]
    inserted = 0
    for position, (number, block) in enumerate(blocks, 1):
        if number in chosen:
            _attach(block, settings.build(position / len(blocks)))
            inserted += 1
    if not inserted:
        raise BadInput.at(
            "shakedrop.stages", list(chosen), "no block there has a shortcut", "choose another stage"
        )
    return inserted


def _has_shortcut(block: nn.Module) -> bool:
    """False for blocks of the mobile families that change resolution or width: they add nothing."""
    return bool(getattr(block, "use_res_connect", True))


def _attach(block: Any, shake: ShakeDrop) -> None:
    """Put `shake` at the end of the residual branch without renaming any parameter of `block`."""
    models = torchvision.models
    if isinstance(block, models.resnet.BasicBlock):
        _shake_output(block.bn2, shake)
    elif isinstance(block, models.resnet.Bottleneck):
        _shake_output(block.bn3, shake)
    elif isinstance(block, models.convnext.CNBlock):
        # Behind the layer scale, which is multiplied outside of `block.block`.
        block.stochastic_depth = nn.Sequential(shake, block.stochastic_depth)
    elif hasattr(block, "use_res_connect"):
        block.block.append(shake)
    else:
        raise TypeError(f"no residual branch known in {type(block).__name__}")


def _shake_output(norm: nn.Module, shake: ShakeDrop) -> None:
    """ResNet's blocks add right behind their last normalization and have no container to append to:
    the layer becomes a child of the normalization, and a hook applies it to its output."""
    norm.add_module("shakedrop", shake)
    norm.register_forward_hook(_apply_child)


def _apply_child(norm: Any, args: tuple[Any, ...], output: Any) -> Any:
    # Found through the module, not through a closure: a deep copy of the network uses its own layer.
    return norm.shakedrop(output)
