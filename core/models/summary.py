"""A network stage by stage: output size, parameters, multiply-adds, before anything is trained.

One dummy image goes through the network on torch's meta device, where shapes are computed and
nothing else: no memory, no arithmetic.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

_EXPANDED = {"features", "blocks", "stages", "layers"}
"""Containers whose members are stages of their own."""
_KEEP_SHAPES = (nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Sigmoid, nn.Hardsigmoid)
"""Layers whose output has their input's shape, whatever the image's size."""
_TITLES = {
    "avgpool": "pool",
    "global_pool": "pool",
    "fc": "head",
    "classifier": "head",
    "head": "head",
    "conv1": "stem",
    "conv_stem": "stem",
    "patch_embed": "stem",
}


@dataclass(frozen=True)
class Stage:
    """One part of a network, in the order in which an image passes through."""

    name: str
    output_shape: tuple[int, ...]
    """(C, H, W) of a feature map, or the shape of whatever else comes out for one image."""
    parameters: int
    multiply_adds: int
    """Of the convolutions and linear layers, for one image. Attention's products are not counted."""


@dataclass
class _Unit:
    name: str
    module: nn.Module
    order: int = -1
    shape: tuple[int, ...] = ()
    multiply_adds: int = 0
    parameters: int = 0
    layers: list[nn.Module] = field(default_factory=list)


def summarize(model: nn.Module, channels: int, image_size: int) -> list[Stage]:
    """The stages of `model` for one image of `channels` x `image_size` x `image_size`.

    The parameters add up to those of the model. Layers without arithmetic of their own
    (normalization, activation, dropout) count to the stage before them.
    """
    units = _units(model)
    _count_parameters(model, units)
    calls = 0

    def on_stage(unit: _Unit, output: Any) -> None:
        nonlocal calls
        if unit.order < 0:
            unit.order = calls
            calls += 1
        if isinstance(output, Tensor):
            unit.shape = tuple(output.shape[1:])

    hooks = []
    for unit in units:
        hooks.append(
            unit.module.register_forward_hook(lambda _m, _a, output, unit=unit: on_stage(unit, output))
        )
        for layer in unit.layers:
            hooks.append(layer.register_forward_hook(_counter(unit)))
    try:
        dry_run(model, channels, image_size)
    finally:
        for hook in hooks:
            hook.remove()
    called = sorted((u for u in units if u.order >= 0), key=lambda unit: unit.order)
    silent = [u for u in units if u.order < 0 and u.parameters]
    return _merge(called + silent)


def totals(stages: list[Stage]) -> tuple[int, int]:
    """Parameters and multiply-adds of all stages together."""
    return sum(stage.parameters for stage in stages), sum(stage.multiply_adds for stage in stages)


def dry_run(model: nn.Module, channels: int, image_size: int) -> torch.Size:
    """The shape of the output for one image, computed in evaluation mode on the meta device. Layers that
    keep each shape are passed by: on that device they would take most of the time.

    Raises whatever the network raises for an image size that it cannot take. The model must not be
    in use by another thread meanwhile: its parameters are swapped for empty ones and put back.
    """
    image = torch.empty(1, channels, image_size, image_size, device="meta")
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    empty = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    with torch.no_grad(), _evaluating(model), _shapes_alone(model):
        output: Tensor = torch.func.functional_call(model, empty, (image,))
    return output.shape


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def _shapes_alone(model: nn.Module) -> Iterator[None]:
    passed: list[Any] = [
        module for module in model.modules() if type(module) in _KEEP_SHAPES and "forward" not in vars(module)
    ]
    for module in passed:
        module.forward = _same
    try:
        yield
    finally:
        for module in passed:
            del module.forward


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _units(model: nn.Module) -> list[_Unit]:
    """The children of the model, known containers opened by one level."""
    units = []
    for name, child in model.named_children():
        if name in _EXPANDED and isinstance(child, nn.Sequential | nn.ModuleList):
            units += [_Unit(f"{name}.{inner}", module) for inner, module in child.named_children()]
        else:
            units.append(_Unit(name, child))
    return units


def _count_parameters(model: nn.Module, units: list[_Unit]) -> None:
    """Each parameter counts once, for the first unit that holds it; those outside of all units
    (a class token, position embeddings) count for the first unit."""
    seen: set[int] = set()
    for unit in units:
        unit.layers = [m for m in unit.module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        for parameter in unit.module.parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                unit.parameters += parameter.numel()
    if units:
        units[0].parameters += sum(p.numel() for p in model.parameters() if id(p) not in seen)


def _counter(unit: _Unit) -> Any:
    def count(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            unit.multiply_adds += output.numel() * kernel * module.in_channels // module.groups
        elif isinstance(module, nn.Linear):
            unit.multiply_adds += output.numel() * module.in_features

    return count


def _merge(units: list[_Unit]) -> list[Stage]:
    """Stages from units: what neither computes nor changes the shape joins the stage before it."""
    stages: list[Stage] = []
    for unit in units:
        last = stages[-1] if stages else None
        if last and not unit.multiply_adds and unit.shape in (last.output_shape, ()):
            merged = Stage(
                last.name, last.output_shape, last.parameters + unit.parameters, last.multiply_adds
            )
            stages[-1] = merged
        else:
            name = _TITLES.get(unit.name, unit.name)
            stages.append(Stage(name, unit.shape, unit.parameters, unit.multiply_adds))
    return stages
