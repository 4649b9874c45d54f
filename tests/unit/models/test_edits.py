"""The small-image edits: which convolutions change, and that the weights still fit."""

import copy

import pytest
import torch
from torch import nn

from core.errors import BadInput
from core.models import (
    AnyArchitecture,
    ConvNeXtTiny,
    EfficientNetB0,
    EfficientNetV2S,
    MobileNetV3Small,
    ResNet18,
    ResNet50,
    Timm,
)
from core.models.edits import downsampling_steps, keep_resolution
from core.models.summary import summarize
from core.models.weights import load_state, state_dict_of
from core.spec import choices_of, kind_of
from core.vision import torchvision

SIZES = (28, 32, 40, 64)


def strides(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(m.stride) for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}


def changed(plain: nn.Module, edited: nn.Module) -> list[str]:
    before, after = strides(plain), strides(edited)
    assert list(before) == list(after)
    return [name for name in before if before[name] != after[name]]


@pytest.mark.parametrize(
    ("plain", "steps", "names"),
    [
        (EfficientNetV2S(), 2, ["features.0.0", "features.2.0.block.0.0"]),
        (ResNet18(), 1, ["conv1"]),
        (ResNet18(), 2, ["conv1", "layer2.0.conv1", "layer2.0.downsample.0"]),
        (ResNet50(), 2, ["conv1", "layer2.0.conv2", "layer2.0.downsample.0"]),
        (EfficientNetB0(), 2, ["features.0.0", "features.2.0.block.1.0"]),
        (MobileNetV3Small(), 2, ["features.0.0", "features.1.block.0.0"]),
        (ConvNeXtTiny(), 2, ["features.0.0", "features.2.1"]),
        (Timm(name="resnet10t"), 2, ["conv1.0", "layer2.0.conv1"]),
        (Timm(name="regnety_002"), 2, ["stem.conv", "s1.b1.conv2.conv", "s1.b1.downsample.conv"]),
    ],
    ids=lambda value: kind_of(value) if not isinstance(value, int | list) else str(value),
)
def test_exactly_the_earliest_strided_convolutions_get_stride_1(plain, steps, names) -> None:
    edited = plain.model_copy(update={"full_resolution_steps": steps})
    one, other = plain.build(4, 3, 32, seed=0), edited.build(4, 3, 32, seed=0)
    assert changed(one, other) == names
    load_state(other, state_dict_of(one))  # strict: every key and shape fits
    assert other(torch.rand(2, 3, 32, 32)).shape == (2, 4)


def test_the_diarys_resnet_edits_are_the_first_three_strided_convolutions_and_the_max_pool() -> None:
    model = ResNet18(full_resolution_steps=2, max_pool=False).build(200, 3, 40, seed=0)
    theirs = torchvision.models.resnet18(weights=None, num_classes=200)
    theirs.maxpool = nn.Identity()
    strided = [name for name, stride in strides(theirs).items() if stride == (2, 2)]
    for name in strided[:3]:
        theirs.get_submodule(name).stride = (1, 1)
    theirs.load_state_dict(state_dict_of(model), strict=True)
    images = torch.rand(2, 3, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(images), theirs.eval()(images), rtol=1e-5, atol=1e-5)


def halved(size: int, times: int) -> int:
    for _ in range(times):
        size = (size + 1) // 2  # padded convolutions round up
    return size


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize(
    ("spec", "stages"),
    [
        # stage: how many downsampling steps, and how many max-pools, lie before its end
        (
            ResNet18(),
            {"stem": (1, 0), "layer1": (1, 1), "layer2": (2, 1), "layer3": (3, 1), "layer4": (4, 1)},
        ),
        (
            ResNet18(max_pool=False),
            {"stem": (1, 0), "layer1": (1, 0), "layer2": (2, 0), "layer3": (3, 0), "layer4": (4, 0)},
        ),
        (
            EfficientNetB0(),
            {"features.1": (1, 0), "features.2": (2, 0), "features.3": (3, 0), "features.4": (4, 0)}
            | {"features.5": (4, 0), "features.6": (5, 0), "features.8": (5, 0)},
        ),
        (MobileNetV3Small(), {"features.0": (1, 0), "features.1": (2, 0), "features.8": (4, 0)}),
    ],
    ids=["resnet18", "resnet18-no-pool", "efficientnet_b0", "mobilenet_v3_small"],
)
def test_each_stage_has_the_expected_resolution(spec, stages, steps) -> None:
    model = spec.model_copy(update={"full_resolution_steps": steps}).build(3, 3, 32, seed=0)
    for size in SIZES:
        shapes = {stage.name: stage.output_shape for stage in summarize(model, 3, size)}
        for name, (convs, pools) in stages.items():
            expected = halved(size, max(convs - steps, 0) + pools)
            assert shapes[name][1:] == (expected, expected), (name, size)


def test_efficientnet_v2_s_as_in_the_diary_works_at_full_resolution_up_to_its_second_stage() -> None:
    model = EfficientNetV2S(full_resolution_steps=2).build(3, 3, 40, seed=0)
    for size in SIZES:
        sides = [stage.output_shape[1] for stage in summarize(model, 3, size)[:8]]
        assert sides == [halved(size, times) for times in (0, 0, 0, 1, 2, 2, 3, 3)]


def test_convnext_halves_rounding_down_since_its_patches_are_not_padded() -> None:
    model = ConvNeXtTiny().build(3, 3, 64, seed=0)
    for size in (32, 40, 64):
        stages = {stage.name: stage.output_shape[1] for stage in summarize(model, 3, size)[:8]}
        expected = [size // 4, size // 8, size // 16, size // 32]
        assert [stages[f"features.{number}"] for number in (1, 3, 5, 7)] == expected


@pytest.mark.parametrize("steps", [1, 2])
def test_unpadded_patch_convolutions_keep_the_resolution_too(steps) -> None:
    model = ConvNeXtTiny(full_resolution_steps=steps).build(3, 3, 28, seed=0)
    sides = {stage.name: stage.output_shape[1] for stage in summarize(model, 3, 28) if stage.name != "head"}
    assert sides["features.1"] == 28
    assert sides["features.3"] == (28 if steps == 2 else 14)
    assert model(torch.rand(2, 3, 28, 28)).shape == (2, 3)


def test_a_pooled_shortcut_follows_its_main_path() -> None:
    model = Timm(name="resnet26d", full_resolution_steps=3, max_pool=False).build(3, 3, 32, seed=0)
    sides = {stage.name: stage.output_shape[-1] for stage in summarize(model, 3, 32)}
    assert (sides["layer2"], sides["layer3"], sides["layer4"]) == (32, 32, 16)


@pytest.mark.parametrize("member", choices_of(AnyArchitecture), ids=kind_of)
def test_more_steps_than_there_are_names_how_many_there_are(member) -> None:
    if "full_resolution_steps" not in member.model_fields:
        assert kind_of(member) == "my_net"
        return
    model = member().build(3, 3, 64, seed=0)
    count = len(downsampling_steps(model))
    with pytest.raises(BadInput, match=rf"full_resolution_steps = 16: .* has {count} downsampling"):
        keep_resolution(model, 16)
    keep_resolution(model, count)
    assert downsampling_steps(model) == []


def test_no_steps_change_nothing() -> None:
    model = ResNet18().build(3, 3, 32, seed=0)
    before = strides(model)
    keep_resolution(model, 0)
    assert strides(model) == before


def test_a_deep_copy_works_on_its_own() -> None:
    """An average of the weights starts from a copy: hooks must not lead back to the original."""
    model = ResNet18(input_size=24, dropout=0.2).build(3, 3, 32, seed=0)
    twin = copy.deepcopy(model)
    twin.resize.size = 40
    sides = [summarize(m, 3, 32)[0].output_shape[1] for m in (model, twin)]
    assert sides == [24, 40]
