"""The networks: a closed union of architecture specs, each of which builds itself."""

from typing import Annotated

from pydantic import Field

from core.models.base import Architecture
from core.models.convnext import ConvNeXtTiny
from core.models.efficientnet import EfficientNetB0, EfficientNetV2S
from core.models.mobilenet_v3 import MobileNetV3Small
from core.models.my_net import MyNet
from core.models.resnet import ResNet18, ResNet34, ResNet50
from core.models.shakedrop import ShakeDropSettings
from core.models.timm_model import Timm

AnyArchitecture = Annotated[
    MyNet
    | ResNet18
    | ResNet34
    | ResNet50
    | EfficientNetV2S
    | EfficientNetB0
    | MobileNetV3Small
    | ConvNeXtTiny
    | Timm,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyArchitecture",
    "Architecture",
    "ConvNeXtTiny",
    "EfficientNetB0",
    "EfficientNetV2S",
    "MobileNetV3Small",
    "MyNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ShakeDropSettings",
    "Timm",
]
