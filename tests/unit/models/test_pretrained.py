"""ImageNet's weights from a file in torch's cache folder; no test downloads anything."""

from pathlib import Path
from urllib.error import URLError

import pytest
import safetensors.torch
import timm
import torch

from core.errors import Damaged, Unavailable
from core.models import ResNet18, Timm
from core.models.pretrained import weights_folder
from core.models.weights import state_dict_of
from core.vision import torchvision


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no network."""

    def unreachable(*args: object, **kwargs: object) -> None:
        raise URLError("no network in tests")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    weights_folder().mkdir(parents=True)
    return weights_folder()


@pytest.fixture
def published(cache: Path) -> dict[str, torch.Tensor]:
    """A stand-in for the published file of ResNet-18, in its format, where torch looks for it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = torchvision.models.resnet18(weights=None).state_dict()
    name = Path(torchvision.models.ResNet18_Weights.DEFAULT.url).name
    torch.save(state, cache / name)
    return state


@pytest.mark.parametrize("num_classes", [5, 1000])
def test_all_but_the_head_comes_from_the_file(published, num_classes) -> None:
    spec = ResNet18(pretrained="imagenet", full_resolution_steps=2, dropout=0.5)
    state = state_dict_of(spec.build(num_classes, 3, 32, seed=3))
    fresh = state_dict_of(ResNet18().build(num_classes, 3, 32, seed=3))
    for name, tensor in state.items():
        expected = fresh[name] if name.startswith("fc.") else published[name]
        assert torch.equal(tensor, expected), name


def test_for_grey_images_the_first_weights_are_summed_over_the_colours(published) -> None:
    grey = ResNet18(pretrained="imagenet").build(5, 1, 32, seed=3).eval()
    colour = ResNet18(pretrained="imagenet").build(5, 3, 32, seed=3).eval()
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(images), colour(images.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_without_a_network_it_says_where_the_file_may_be_put(cache: Path) -> None:
    with pytest.raises(Unavailable, match="put the file at") as caught:
        ResNet18(pretrained="imagenet").build(5, 3, 32, seed=0)
    name = Path(torchvision.models.ResNet18_Weights.DEFAULT.url).name
    assert str(cache / name) in str(caught.value)


def test_a_damaged_file_is_named(published, cache: Path) -> None:
    file = next(cache.iterdir())
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Damaged, match="delete it") as caught:
        ResNet18(pretrained="imagenet").build(5, 3, 32, seed=0)
    assert str(file) in str(caught.value)


def test_timms_weights_may_be_put_there_too(cache: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        published = timm.create_model("resnet10t").state_dict()
    safetensors.torch.save_file(published, cache / "resnet10t.safetensors")
    state = state_dict_of(Timm(name="resnet10t", pretrained="imagenet").build(5, 3, 32, seed=0))
    assert all(torch.equal(state[n], published[n]) for n in state if not n.startswith("fc."))
    assert state["fc.weight"].shape == (5, 512)


def test_timm_without_a_network_says_where_the_file_may_be_put(cache: Path, monkeypatch) -> None:
    def unreachable(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no network in tests")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(Unavailable, match=r"resnet10t\.safetensors"):
        Timm(name="resnet10t", pretrained="imagenet").build(5, 3, 32, seed=0)
