"""ResNet-18, -34 and -50."""

from typing import Any, ClassVar, Literal

from torch import nn

from core.models.base import FullResolutionSteps, HeadDropout, InputSize, MaxPool, Pretrained, Shake
from core.models.edits import drop_before_head, remove_max_pool
from core.models.shakedrop import Stages
from core.models.torchvision_family import TorchvisionArchitecture
from core.vision import torchvision


class _ResNet(TorchvisionArchitecture):
    """What the three have in common. Source: torchvision.models.resnet."""

    first_conv: ClassVar[str] = "conv1"
    head: ClassVar[str] = "fc"

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    max_pool: MaxPool = True
    dropout: HeadDropout = 0.0
    shakedrop: Shake = None
    input_size: InputSize = None

    def edit(self, model: Any) -> None:
        if not self.max_pool:
            remove_max_pool(model)
        drop_before_head(model, self.head, self.dropout)

    def stages(self, model: Any) -> Stages:
        return [list(model.layer1), list(model.layer2), list(model.layer3), list(model.layer4)]


class ResNet18(_ResNet):
    """18 layers in residual blocks of two 3x3 convolutions. Source: He et al. 2016, arXiv 1512.03385;
    torchvision.models.resnet18."""

    label: ClassVar[str] = "ResNet-18"
    kind: Literal["resnet18"] = "resnet18"

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet18(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet18_Weights.DEFAULT


class ResNet34(_ResNet):
    """34 layers in residual blocks of two 3x3 convolutions. Source: He et al. 2016, arXiv 1512.03385;
    torchvision.models.resnet34."""

    label: ClassVar[str] = "ResNet-34"
    kind: Literal["resnet34"] = "resnet34"

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet34(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet34_Weights.DEFAULT


class ResNet50(_ResNet):
    """50 layers in bottleneck blocks, the stride in their 3x3 convolution. Source: He et al. 2016, arXiv
    1512.03385; torchvision.models.resnet50 (its variant 'V1.5')."""

    label: ClassVar[str] = "ResNet-50"
    kind: Literal["resnet50"] = "resnet50"

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.resnet50(weights=None, num_classes=num_classes)

    def imagenet_weights(self) -> Any:
        return torchvision.models.ResNet50_Weights.DEFAULT
