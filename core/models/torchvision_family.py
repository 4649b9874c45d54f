"""The steps that all architectures from torchvision share."""

from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from core.models.base import Architecture, FullResolutionSteps, Pretrained, Shake
from core.models.edits import keep_resolution, set_input_channels
from core.models.pretrained import load_imagenet
from core.models.shakedrop import Stages, insert_shakedrop


class TorchvisionArchitecture(Architecture):
    """An architecture of torchvision with the edits for small images. Source: torchvision.models."""

    first_conv: ClassVar[str]
    """The name of the convolution that takes the image."""
    head: ClassVar[str]
    """The name of the last linear layer."""

    if TYPE_CHECKING:  # see Architecture
        pretrained: Pretrained
        full_resolution_steps: FullResolutionSteps
        shakedrop: Shake

    def network(self, num_classes: int, channels: int, size: int) -> nn.Module:
        model = self.plain(num_classes)
        pretrained = self.pretrained == "imagenet"
        if pretrained:
            load_imagenet(model, self.imagenet_weights(), self.head)
        set_input_channels(model, self.first_conv, channels, pretrained)
        keep_resolution(model, self.full_resolution_steps)
        self.edit(model)
        if self.shakedrop is not None:
            insert_shakedrop(self.stages(model), self.shakedrop)
        return model

    def plain(self, num_classes: int) -> nn.Module:
        """torchvision's own network, with dropout and stochastic depth as set where it has them."""
        raise NotImplementedError

    def imagenet_weights(self) -> Any:
        """torchvision's entry for its best ImageNet weights."""
        raise NotImplementedError

    def stages(self, model: Any) -> Stages:
        """The residual blocks, stage by stage."""
        raise NotImplementedError

    def edit(self, model: Any) -> None:
        """What only this family has to change."""
