"""The random layers draw from the generator they are given, and what torch's own would draw."""

import copy

import pytest
import torch
from torch import nn

from core.models import EfficientNetB0, Timm
from core.models.randomness import (
    RANDOM_LAYERS,
    Dropout,
    ShakeDrop,
    StochasticDepth,
    own_randomness,
    set_generator,
)
from core.vision import torchvision

LAYERS = [Dropout(0.4), StochasticDepth(0.4), StochasticDepth(0.4, "batch"), ShakeDrop(0.6)]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_equal_generators_draw_equally_and_the_global_state_stays(layer) -> None:
    images = torch.rand(64, 3, 2, 2)
    before = torch.get_rng_state()
    draws = []
    for seed in (3, 3, 4):
        layer.generator = torch.Generator().manual_seed(seed)
        draws.append(torch.stack([layer(images) for _ in range(5)]))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Dropout(0.3), nn.Dropout(0.3)),
        (StochasticDepth(0.3), torchvision.ops.StochasticDepth(0.3, "row")),
        (StochasticDepth(0.3, "batch"), torchvision.ops.StochasticDepth(0.3, "batch")),
    ],
    ids=["dropout", "row", "batch"],
)
def test_draws_what_the_original_draws_from_the_same_state(ours, theirs) -> None:
    images = torch.rand(16, 4, 3, 3)
    ours.generator = torch.Generator().manual_seed(9)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        for _ in range(3):
            assert torch.equal(ours(images), theirs(images))
    assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_stochastic_depth_can_drop_everything_or_nothing() -> None:
    images = torch.rand(4, 2, 2, 2)
    assert torch.equal(StochasticDepth(0.0)(images), images)
    assert not StochasticDepth(1.0)(images).any()
    assert set(StochasticDepth(0.5, scale=False)(torch.ones(200, 1)).unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    "spec", [EfficientNetB0(dropout=0.5), Timm(name="efficientnet_lite0", dropout=0.5, stochastic_depth=0.3)]
)
def test_a_whole_network_repeats_under_equal_generators(spec) -> None:
    model = spec.build(4, 3, 32, seed=0)
    images = torch.rand(4, 3, 32, 32)
    before = torch.get_rng_state()
    outputs = []
    for seed in (1, 1, 2):
        twin = copy.deepcopy(model)
        set_generator(twin, torch.Generator().manual_seed(seed))
        outputs.append(twin(images))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_no_foreign_random_layer_is_left() -> None:
    for spec in (EfficientNetB0(), Timm(name="vit_tiny_patch16_224", dropout=0.1, stochastic_depth=0.2)):
        model = spec.build(4, 3, 32, seed=0)
        found = [m for m in model.modules() if type(m).__name__ in ("Dropout", "StochasticDepth", "DropPath")]
        assert found
        assert all(isinstance(m, RANDOM_LAYERS) for m in found)


def test_replacing_keeps_mode_and_state_dict() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.3))).eval()
    keys = list(model.state_dict())
    own_randomness(model)
    assert list(model.state_dict()) == keys
    assert [m.p for m in model.modules() if isinstance(m, Dropout)] == [0.2, 0.3]
    assert not any(m.training for m in model.modules())


def test_a_deep_copy_has_a_generator_of_its_own() -> None:
    layer = Dropout(0.5)
    layer.generator = torch.Generator().manual_seed(0)
    twin = copy.deepcopy(layer)
    images = torch.rand(100)
    assert torch.equal(layer(images), twin(images))
