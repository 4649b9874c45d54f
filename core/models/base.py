"""What all architectures share: the fields, and the way from a spec to a network.

The shared fields are annotated types, so that each architecture lists the ones it has, in the order
in which the form shows them, and their label, bounds and help still stand in one place.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from torch import nn

from core.errors import BadInput, first_line
from core.models.edits import resize_input
from core.models.randomness import own_randomness
from core.models.shakedrop import ShakeDropSettings
from core.models.speed import remove_overhead
from core.models.summary import dry_run
from core.spec import Spec, setting

HeadDropout = Annotated[
    float,
    setting(
        label="Dropout",
        ge=0.0,
        lt=1.0,
        step=0.05,
        description="Probability with which each input of the last linear layer is zeroed in training. "
        "It takes the place of the dropout that the architecture brings along.",
    ),
]
Pretrained = Annotated[
    Literal["none", "imagenet"],
    setting(
        label="Initial weights",
        description="'none' starts from random weights, 'imagenet' from those trained on ImageNet, which are "
        "downloaded once; the last layer is always new. For greyscale images the first convolution's "
        "weights are summed over the colours.",
    ),
]
FullResolutionSteps = Annotated[
    int,
    setting(
        label="Downsampling steps at full resolution",
        ge=0,
        le=16,
        description="How many of the earliest strided convolutions get stride 1, counted from the image on. "
        "A residual block's shortcut follows its main path and is not counted. Small images need it: "
        "these networks were made for 224 pixels.",
    ),
]
MaxPool = Annotated[
    bool,
    setting(
        label="Max-pool after the stem",
        description="Off: the max-pool behind the first convolution is taken out: twice the resolution.",
    ),
]
Shake = Annotated[
    ShakeDropSettings | None,
    setting(
        label="ShakeDrop",
        description="Random scaling of residual branches in training. None: not used.",
    ),
]
DropDepth = Annotated[
    float,
    setting(
        label="Stochastic depth",
        ge=0.0,
        lt=1.0,
        step=0.05,
        level="expert",
        description="Probability with which the last residual branch is dropped for an image; it grows "
        "linearly from 0 at the first block.",
    ),
]
InputSize = Annotated[
    int | None,
    setting(
        label="Input size",
        unit="px",
        ge=8,
        le=512,
        level="expert",
        description="Images are resized to this size on the device, after augmentation (bilinear, without "
        "anti-aliasing). None: they enter at the data set's size.",
    ),
]

_SEEDING = threading.Lock()


class Architecture(Spec):
    """A network for classifying images. Source: each member of the union names its own."""

    if TYPE_CHECKING:
        # Each member declares its fields itself: inherited ones would stand first in the form.
        input_size: InputSize

    def build(self, num_classes: int, channels: int, image_size: int, seed: int) -> nn.Module:
        """The network, on the CPU, in training mode: float images (N, channels, image_size, image_size)
        go in, float logits (N, num_classes) come out.

        Its initial weights depend on `seed` and the settings alone. Random layers still draw from the
        process-wide generator: give them a run's own with `core.models.randomness.set_generator`.
        """
        if channels not in (1, 3):
            raise BadInput.at("channels", channels, "images have 1 or 3 channels")
        size = self.input_size or image_size
        with seeded(seed):
            model = self.network(num_classes, channels, size)
        if size != image_size:
            resize_input(model, size)
        own_randomness(model)
        remove_overhead(model)
        self._try_out(model, channels, image_size, size)
        return model

    def network(self, num_classes: int, channels: int, size: int) -> nn.Module:
        """The bare network for images of `size` pixels; runs with the random state of the seed."""
        raise NotImplementedError

    def _try_out(self, model: nn.Module, channels: int, image_size: int, size: int) -> None:
        """Refuse image sizes that shrink to nothing on their way, before a run does."""
        try:
            dry_run(model, channels, image_size)
        except (RuntimeError, ValueError, AssertionError, TypeError) as error:
            raise BadInput(
                f"{self.label} cannot take images of {size} x {size} pixels with these settings "
                f"({first_line(error)}); choose a larger input_size or other edits."
            ) from error


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the process-wide CPU generator for the time of a `with`, then put its state back.

    torch's, torchvision's and timm's initializers draw from it and take no other. The lock keeps two
    builds in different threads from drawing from each other's sequence. Only the CPU generator is
    touched: torch.manual_seed would also reseed the GPU's, under the feet of a running training.
    """
    with _SEEDING, torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        yield
