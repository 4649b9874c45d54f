"""The summary counts what is really there."""

import time

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.models import Architecture, ConvNeXtTiny, EfficientNetV2S, MobileNetV3Small, MyNet, ResNet18, Timm
from core.models.summary import dry_run, summarize, totals


@pytest.mark.parametrize(
    "spec", [MyNet(), ResNet18(full_resolution_steps=1), ConvNeXtTiny(), Timm(name="regnety_002")]
)
def test_multiply_adds_are_those_that_torch_counts(spec) -> None:
    model = spec.build(3, 3, 32, seed=0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.rand(1, 3, 32, 32))
    assert 2 * totals(summarize(model, 3, 32))[1] == counter.get_total_flops()


def test_a_known_network_is_summed_up_by_hand() -> None:
    stages = summarize(MyNet(blocks=1, width=8).build(10, 1, 16, seed=0), 1, 16)
    conv = 16 * 16 * 8 * 9 * 1 + 16 * 16 * 8 * 9 * 8
    assert [(s.name, s.output_shape, s.multiply_adds) for s in stages] == [
        ("blocks.0", (8, 8, 8), conv),
        ("pool", (8, 1, 1), 0),
        ("head", (10,), 80),
    ]
    assert stages[0].parameters == 8 * 9 + 8 * 8 * 9 + 4 * 8


def test_resnet_is_told_in_the_words_of_its_paper() -> None:
    names = [stage.name for stage in summarize(ResNet18().build(3, 3, 64, seed=0), 3, 64)]
    assert names == ["stem", "maxpool", "layer1", "layer2", "layer3", "layer4", "pool", "head"]


def test_parameters_outside_of_all_layers_are_counted() -> None:
    model = Timm(name="vit_tiny_patch16_224").build(3, 3, 32, seed=0)
    stages = summarize(model, 3, 32)
    assert totals(stages)[0] == sum(p.numel() for p in model.parameters())
    assert stages[0].name == "stem"


def test_leaves_the_network_as_it_was() -> None:
    model = ResNet18().build(3, 3, 32, seed=0)
    model.layer1.eval()
    before = {name: (id(t), t.clone()) for name, t in [*model.named_parameters(), *model.named_buffers()]}
    summarize(model, 3, 32)
    assert model.training
    assert not model.layer1.training
    assert model.layer2[0].bn1.training
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        assert id(tensor) == before[name][0]
        assert torch.equal(tensor, before[name][1])
    assert not any(m._forward_hooks or "forward" in vars(m) for m in model.modules())


def test_an_image_that_does_not_fit_raises_and_leaves_no_hook() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(RuntimeError):
        summarize(model, 3, 3)
    assert not any(m._forward_hooks or "forward" in vars(m) for m in model.modules())
    assert model.training


def test_efficientnet_v2_s_takes_under_a_second() -> None:
    model = EfficientNetV2S(full_resolution_steps=2).build(200, 3, 40, seed=0)
    start = time.process_time()
    summarize(model, 3, 40)
    assert time.process_time() - start < 1.0
    assert dry_run(model, 3, 40) == (1, 200)


@pytest.mark.parametrize(
    "spec",
    [
        *(MyNet(), ResNet18(), EfficientNetV2S(), ConvNeXtTiny(), MobileNetV3Small()),
        *(Timm(name=name) for name in ("resnet10t", "regnety_002", "vit_tiny_patch16_224", "convnext_atto")),
    ],
    ids=lambda spec: getattr(spec, "name", type(spec).__name__),
)
def test_a_dry_run_says_what_a_real_one_does(spec: Architecture) -> None:
    model = spec.build(4, 3, 64, seed=0).eval()
    taken = 0
    for size in (1, 2, 3, 5, 8, 16, 32, 40, 64):
        with torch.no_grad():
            try:
                real: object = model(torch.zeros(1, 3, size, size)).shape
            except (RuntimeError, ValueError, AssertionError, TypeError):
                real = "refused"
        try:
            dry: object = dry_run(model, 3, size)
        except (RuntimeError, ValueError, AssertionError, TypeError):
            dry = "refused"
        assert dry == real, size
        taken += real != "refused"
    assert taken
