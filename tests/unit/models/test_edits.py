"""The small-image edits: which convolutions change, and that the weights still fit."""

import copy

import pytest
import torch
from torch import nn

from core.errors import BadInput
from core.models import (
    AnyArchitecture,
    Architecture,
    ConvNeXtTiny,
    EfficientNetB0,
    EfficientNetV2S,
    MobileNetV3Small,
    MyNet,
    ResNet18,
    ResNet50,
    ShakeDropSettings,
    Timm,
)
from core.models.base import seeded
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


EVERY_EDIT: dict[str, object] = {
    "full_resolution_steps": 2,
    "max_pool": False,
    "dropout": 0.3,
    "shakedrop": ShakeDropSettings(place="all"),
    "stochastic_depth": 0.2,
    "input_size": 40,
}
WITHOUT_POOL = ("regnety_002", "convnext_atto", "mobilenetv3_small_050")


def unedited(spec: Architecture) -> nn.Module:
    """torchvision's or timm's own network of 7 classes; my_net's without any setting."""
    if isinstance(spec, Timm):
        import timm

        return timm.create_model(spec.name, num_classes=7)
    if isinstance(spec, MyNet):
        with seeded(1):
            return MyNet().network(7, 3, 32)
    return getattr(torchvision.models, spec.kind)(weights=None, num_classes=7)


@pytest.mark.parametrize(
    "spec",
    [
        # ResNet-34 is built and edited as ResNet-18; timm's stand below.
        *(member() for member in choices_of(AnyArchitecture) if kind_of(member) not in ("timm", "resnet34")),
        *(Timm(name=name) for name in ("resnet10t", *WITHOUT_POOL)),
    ],
    ids=lambda spec: _id(spec),
)
def test_with_every_edit_the_unedited_weights_load_and_go_back(spec: Architecture) -> None:
    """All edits at once: as many parameters under the same names, and every one arrives."""
    edits = {name: value for name, value in EVERY_EDIT.items() if name in type(spec).model_fields}
    if getattr(spec, "name", "") in WITHOUT_POOL:
        edits["max_pool"] = True
    plain = unedited(spec)
    edited = spec.model_copy(update=edits).build(7, 3, 28, seed=0)
    assert [p.shape for p in edited.parameters()] == [p.shape for p in plain.parameters()]
    load_state(edited, plain.state_dict())
    returned = state_dict_of(edited)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(returned[name], tensor), name
    plain.load_state_dict(returned, strict=True)
    assert edited(torch.rand(2, 3, 28, 28)).shape == (2, 7)


def halved(size: int, times: int) -> int:
    for _ in range(times):
        size = (size + 1) // 2  # padded convolutions round up
    return size


def _id(spec: Architecture) -> str:
    pool = "" if getattr(spec, "max_pool", True) else "-no-pool"
    return f"{getattr(spec, 'name', spec.kind)}{pool}"


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
        (
            ResNet50(),
            {"stem": (1, 0), "layer1": (1, 1), "layer2": (2, 1), "layer3": (3, 1), "layer4": (4, 1)},
        ),
        (
            EfficientNetV2S(),
            {"features.1": (1, 0), "features.2": (2, 0), "features.3": (3, 0), "features.4": (4, 0)}
            | {"features.5": (4, 0), "features.6": (5, 0), "features.7": (5, 0)},
        ),
        (MobileNetV3Small(), {"features.0": (1, 0), "features.1": (2, 0), "features.8": (4, 0)}),
        (
            Timm(name="resnet10t"),
            {"stem": (1, 0), "layer1": (1, 1), "layer2": (2, 1), "layer3": (3, 1), "layer4": (4, 1)},
        ),
        (
            Timm(name="resnet10t", max_pool=False),
            {"stem": (1, 0), "layer1": (1, 0), "layer2": (2, 0), "layer3": (3, 0), "layer4": (4, 0)},
        ),
        (
            Timm(name="regnety_002"),
            {"stem": (1, 0), "s1": (2, 0), "s2": (3, 0), "s3": (4, 0), "s4": (5, 0)},
        ),
        (
            Timm(name="mobilenetv3_small_050"),
            {"stem": (1, 0), "blocks.0": (2, 0), "blocks.1": (3, 0), "blocks.2": (4, 0)}
            | {"blocks.3": (4, 0), "blocks.4": (5, 0), "blocks.5": (5, 0)},
        ),
    ],
    ids=lambda value: _id(value) if isinstance(value, Architecture) else "",
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


def test_my_net_halves_rounding_down_after_each_block() -> None:
    model = MyNet(blocks=3).build(3, 3, 32, seed=0)
    for size in SIZES:
        shapes = {stage.name: stage.output_shape for stage in summarize(model, 3, size)}
        for block in range(3):
            expected = size // 2 ** (block + 1)
            assert shapes[f"blocks.{block}"][1:] == (expected, expected), size


def test_convnext_at_full_resolution_in_its_first_two_stages_halves_rounding_down() -> None:
    model = ConvNeXtTiny(full_resolution_steps=2).build(3, 3, 32, seed=0)
    for size in SIZES:
        stages = {stage.name: stage.output_shape[1] for stage in summarize(model, 3, size)[:8]}
        expected = [size, size, size // 2, size // 4]
        assert [stages[f"features.{number}"] for number in (1, 3, 5, 7)] == expected


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
