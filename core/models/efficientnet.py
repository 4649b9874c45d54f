"""EfficientNetV2-S, the diary's main network, and EfficientNet-B0."""

from typing import Any, ClassVar, Literal

from torch import nn

from core.models.base import DropDepth, FullResolutionSteps, HeadDropout, InputSize, Pretrained, Shake
from core.models.shakedrop import Stages
from core.models.torchvision_family import TorchvisionArchitecture
from core.vision import torchvision


class _EfficientNet(TorchvisionArchitecture):
    """What the two have in common. Source: torchvision.models.efficientnet."""

    first_conv: ClassVar[str] = "features.0.0"
    head: ClassVar[str] = "classifier.1"

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    dropout: HeadDropout = 0.2
    shakedrop: Shake = None
    stochastic_depth: DropDepth = 0.2
    input_size: InputSize = None

    def stages(self, model: Any) -> Stages:
        # The first and the last are the stem and the 1x1 convolution before the pooling.
        return [list(stage) for stage in model.features[1:-1]]


class EfficientNetV2S(_EfficientNet):
    """Six stages, the early ones with fused convolutions, the later ones with depthwise convolutions and
    squeeze-and-excitation. Source: Tan and Le 2021, arXiv 2104.00298;
    torchvision.models.efficientnet_v2_s."""

    label: ClassVar[str] = "EfficientNetV2-S"
    kind: Literal["efficientnet_v2_s"] = "efficientnet_v2_s"

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.efficientnet_v2_s(
            weights=None,
            num_classes=num_classes,
            dropout=self.dropout,
            stochastic_depth_prob=self.stochastic_depth,
        )

    def imagenet_weights(self) -> Any:
        return torchvision.models.EfficientNet_V2_S_Weights.DEFAULT


class EfficientNetB0(_EfficientNet):
    """Seven stages of depthwise convolutions with squeeze-and-excitation. Source: Tan and Le 2019, arXiv
    1905.11946; torchvision.models.efficientnet_b0."""

    label: ClassVar[str] = "EfficientNet-B0"
    kind: Literal["efficientnet_b0"] = "efficientnet_b0"

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.efficientnet_b0(
            weights=None,
            num_classes=num_classes,
            dropout=self.dropout,
            stochastic_depth_prob=self.stochastic_depth,
        )

    def imagenet_weights(self) -> Any:
        return torchvision.models.EfficientNet_B0_Weights.DEFAULT
