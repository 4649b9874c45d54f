"""What is saved has the standard names and fits the plain architectures."""

import pytest
import torch
from safetensors.torch import load, save

from core.errors import BadInput
from core.models import MobileNetV3Small, MyNet, ResNet18
from core.models.weights import load_state, state_dict_of
from core.vision import torchvision


def test_names_and_order_are_torchvisions() -> None:
    ours = ResNet18().build(3, 3, 32, seed=0)
    theirs = torchvision.models.resnet18(weights=None, num_classes=3)
    state = state_dict_of(ours, steps=12)
    assert list(state) == list(theirs.state_dict())
    assert state["bn1.num_batches_tracked"].item() == 12
    assert {n: t.dtype for n, t in state.items()} == {n: t.dtype for n, t in theirs.state_dict().items()}


def test_goes_through_a_file_and_back_also_in_channels_last() -> None:
    model = MyNet(width=8).build(3, 3, 32, seed=0).to(memory_format=torch.channels_last)
    stored = load(save(state_dict_of(model)))
    twin = MyNet(width=8).build(3, 3, 32, seed=1).to(memory_format=torch.channels_last)
    weight = twin.blocks[0][0].weight
    load_state(twin, stored)
    assert twin.blocks[0][0].weight is weight  # in place: optimizers and graphs hold on to it
    assert weight.is_contiguous(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.eval()(images), twin.eval()(images))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("fc.weight"), "they lack 'fc.weight'"),
        (lambda state: state.update(extra=torch.zeros(1)), "they have the unknown 'extra'"),
        (lambda state: state.update({"fc.bias": torch.zeros(9)}), "another shape in 'fc.bias'"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_changed(damage, message) -> None:
    model = ResNet18().build(3, 3, 32, seed=0)
    before = {name: tensor.clone() for name, tensor in state_dict_of(model).items()}
    state = state_dict_of(ResNet18().build(3, 3, 32, seed=1))
    damage(state)
    with pytest.raises(BadInput, match=message):
        load_state(model, state, "the weights in last.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in state_dict_of(model).items())


def test_weights_of_another_architecture_name_the_file() -> None:
    state = state_dict_of(MobileNetV3Small().build(3, 3, 32, seed=0))
    with pytest.raises(BadInput, match=r"^The weights in a\.safetensors do not fit"):
        load_state(MyNet().build(3, 3, 32, seed=0), state, "the weights in a.safetensors")
