"""Every architecture of the union: it builds, trains a step, and is what torchvision or timm build."""

import threading

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from core.errors import BadInput
from core.models import AnyArchitecture, Architecture, ConvNeXtTiny, MyNet, ResNet18, Timm
from core.models.summary import summarize, totals
from core.models.weights import load_state, state_dict_of
from core.spec import choice, choices_of, kind_of, settings_of
from core.vision import torchvision

KINDS = [kind_of(member) for member in choices_of(AnyArchitecture)]
FROM_TORCHVISION = [kind for kind in KINDS if kind not in ("my_net", "timm")]
ONE_PER_FAMILY = [kind for kind in KINDS if kind not in ("resnet34", "resnet50", "efficientnet_v2_s")]
SMALL_TIMM = [
    "resnet10t",
    "resnet26d",
    "regnety_002",
    "vit_tiny_patch16_224",
    "convnext_atto",
    "mobilenetv3_small_050",
]


def spec(kind: str, **fields: object) -> Architecture:
    if kind == "timm":
        fields = {"name": "resnet10t", **fields}
    return choice(AnyArchitecture, kind)(**fields)  # type: ignore[return-value]


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_builds_and_trains_a_step_on_small_images(kind: str, channels: int) -> None:
    model = spec(kind).build(5, channels, 32, seed=0)
    logits = model(torch.rand(3, channels, 32, 32))
    assert logits.shape == (3, 5)
    assert logits.dtype == torch.float32
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    stages = summarize(model, channels, 32)
    assert totals(stages)[0] == parameters(model)
    assert stages[-1].output_shape == (5,)


@pytest.mark.parametrize("kind", FROM_TORCHVISION)
def test_is_torchvisions_network(kind: str) -> None:
    """Same names, same shapes, and with the same weights the same logits."""
    theirs = getattr(torchvision.models, kind)(weights=None, num_classes=7).eval()
    ours = spec(kind).build(7, 3, 32, seed=1).eval()
    assert parameters(ours) == parameters(theirs)
    load_state(ours, theirs.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)
    theirs.load_state_dict(state_dict_of(ours), strict=True)


@pytest.mark.parametrize("name", SMALL_TIMM)
def test_is_timms_network(name: str) -> None:
    import timm

    size = {"img_size": 32} if name.startswith("vit") else {}
    theirs = timm.create_model(name, num_classes=7, in_chans=1, **size).eval()
    ours = Timm(name=name, dropout=0.3).build(7, 1, 32, seed=1).eval()
    assert parameters(ours) == parameters(theirs)
    load_state(ours, theirs.state_dict())
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)
    assert totals(summarize(ours, 1, 32))[0] == parameters(ours)


@pytest.mark.parametrize("kind", ["my_net", "resnet18", "mobilenet_v3_small", "timm"])
def test_initial_weights_follow_the_seed_alone(kind: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = state_dict_of(spec(kind).build(4, 3, 32, seed=11))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    again = state_dict_of(spec(kind, dropout=0.5).build(4, 3, 40, seed=11))
    other = state_dict_of(spec(kind).build(4, 3, 32, seed=12))
    assert list(first) == list(again)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_builds_in_two_threads_do_not_disturb_each_other() -> None:
    alone = {seed: state_dict_of(MyNet().build(4, 3, 16, seed)) for seed in range(4)}
    together: dict[int, dict[str, torch.Tensor]] = {}

    def build(seed: int) -> None:
        together[seed] = state_dict_of(MyNet().build(4, 3, 16, seed))

    threads = [threading.Thread(target=build, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, state in alone.items():
        assert all(torch.equal(state[name], together[seed][name]) for name in state)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_my_net_has_the_blocks_and_widths_it_is_asked_for(blocks: int) -> None:
    model = MyNet(blocks=blocks, width=8, dropout=0.5).build(6, 3, 32, seed=0)
    stages = summarize(model, 3, 32)
    expected = [(8 * 2**b, 32 // 2 ** (b + 1), 32 // 2 ** (b + 1)) for b in range(blocks)]
    assert [stage.output_shape for stage in stages[:blocks]] == expected
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 2 * blocks


@pytest.mark.parametrize("kind", ONE_PER_FAMILY)
def test_dropout_acts_right_before_the_last_linear_layer_and_nowhere_else(kind: str) -> None:
    model = spec(kind, dropout=0.9).build(5, 3, 32, seed=0)
    dropouts = [m for m in model.modules() if isinstance(m, nn.Dropout) and m.p]
    assert [m.p for m in dropouts] == [0.9]
    seen: list[torch.Size] = []
    dropouts[0].register_forward_hook(lambda _m, _a, output: seen.append(output.shape))
    head = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    model.eval()(torch.rand(2, 3, 32, 32))
    assert seen == [torch.Size((2, head.in_features))]


@pytest.mark.parametrize("kind", ONE_PER_FAMILY)
def test_input_size_resizes_first_and_keeps_the_weights_names(kind: str) -> None:
    plain = spec(kind).build(5, 3, 32, seed=0).eval()
    resized = spec(kind, input_size=32).build(5, 3, 20, seed=0).eval()
    assert list(state_dict_of(resized)) == list(state_dict_of(plain))
    images = torch.rand(2, 3, 20, 20)
    larger = nn.functional.interpolate(images, size=(32, 32), mode="bilinear", align_corners=False)
    with torch.no_grad():
        torch.testing.assert_close(resized(images), plain(larger))
    assert summarize(resized, 3, 20)[0].output_shape == (3, 32, 32)


def test_images_that_shrink_to_nothing_are_refused_before_a_run() -> None:
    with pytest.raises(BadInput, match=r"my_net .* 8 x 8 pixels"):
        MyNet(blocks=4).build(5, 3, 8, seed=0)
    with pytest.raises(BadInput, match="28 x 28 pixels"):
        ConvNeXtTiny().build(5, 3, 28, seed=0)


def test_other_than_1_or_3_channels_are_refused() -> None:
    with pytest.raises(BadInput, match="channels = 2"):
        ResNet18().build(5, 2, 32, seed=0)


def test_an_unknown_name_of_timm_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValidationError, match="'resnt18'; did you mean 'resnet18'"):
        Timm(name="resnt18")
    with pytest.raises(ValidationError, match=r"no architecture named 'zzzzqqqq'; see timm\.list_models"):
        Timm(name="zzzzqqqq")
    with pytest.raises(ValidationError, match=r"leave the tag '\.nowhere' out"):
        Timm(name="resnet18.nowhere")
    assert Timm(name="resnet18.a1_in1k").name == "resnet18.a1_in1k"


def test_a_timm_network_that_cannot_do_what_is_asked_says_so() -> None:
    with pytest.raises(BadInput, match="no max-pool"):
        Timm(name="regnety_002", max_pool=False).build(5, 3, 32, seed=0)
    with pytest.raises(BadInput, match="downsampling convolutions"):
        Timm(name="regnety_002", full_resolution_steps=16).build(5, 3, 32, seed=0)
    with pytest.raises(BadInput, match="cannot build 'vgg11'"):
        Timm(name="vgg11", stochastic_depth=0.1).build(5, 3, 32, seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_survives_a_round_trip_through_json(kind: str) -> None:
    adapter: TypeAdapter[Architecture] = TypeAdapter(AnyArchitecture)
    written = spec(kind).model_dump_json()
    assert adapter.validate_json(written) == spec(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_label_and_a_help(kind: str) -> None:
    settings = settings_of(choice(AnyArchitecture, kind))
    assert all(setting.label and setting.help for setting in settings)
    assert choice(AnyArchitecture, kind).label
    assert "Source:" in (choice(AnyArchitecture, kind).__doc__ or "")
