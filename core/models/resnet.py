"""ResNet-18, -34 and -50."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import ValidationInfo, field_validator
from torch import nn

from core.models.base import FullResolutionSteps, HeadDropout, InputSize, MaxPool, Pretrained, Shake
from core.models.edits import drop_before_head, remove_max_pool, replace_module
from core.models.shakedrop import Stages
from core.models.torchvision_family import TorchvisionArchitecture
from core.spec import setting
from core.vision import torchvision

TORCHVISION_WIDTH = 64
"""Channels of the first stage in torchvision, which fixes them."""


class _ResNet(TorchvisionArchitecture):
    """What the three have in common. Source: torchvision.models.resnet."""

    first_conv: ClassVar[str] = "conv1"
    head: ClassVar[str] = "fc"

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    max_pool: MaxPool = True
    dropout: HeadDropout = 0.0
    shakedrop: Shake = None
    width: int = setting(
        TORCHVISION_WIDTH, label="Width", unit="channels", level="expert", ge=4, le=256, step=4
    )
    """Channels of the first stage; all other stages' channels scale with it. 64 is the published
    network, 16 has about a sixteenth of its weights and of its multiplications."""
    input_size: InputSize = None

    @field_validator("width")
    @classmethod
    def _weights_have_one_width(cls, width: int, info: ValidationInfo) -> int:
        # Where `pretrained` was refused itself it is absent, and its own problem is reported.
        if width != TORCHVISION_WIDTH and info.data.get("pretrained") == "imagenet":
            raise ValueError(
                f"ImageNet's weights exist for width {TORCHVISION_WIDTH} only; "
                f"set it to {TORCHVISION_WIDTH}, or pretrained to 'none'"
            )
        return width

    def plain(self, num_classes: int) -> nn.Module:
        if self.width == TORCHVISION_WIDTH:
            return self.published(num_classes)
        # On the meta device nothing is drawn: all of its layers are replaced.
        with torch.device("meta"):
            model = self.published(num_classes)
        scale_channels(model, self.width, self.first_conv)
        return model

    def published(self, num_classes: int) -> nn.Module:
        """torchvision's own network, of its own width."""
        raise NotImplementedError

    def edit(self, model: Any) -> None:
        if not self.max_pool:
            remove_max_pool(model)
        drop_before_head(model, self.head, self.dropout)

    def stages(self, model: Any) -> Stages:
        return [list(model.layer1), list(model.layer2), list(model.layer3), list(model.layer4)]


def scale_channels(model: nn.Module, width: int, first_conv: str) -> None:
    """Replace all layers of a ResNet of torchvision by fresh ones with width / 64 of their channels;
    the colours that `first_conv` takes and the classes stay.

    Initialized as torchvision.models.resnet does: convolutions by He et al. 2015, arXiv 1502.01852,
    'fan_out'; batch norm with 1 and 0; the linear layer as torch does by itself.
    """

    def scaled(channels: int) -> int:
        return channels * width // TORCHVISION_WIDTH  # exact: all are multiples of 64

    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Conv2d):
            taken = layer.in_channels if name == first_conv else scaled(layer.in_channels)
            kernel, stride, padding = _pair(layer.kernel_size), _pair(layer.stride), _pair(layer.padding)
            conv = nn.Conv2d(taken, scaled(layer.out_channels), kernel, stride, padding, bias=False)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            replace_module(model, name, conv)
        elif isinstance(layer, nn.BatchNorm2d):
            replace_module(model, name, nn.BatchNorm2d(scaled(layer.num_features)))
        elif isinstance(layer, nn.Linear):
            replace_module(model, name, nn.Linear(scaled(layer.in_features), layer.out_features))


def _pair(value: Any) -> tuple[int, int]:
    """For the types: torch keeps these as tuples of any length."""
    height, width = value
    return height, width


class ResNet18(_ResNet):
    """18 layers in residual blocks of two 3x3 convolutions. Source: He et al. 2016, arXiv 1512.03385;
    torchvision.models.resnet18."""

    label: ClassVar[str] = "ResNet-18"
    kind: Literal["resnet18"] = "resnet18"

    def published(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet18(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet18_Weights.DEFAULT


class ResNet34(_ResNet):
    """34 layers in residual blocks of two 3x3 convolutions. Source: He et al. 2016, arXiv 1512.03385;
    torchvision.models.resnet34."""

    label: ClassVar[str] = "ResNet-34"
    kind: Literal["resnet34"] = "resnet34"

    def published(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet34(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet34_Weights.DEFAULT


class ResNet50(_ResNet):
    """50 layers in bottleneck blocks, the stride in their 3x3 convolution. Source: He et al. 2016, arXiv
    1512.03385; torchvision.models.resnet50 (its variant 'V1.5')."""

    label: ClassVar[str] = "ResNet-50"
    kind: Literal["resnet50"] = "resnet50"

    def published(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet50(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet50_Weights.DEFAULT
