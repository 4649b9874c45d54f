"""The base of every augmentation: parameters are drawn per image on the CPU, then applied in one batch.

Drawing and applying are apart for three reasons: a test can inject its own parameters, a preview
can show what was drawn, and a batch on a GPU is never waited for, because everything that has to
be known on the host (which images are touched at all) is known from the drawn CPU tensors.
"""

from abc import abstractmethod

import torch
from torch import Tensor

from core.augment.pixels import put, same_format, take, to_device
from core.spec import Spec, setting

Draws = dict[str, Tensor]
"""What was drawn for a batch: CPU tensors with one row per image; 'active' (bool) is always there."""


class Augmentation(Spec):
    """A random change of single images, drawn anew for each of them. Labels stay as they are.

    A subclass brings `parameters` and `transform`; it never sees the images that stay unchanged.
    """

    p: float = setting(1.0, label="Probability", ge=0.0, le=1.0, step=0.05)
    """The share of images that are changed; each image is decided for by itself."""

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        """Parameters for `count` images of height x width, out of a CPU generator.

        Parameters are drawn for the inactive images too: how far the generator moves on then
        depends on `count` alone.
        """
        active = torch.rand(count, generator=generator) < self.p
        return {"active": active, **self.parameters(count, height, width, generator)}

    def apply(self, images: Tensor, draws: Draws) -> Tensor:
        """The images (N, C, H, W), floats in [0, 1] with C = 1 or 3, changed as drawn.

        The input is left as it is; where no image is active it is returned itself. Size, type,
        device and memory format stay the same, inactive images stay the same to the bit.
        """
        active = draws["active"].nonzero().squeeze(1)
        if len(active) == 0:
            return images
        if len(active) == len(images):
            return same_format(self.transform(images, draws), images)
        chosen = {name: values[active] for name, values in draws.items()}
        rows = to_device(active, images)
        return put(images, rows, self.transform(take(images, rows), chosen))

    @abstractmethod
    def parameters(self, count: int, height: int, width: int, generator: torch.Generator) -> Draws:
        """The draws besides 'active'."""

    @abstractmethod
    def transform(self, images: Tensor, draws: Draws) -> Tensor:
        """All of these images changed, as a new tensor. Must not read anything back from the device."""

    @abstractmethod
    def summary(self) -> str:
        """What it does, in a few words without the probability: 'Rotate ±10°, shift up to 1/8'."""
