"""MobileNetV3-small."""

from typing import Any, ClassVar, Literal

from torch import nn

from core.models.base import FullResolutionSteps, HeadDropout, InputSize, Pretrained, Shake
from core.models.shakedrop import Stages
from core.models.torchvision_family import TorchvisionArchitecture
from core.vision import torchvision


class MobileNetV3Small(TorchvisionArchitecture):
    """Inverted residual blocks with hard-swish and squeeze-and-excitation, made for phones. Source:
    Howard et al. 2019, arXiv 1905.02244; torchvision.models.mobilenet_v3_small."""

    label: ClassVar[str] = "MobileNetV3-small"
    first_conv: ClassVar[str] = "features.0.0"
    head: ClassVar[str] = "classifier.3"
    kind: Literal["mobilenet_v3_small"] = "mobilenet_v3_small"

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    dropout: HeadDropout = 0.2
    shakedrop: Shake = None
    input_size: InputSize = None

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.mobilenet_v3_small(
            weights=None, num_classes=num_classes, dropout=self.dropout
        )

    def imagenet_weights(self) -> Any:
        return torchvision.models.MobileNet_V3_Small_Weights.DEFAULT

    def stages(self, model: Any) -> Stages:
        """torchvision keeps the blocks in one row; a stage begins where the plain network halves the
        resolution (four stages of 1, 2, 5 and 3 blocks)."""
        stages: list[list[nn.Module]] = []
        for block in model.features[1:-1]:
            # `_is_cn` remembers the stride as built, whatever the edits did to it since.
            if block._is_cn or not stages:
                stages.append([])
            stages[-1].append(block)
        return stages
