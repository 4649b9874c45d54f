"""The speed-ups change no number."""

import pytest
import torch
from torch import nn

from core.models import EfficientNetB0, MobileNetV3Small
from core.models.randomness import set_generator
from core.models.speed import remove_overhead
from core.models.weights import load_state
from core.vision import torchvision


@pytest.mark.parametrize("kind", ["efficientnet_b0", "mobilenet_v3_small"])
def test_one_training_step_gives_the_plain_networks_gradients_and_statistics(kind) -> None:
    fields = {"dropout": 0.0} | ({"stochastic_depth": 0.0} if kind == "efficientnet_b0" else {})
    spec = {"efficientnet_b0": EfficientNetB0, "mobilenet_v3_small": MobileNetV3Small}[kind](**fields)
    options = {"dropout": 0.0} | ({"stochastic_depth_prob": 0.0} if kind == "efficientnet_b0" else {})
    theirs = getattr(torchvision.models, kind)(weights=None, num_classes=3, **options)
    ours = spec.build(3, 3, 32, seed=0)
    load_state(ours, theirs.state_dict())
    images = torch.rand(4, 3, 32, 32)
    for model in (ours, theirs):
        model(images).square().sum().backward()
    theirs_now = dict(theirs.named_parameters()) | dict(theirs.named_buffers())
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter.grad, theirs_now[name].grad), name
    for name, buffer in ours.named_buffers():
        assert torch.equal(buffer, theirs_now[name]), name


def test_copies_and_counters_are_gone_where_nothing_needs_them() -> None:
    model = nn.Sequential(
        nn.SiLU(inplace=True), nn.Hardswish(inplace=True), nn.ReLU(inplace=True), nn.BatchNorm2d(2)
    )
    averaged = nn.BatchNorm2d(2, momentum=None)
    model.append(averaged)
    remove_overhead(model)
    assert [m.inplace for m in model[:3]] == [False, False, True]
    assert model[3].num_batches_tracked is None
    assert averaged.num_batches_tracked is not None  # it is what its running mean is divided by


def test_set_generator_leaves_other_layers_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    set_generator(model, torch.Generator())
    assert not hasattr(model[0], "generator")
