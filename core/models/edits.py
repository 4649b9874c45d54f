"""Edits of a finished network that keep every parameter's name and shape.

A *downsampling step* is a convolution with a stride above 1 on the main path, together with the
convolution (or pooling) in the shortcut beside it, which must follow. Steps are counted in module
order, from the image on. The max-pool after a ResNet's stem is not counted: it has a setting of its
own. In torchvision's ResNet-18 the steps are conv1; layer2.0.conv1 with layer2.0.downsample.0; and
so on, in ResNet-50 the block's stride sits in conv2.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import BadInput

_SHORTCUT_NAMES = {"downsample", "shortcut"}


def downsampling_steps(model: nn.Module) -> list[tuple[str, ...]]:
    """The names of the strided convolutions, grouped into steps, in module order."""
    strided = [name for name, module in model.named_modules() if _is_strided(module)]
    steps: dict[str, list[str]] = {}
    for name in strided:
        steps.setdefault(_step_of(name, strided), []).append(name)
    return [tuple(names) for names in steps.values()]


def keep_resolution(model: nn.Module, count: int) -> None:
    """Give the earliest `count` downsampling steps stride 1."""
    steps = downsampling_steps(model)
    if count > len(steps):
        raise BadInput.at(
            "full_resolution_steps",
            count,
            f"this architecture has {len(steps)} downsampling convolutions",
            "choose no more than that",
        )
    for step in steps[:count]:
        for name in step:
            _set_stride_one(model, name)
            _drop_shortcut_pool(model, name)


def remove_max_pool(model: nn.Module) -> None:
    """Replace the max-pool after the stem, which is the first one in the network, by nothing."""
    for name, module in model.named_modules():
        if isinstance(module, nn.MaxPool2d):
            replace_module(model, name, nn.Identity())
            return
    raise BadInput.at("max_pool", False, "this architecture has no max-pool", "leave max_pool on")


def set_input_channels(model: nn.Module, conv_name: str, channels: int, pretrained: bool) -> None:
    """Let a network made for 3 channels take `channels`.

    With ImageNet's weights the first convolution's weights are summed over the channels, which
    equals showing it the grey image three times. Without, the first of the random input channels
    are kept: in all families here they are drawn independently, with a spread that does not depend
    on the number of input channels.
    """
    conv = _conv(model, conv_name)
    if channels == conv.in_channels:
        return
    if channels != 1:
        raise BadInput.at("channels", channels, "images have 1 or 3 channels")
    with torch.no_grad():
        weight = conv.weight.sum(1, keepdim=True) if pretrained else conv.weight[:, :1].clone()
    conv.in_channels = 1
    conv.weight = nn.Parameter(weight)


class Resize(nn.Module):
    """Resizes float images (N, C, H, W) to (N, C, size, size), on the device where they are.

    Bilinear with pixel centres aligned as in torch.nn.functional.interpolate, and without
    anti-aliasing: that is meant for enlarging. Shrinking by more than 2 skips pixels.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(
            images, size=(self.size, self.size), mode="bilinear", align_corners=False, antialias=False
        )

    def extra_repr(self) -> str:
        return f"size={self.size}"


def resize_input(model: nn.Module, size: int) -> None:
    """Let `model` resize its images first.

    A hook and a child named `resize`, not a wrapper, so that parameters keep their names.
    """
    model.add_module("resize", Resize(size))
    model.register_forward_pre_hook(_resize_first)


class DropoutLinear(nn.Linear):
    """A linear layer behind a dropout; its parameters have the names of a plain nn.Linear."""

    def __init__(self, linear: nn.Linear, p: float) -> None:
        # On the meta device nothing is drawn: the initial weights stay those of `linear`.
        super().__init__(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
        self.weight = linear.weight
        self.bias = linear.bias
        self.dropout = nn.Dropout(p)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(self.dropout(input))


def drop_before_head(model: nn.Module, head_name: str, p: float) -> None:
    """Put a dropout right before the last linear layer of a network that has none there."""
    if p > 0.0:
        head = model.get_submodule(head_name)
        if not isinstance(head, nn.Linear):
            raise TypeError(f"{head_name} is a {type(head).__name__}, not a linear layer")
        replace_module(model, head_name, DropoutLinear(head, p))


class _PaddedConv2d(nn.Conv2d):
    """A stride-1 convolution that keeps the resolution whatever its kernel size."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            (conv.kernel_size[0], conv.kernel_size[1]),
            groups=conv.groups,
            bias=conv.bias is not None,
            device="meta",
        )
        self.weight = conv.weight
        self.bias = conv.bias
        height, width = (size - 1 for size in conv.kernel_size)
        self.around = (width // 2, width - width // 2, height // 2, height - height // 2)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(F.pad(input, self.around))


def _is_strided(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and max(module.stride) > 1


def _step_of(name: str, strided: list[str]) -> str:
    """The step that a strided convolution belongs to: its residual block for a shortcut and for the
    main path beside it, itself for any other convolution."""
    for other in strided:
        block = _shortcut_block(other)
        if block and name.startswith(block) and any(_is_main_path(main, block) for main in strided):
            return block
    return name


def _shortcut_block(name: str) -> str | None:
    """'layer2.0.' for 'layer2.0.downsample.0', None for a name outside of a shortcut."""
    parts = name.split(".")
    for position, part in enumerate(parts):
        if part in _SHORTCUT_NAMES and position:
            return ".".join(parts[:position]) + "."
    return None


def _is_main_path(name: str, block: str) -> bool:
    return name.startswith(block) and name[len(block) :].split(".")[0] not in _SHORTCUT_NAMES


def _set_stride_one(model: nn.Module, name: str) -> None:
    conv = _conv(model, name)
    conv.stride = (1, 1)
    reach = [dilation * (size - 1) for dilation, size in zip(conv.dilation, conv.kernel_size, strict=True)]
    padded = not isinstance(conv.padding, str) and [2 * p for p in conv.padding] >= reach
    # A kernel that was never padded (ConvNeXt's patches) would still eat its border at stride 1.
    # Subclasses (timm's 'same' convolutions) pad by themselves.
    if type(conv) is nn.Conv2d and not padded and not isinstance(conv.padding, str):
        replace_module(model, name, _PaddedConv2d(conv))


def _drop_shortcut_pool(model: nn.Module, name: str) -> None:
    """Where the shortcut beside `name` shrinks by average pooling (ResNet-D), take that pool out."""
    block = model.get_submodule(name.rpartition(".")[0]) if "." in name else None
    downsample = getattr(block, "downsample", None)
    if isinstance(downsample, nn.Sequential):
        for position, child in enumerate(downsample):
            if isinstance(child, nn.AvgPool2d) and child.stride != 1:
                downsample[position] = nn.Identity()


def _conv(model: nn.Module, name: str) -> nn.Conv2d:
    module = model.get_submodule(name)
    if not isinstance(module, nn.Conv2d):
        raise TypeError(f"{name} is a {type(module).__name__}, not a convolution")
    return module


def replace_module(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put `module` in the place of the one that `name` (dotted, as in named_modules) stands for."""
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)


def _resize_first(model: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    # Found through the module, not through a closure, so that deep copies are independent.
    return (model.resize(args[0]), *args[1:])
