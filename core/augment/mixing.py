"""MixUp and CutMix: batches of images and labels mixed with themselves, after normalization.

Unlike an augmentation, mixing joins two images of a batch and so changes the labels: `apply` gives
back class probabilities. One strength is drawn per batch, and each image's partner is the one
before it in the batch, as in torchvision; the batch must have been shuffled.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from core.augment.pixels import same_format
from core.spec import Spec, setting

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first outside."""


@dataclass(frozen=True)
class MixDraw:
    """What was drawn for a batch: plain numbers, so that nothing is read back from a device."""

    share: float = 1.0
    """How much of an image's own label stays; torchvision's lambda."""
    box: Box | None = None
    """The pixels taken from the partner; None where all pixels are blended."""


class Mixing(Spec):
    """A way to mix the images and labels of a batch."""

    @abstractmethod
    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> MixDraw:
        """The strength for a batch of `count` images of height x width, out of a CPU generator."""

    def apply(self, images: Tensor, labels: Tensor, num_classes: int, draw: MixDraw) -> tuple[Tensor, Tensor]:
        """The images (N, C, H, W) mixed as drawn, and class probabilities (N, num_classes) float32.

        `labels` are integers (N,) from 0 to num_classes - 1. The input is left as it is, and the
        memory format stays the same.
        """
        targets = torch.zeros(len(labels), num_classes, device=labels.device)
        targets = _blend(targets.scatter_(1, labels.unsqueeze(1), 1.0), draw.share)
        mixed = _blend(images, draw.share) if draw.box is None else _paste(images, draw.box)
        return same_format(mixed, images), targets

    @abstractmethod
    def summary(self) -> str:
        """What it does, in a few words: 'MixUp, alpha 0.2'."""


class NoMixing(Mixing):
    """Every image keeps its pixels and its label. Source: the plain cross entropy of
    torch.nn.CrossEntropyLoss."""

    label: ClassVar[str] = "None"
    kind: Literal["none"] = "none"

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> MixDraw:
        return MixDraw()

    def apply(self, images: Tensor, labels: Tensor, num_classes: int, draw: MixDraw) -> tuple[Tensor, Tensor]:
        """The images and the integer labels themselves."""
        return images, labels

    def summary(self) -> str:
        return "No mixing"


class MixUp(Mixing):
    """Blends each image of a batch, and its label, with the one before it. The share of the image
    itself is drawn once per batch out of Beta(alpha, alpha). Source: torchvision.transforms.v2.MixUp;
    Zhang et al., 2018, arXiv 1710.09412."""

    label: ClassVar[str] = "MixUp"
    kind: Literal["mixup"] = "mixup"
    alpha: float = setting(1.0, label="Alpha", gt=0.0, le=1000.0, step=0.1)
    """Of the Beta distribution: 1 makes every share as likely, a smaller number keeps more batches
    nearly unmixed, a larger one brings the shares close to one half."""

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> MixDraw:
        return MixDraw(share=draw_beta(self.alpha, generator))

    def summary(self) -> str:
        return f"MixUp, alpha {self.alpha:g}"


class CutMix(Mixing):
    """Pastes a rectangle of the image before it into each image of a batch, the same one for all;
    labels are blended by area. The area is drawn once per batch: its complement out of
    Beta(alpha, alpha), before the rectangle is cut off at the image's edges.
    Source: torchvision.transforms.v2.CutMix; Yun et al., 2019, arXiv 1905.04899."""

    label: ClassVar[str] = "CutMix"
    kind: Literal["cutmix"] = "cutmix"
    alpha: float = setting(1.0, label="Alpha", gt=0.0, le=1000.0, step=0.1)
    """Of the Beta distribution: 1 makes every area as likely, a smaller number gives mostly very
    small and very large rectangles, a larger one rectangles of about half the area."""

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> MixDraw:
        share = draw_beta(self.alpha, generator)
        x = int(torch.randint(width, (), generator=generator))
        y = int(torch.randint(height, (), generator=generator))
        left, top, right, bottom = box = cut_box(share, x, y, height, width)
        return MixDraw(share=1.0 - (right - left) * (bottom - top) / (width * height), box=box)

    def summary(self) -> str:
        return f"CutMix, alpha {self.alpha:g}"


class MixUpOrCutMix(Mixing):
    """MixUp for one half of the batches and CutMix for the other, drawn per batch.
    Source: RandomChoice over torchvision.transforms.v2.MixUp and CutMix; Zhang et al., 2018,
    arXiv 1710.09412; Yun et al., 2019, arXiv 1905.04899."""

    label: ClassVar[str] = "MixUp or CutMix"
    kind: Literal["mixup_or_cutmix"] = "mixup_or_cutmix"
    mixup_alpha: float = setting(1.0, label="MixUp's alpha", gt=0.0, le=1000.0, step=0.1)
    """Of MixUp's Beta distribution: 1 makes every share as likely, a smaller number keeps more
    batches nearly unmixed."""
    cutmix_alpha: float = setting(1.0, label="CutMix's alpha", gt=0.0, le=1000.0, step=0.1)
    """Of CutMix's Beta distribution: 1 makes every area as likely, a larger number gives rectangles
    of about half the area."""

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> MixDraw:
        cut = bool(torch.rand((), generator=generator) < 0.5)
        chosen = CutMix(alpha=self.cutmix_alpha) if cut else MixUp(alpha=self.mixup_alpha)
        return chosen.draw(count, height, width, generator)

    def summary(self) -> str:
        return f"MixUp (alpha {self.mixup_alpha:g}) or CutMix (alpha {self.cutmix_alpha:g}), per batch"


AnyMixing = Annotated[NoMixing | MixUp | CutMix | MixUpOrCutMix, Field(discriminator="kind")]


def draw_beta(alpha: float, generator: torch.Generator) -> float:
    """A number of Beta(alpha, alpha): a / (a + b) for a and b of Gamma(alpha).

    Gamma(alpha) is drawn as Gamma(alpha + 1) * U^(1 / alpha), and kept as its logarithm: for a
    small alpha, Gamma(alpha) itself is mostly too small a number to be held.
    """
    gamma = torch._standard_gamma(torch.full((2,), alpha + 1.0, dtype=torch.float64), generator=generator)
    # 1 - U is never 0
    uniform = 1.0 - torch.rand(2, dtype=torch.float64, generator=generator)
    a, b = gamma.log() + uniform.log() / alpha
    return float(torch.sigmoid(a - b))


def cut_box(share: float, x: int, y: int, height: int, width: int) -> Box:
    """A box around (x, y) that leaves `share` of the area, with the image's proportions, cut off
    at its edges. Half its sides are cut to whole pixels, as in torchvision."""
    half = 0.5 * math.sqrt(1.0 - share)
    across, down = int(half * width), int(half * height)
    return max(x - across, 0), max(y - down, 0), min(x + across, width), min(y + down, height)


def _blend(values: Tensor, share: float) -> Tensor:
    """`share` of each row and the rest of the row before it."""
    return values.roll(1, 0).mul_(1.0 - share).add_(values.mul(share))


def _paste(images: Tensor, box: Box) -> Tensor:
    left, top, right, bottom = box
    result = images.clone()
    result[..., top:bottom, left:right] = images[..., top:bottom, left:right].roll(1, 0)
    return result
