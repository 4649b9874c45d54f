"""ResNets of another width: torchvision's network in all but its numbers of channels."""

from collections.abc import Callable
from math import prod

import pytest
import torch
from torch import nn

from core.errors import InvalidSettings
from core.models import Architecture, ResNet18, ResNet34, ResNet50, ShakeDropSettings
from core.models.base import seeded
from core.models.randomness import ShakeDrop
from core.models.summary import summarize
from core.models.weights import state_dict_of
from core.recipe import recipe_from_draft
from core.vision import torchvision

CLASSES = 7
KINDS: list[Callable[..., Architecture]] = [ResNet18, ResNet34, ResNet50]
every_kind = pytest.mark.parametrize("kind", KINDS)


def published(kind: Callable[..., Architecture]) -> nn.Module:
    return getattr(torchvision.models, kind().kind)(weights=None, num_classes=CLASSES)


def shapes(model: nn.Module) -> dict[str, torch.Size]:
    return {name: parameter.shape for name, parameter in model.named_parameters()}


@every_kind
def test_the_default_width_is_torchvisions_own_network_to_the_bit(kind) -> None:
    with seeded(3):
        theirs = published(kind).state_dict()
    ours = state_dict_of(kind().build(CLASSES, 3, 32, seed=3))
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("width", [4, 8, 20, 128])
@every_kind
def test_every_layer_keeps_its_name_and_scales_its_channels(kind, width) -> None:
    with torch.device("meta"):
        theirs, ours = shapes(published(kind)), shapes(kind(width=width).build(CLASSES, 3, 32, seed=0))
    assert list(ours) == list(theirs)
    for name, shape in theirs.items():
        unscaled = {"conv1.weight": {1}, "fc.weight": {0}, "fc.bias": {0}}.get(name, set())
        sides = {0, 1} - unscaled  # output and input channels; the kernel stays
        expected = [n * width // 64 if side in sides else n for side, n in enumerate(shape)]
        assert list(ours[name]) == expected, name


@pytest.mark.parametrize("width", [8, 16, 64])
def test_resnet18_has_as_many_weights_as_its_definition_says(width) -> None:
    count, taken = 3 * 7 * 7 * width + 2 * width, width
    for stage in range(4):
        given = width * 2**stage
        for block in range(2):
            count += 9 * taken * given + 9 * given * given + 4 * given
            if stage and not block:
                count += taken * given + 2 * given
            taken = given
    count += (taken + 1) * CLASSES
    model = ResNet18(width=width).build(CLASSES, 3, 32, seed=0)
    assert sum(p.numel() for p in model.parameters()) == count


def test_a_narrow_networks_first_weights_have_torchvisions_distribution() -> None:
    model = ResNet18(width=16).build(CLASSES, 3, 32, seed=0)
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            spread = (2 / (layer.out_channels * prod(layer.kernel_size))) ** 0.5
            found = layer.weight.std().item()
            # The standard deviation of n normal numbers is off by about 1 / sqrt(2 n) of itself.
            assert abs(found / spread - 1) < 5 / (2 * layer.weight.numel()) ** 0.5, name
        elif isinstance(layer, nn.BatchNorm2d):
            assert torch.equal(layer.weight, torch.ones_like(layer.weight))
            assert torch.equal(layer.bias, torch.zeros_like(layer.bias))
        elif isinstance(layer, nn.Linear):
            assert 0.8 < layer.weight.abs().max() * layer.in_features**0.5 <= 1


def test_a_narrow_networks_first_weights_follow_the_seed_alone() -> None:
    first, again, other = (
        state_dict_of(ResNet18(width=8, dropout=p).build(CLASSES, 3, 32, seed=seed))
        for p, seed in ((0.0, 5), (0.5, 5), (0.0, 6))
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize("channels", [1, 3])
@every_kind
def test_all_other_edits_work_on_a_narrow_network(kind, channels) -> None:
    shake = ShakeDropSettings(place="all")
    spec = kind(width=8, full_resolution_steps=3, max_pool=False, dropout=0.2, shakedrop=shake)
    model = spec.build(CLASSES, channels, 16, seed=0)
    sides = {stage.name: stage.output_shape[-1] for stage in summarize(model, channels, 16)}
    assert [sides[f"layer{number}"] for number in (1, 2, 3, 4)] == [16, 16, 16, 8]
    blocks = sum(len(getattr(model, f"layer{number}")) for number in (1, 2, 3, 4))
    assert sum(isinstance(module, ShakeDrop) for module in model.modules()) == blocks
    model(torch.rand(3, channels, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@every_kind
def test_imagenets_weights_of_another_width_are_refused_at_the_width(kind) -> None:
    draft = {"architecture": {"kind": kind().kind, "pretrained": "imagenet", "width": 16}}
    with pytest.raises(InvalidSettings) as caught:
        recipe_from_draft(draft)
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("architecture.width", 16)
    assert "width 64 only" in problem.rule
    assert problem.remedy == "set it to 64, or pretrained to 'none'"
    recipe_from_draft({"architecture": {"kind": kind().kind, "pretrained": "imagenet", "width": 64}})


def test_an_unknown_choice_of_weights_is_the_only_problem_beside_another_width() -> None:
    with pytest.raises(InvalidSettings) as caught:
        recipe_from_draft({"architecture": {"kind": "resnet18", "pretrained": "coco", "width": 16}})
    assert [problem.field for problem in caught.value.problems] == ["architecture.pretrained"]
