"""ConvNeXt-tiny."""

from typing import Any, ClassVar, Literal

from torch import nn

from core.models.base import DropDepth, FullResolutionSteps, HeadDropout, InputSize, Pretrained, Shake
from core.models.edits import drop_before_head
from core.models.shakedrop import Stages
from core.models.torchvision_family import TorchvisionArchitecture
from core.vision import torchvision


class ConvNeXtTiny(TorchvisionArchitecture):
    """A convolutional network with the proportions of a vision transformer: 7x7 depthwise convolutions,
    layer norm, GELU; the stem reads 4x4 patches. Source: Liu et al. 2022, arXiv 2201.03545;
    torchvision.models.convnext_tiny.

    Its strided convolutions have no padding; where they get stride 1 they are padded, so that the
    resolution really stays.
    """

    label: ClassVar[str] = "ConvNeXt-tiny"
    first_conv: ClassVar[str] = "features.0.0"
    head: ClassVar[str] = "classifier.2"
    kind: Literal["convnext_tiny"] = "convnext_tiny"

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    dropout: HeadDropout = 0.0
    shakedrop: Shake = None
    stochastic_depth: DropDepth = 0.1
    input_size: InputSize = None

    def plain(self, num_classes: int) -> nn.Module:
        return torchvision.models.convnext_tiny(
            weights=None, num_classes=num_classes, stochastic_depth_prob=self.stochastic_depth
        )

    def imagenet_weights(self) -> Any:
        return torchvision.models.ConvNeXt_Tiny_Weights.DEFAULT

    def edit(self, model: Any) -> None:
        drop_before_head(model, self.head, self.dropout)

    def stages(self, model: Any) -> Stages:
        # Stem and downsampling layers stand at the even places.
        return [list(stage) for stage in model.features[1::2]]
