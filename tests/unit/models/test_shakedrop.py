"""ShakeDrop against the paper's formulas, and where it is put."""

import copy
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from scipy import stats
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from core.errors import BadInput
from core.models import (
    ConvNeXtTiny,
    EfficientNetB0,
    EfficientNetV2S,
    MobileNetV3Small,
    ResNet18,
    ResNet50,
    ShakeDropSettings,
)
from core.models.randomness import ShakeDrop, set_generator
from core.models.shakedrop import chosen_stages
from core.models.weights import load_state, state_dict_of

FAMILIES = [ResNet18(), ResNet50(), EfficientNetV2S(), EfficientNetB0(), MobileNetV3Small(), ConvNeXtTiny()]


def shaken(layer: ShakeDrop, images: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The factor of each image forward and backward, seen on a branch of ones."""
    layer.generator = torch.Generator().manual_seed(seed)
    branch = torch.ones(images, 2, 3, 3, requires_grad=True)
    output = layer(branch)
    output.sum().backward()
    assert branch.grad is not None
    # One factor for all values of an image.
    for values in (output.detach(), branch.grad):
        assert torch.equal(values, values[:, :1, :1, :1].expand_as(values))
    return output.detach()[:, 0, 0, 0], branch.grad[:, 0, 0, 0]


def test_always_shaken_multiplies_by_alpha_forward_and_by_beta_backward() -> None:
    ahead, back = shaken(ShakeDrop(1.0), 10_000)
    assert -1.0 <= ahead.min() < -0.99
    assert 0.99 < ahead.max() <= 1.0
    assert 0.0 <= back.min() < 0.01
    assert 0.99 < back.max() <= 1.0
    assert abs(ahead.mean()) < 4 * (2 / 12**0.5) / 100
    assert abs(back.mean() - 0.5) < 4 * (1 / 12**0.5) / 100
    assert abs(torch.corrcoef(torch.stack([ahead, back]))[0, 1]) < 0.05


def test_never_shaken_passes_values_and_gradients_unchanged() -> None:
    ahead, back = shaken(ShakeDrop(0.0), 50)
    assert torch.equal(ahead, torch.ones(50))
    assert torch.equal(back, torch.ones(50))


@pytest.mark.parametrize(("alpha", "beta"), [(-0.5, 0.25), (0.0, 0.0), (0.75, 1.0)])
def test_factors_are_the_papers_formulas(alpha: float, beta: float) -> None:
    """With ranges of one point α and β are known: what is left of b + α − bα is b's choice."""
    for seed in range(20):
        ahead, back = shaken(ShakeDrop(0.5, (alpha, alpha), (beta, beta)), 4, seed)
        gate = torch.empty(()).bernoulli_(0.5, generator=torch.Generator().manual_seed(seed))
        assert torch.allclose(ahead, (gate + alpha - gate * alpha).expand(4))
        assert torch.allclose(back, (gate + beta - gate * beta).expand(4))


def test_a_branch_of_known_values_and_gradients_is_scaled_by_both_factors() -> None:
    """y = x + (b + α − bα) f with f = x²: the shortcut stays, the branch's share of dy/dx is 2x times
    b + β − bβ, whatever comes from behind."""
    alpha, beta = -0.75, 0.3
    layer = ShakeDrop(0.5, (alpha, alpha), (beta, beta))
    x = torch.linspace(-2, 3, 24).reshape(2, 3, 2, 2).requires_grad_()
    behind = torch.linspace(1, -4, 24).reshape(2, 3, 2, 2)
    gates = set()
    for seed in range(10):
        layer.generator = torch.Generator().manual_seed(seed)
        y = x + layer(x.square())
        (found,) = torch.autograd.grad(y, x, behind)
        gate = bool(torch.allclose(y, x + x.square()))
        gates.add(gate)
        ahead, back = (1.0, 1.0) if gate else (alpha, beta)
        torch.testing.assert_close(y, x + ahead * x.square())
        torch.testing.assert_close(found, behind * (1 + back * 2 * x))
    assert gates == {True, False}


def test_alpha_and_beta_are_drawn_per_image_and_the_gate_per_mini_batch() -> None:
    layer = ShakeDrop(0.5)
    for seed in range(20):
        ahead, back = shaken(layer, 30, seed)
        is_open = torch.equal(ahead, torch.ones(30))
        assert len(ahead.unique()) == len(back.unique()) == (1 if is_open else 30)
        assert torch.equal(back, torch.ones(30)) == is_open


def test_every_block_of_a_network_has_a_gate_of_its_own() -> None:
    """α = 0: a shaken branch is nothing at all, for every image of the batch, and an open one is as it
    was. Gates of two blocks are independent, those of neighbouring steps too."""
    settings = ShakeDropSettings(place="all", alpha=(0.0, 0.0))
    model = ResNet18(width=4, shakedrop=settings).build(3, 3, 32, seed=0)
    set_generator(model, torch.Generator().manual_seed(0))
    layers = [m for m in model.modules() if isinstance(m, ShakeDrop)]
    gates: list[bool] = []
    for layer in layers:
        # Weights of their own decide the branch; a forward hook sees it before and after.
        layer.register_forward_hook(lambda _m, args, out: gates.append(_gate_of(args[0], out)))
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        for _ in range(200):
            model(images)
    found = torch.tensor(gates, dtype=torch.float64).reshape(200, len(layers))
    assert len(layers) == 8
    assert (found.mean(0) - 0.5).abs().max() < 4 * 0.5 / 200**0.5
    columns = torch.cat([found[1:], found[:-1]], dim=1).T
    unrelated = torch.corrcoef(columns) - torch.eye(16)
    assert unrelated.abs().max() < 4.5 / 200**0.5


def _gate_of(branch: Tensor, output: Tensor) -> bool:
    """Whether the gate was open; all images must agree."""
    if torch.equal(output, branch):
        return True
    assert not output.any()
    return False


def test_gates_of_two_blocks_are_independent_over_10000_draws() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = ShakeDrop(0.5, (0.0, 0.0)), ShakeDrop(0.2, (0.0, 0.0))
    first.generator = second.generator = generator
    branch = torch.ones(1, 1, 1, 1)
    draws = [(int(first(branch)), int(second(branch))) for _ in range(10_000)]
    counts = [draws.count(pair) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert stats.chisquare(counts, [1000, 4000, 1000, 4000]).pvalue > 1e-3


class _NoHostSync(TorchDispatchMode):
    """Fails where a value is read from a tensor: `.item()`, `bool(tensor)`, an `if` on one, or a shape
    that depends on values."""

    FORBIDDEN = ("_local_scalar_dense", "is_nonzero", "equal", "nonzero", "masked_select", "unique")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        masks = [i for i in args[1] if i is not None and i.dtype == torch.bool] if name == "index" else []
        if name in self.FORBIDDEN or masks:
            raise AssertionError(f"{name} waits for the device")
        return func(*args, **(kwargs or {}))


def _reads_in_the_backward_pass(values: Tensor) -> None:
    values.requires_grad_().register_hook(lambda grad: grad * grad.sum().item())
    values.sum().backward()


@pytest.mark.parametrize(
    "read",
    [
        lambda values: values.sum().item(),
        lambda values: bool(values.sum() > 0),
        lambda values: values[values > 0.5],
        lambda values: values.nonzero(),
        _reads_in_the_backward_pass,
    ],
    ids=["item", "bool", "mask", "nonzero", "backward"],
)
def test_the_guard_against_host_syncs_notices_one(read) -> None:
    with _NoHostSync(), pytest.raises(AssertionError, match="waits for the device"):
        read(torch.rand(4))


@pytest.mark.parametrize("spec", FAMILIES, ids=lambda spec: spec.kind)
def test_a_training_step_with_shakedrop_reads_nothing_back(spec) -> None:
    model = spec.model_copy(update={"shakedrop": ShakeDropSettings(place="all")}).build(3, 3, 32, seed=0)
    set_generator(model, torch.Generator().manual_seed(0))
    images = torch.rand(2, 3, 32, 32)
    with _NoHostSync():
        model(images).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_nothing_depends_on_drawn_values_so_meta_tensors_pass(training: bool) -> None:
    """A meta tensor has no values: an `if` on one raises."""
    branch = torch.empty(4, 2, 3, 3, device="meta", requires_grad=True)
    output = ShakeDrop(0.5).train(training)(branch)
    output.sum().backward()
    assert branch.grad is not None
    assert output.shape == branch.grad.shape == branch.shape


def test_the_traced_operations_are_the_same_whatever_is_drawn() -> None:
    """A CUDA graph repeats what was captured: an open and a closed gate must take the same way."""
    layer, branch = ShakeDrop(0.5), torch.rand(4, 2, 3, 3)
    codes, outputs = set(), set()
    with torch.random.fork_rng(devices=[]):
        for seed in range(8):
            torch.manual_seed(seed)
            outputs.add(bool(torch.equal(layer(branch), branch)))
            torch.manual_seed(seed)
            codes.add(make_fx(layer)(branch).code)
    assert outputs == {True, False}, "both gates were drawn"
    assert len(codes) == 1


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_one_gate_per_mini_batch_opens_as_often_as_it_should(probability: float) -> None:
    layer = ShakeDrop(probability, (0.0, 0.0))
    layer.generator = torch.Generator().manual_seed(1)
    branch = torch.ones(2, 1, 1, 1)
    draws = torch.stack([layer(branch).flatten() for _ in range(10_000)])
    assert torch.equal(draws[:, 0], draws[:, 1])
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    spread = (probability * (1 - probability) / 10_000) ** 0.5
    assert abs((1 - draws[:, 0].mean()) - probability) < 4 * spread


@pytest.mark.parametrize(
    ("probability", "alpha"), [(0.5, (-1.0, 1.0)), (0.2, (0.0, 1.0)), (1.0, (-1.0, 1.0))]
)
def test_evaluation_uses_the_expectation_of_the_forward_factor(probability, alpha) -> None:
    layer = ShakeDrop(probability, alpha)
    layer.generator = torch.Generator().manual_seed(2)
    branch = torch.ones(1, 1, 1, 1)
    mean = torch.stack([layer(branch) for _ in range(2_000)]).mean()
    value = layer.eval()(branch)
    assert torch.allclose(value, torch.tensor(1 - probability * (1 - sum(alpha) / 2)))
    assert abs(value.item() - mean) < 4 * 0.7 / 2_000**0.5  # the factor's spread is below 0.7
    assert torch.equal(layer(branch), value)


def test_half_precision_keeps_its_type() -> None:
    layer = ShakeDrop(1.0)
    assert layer(torch.ones(2, 3, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("spec", FAMILIES, ids=lambda spec: spec.kind)
def test_sits_on_every_residual_branch_and_leaves_the_weights_alone(spec) -> None:
    """With probability 1 and α = 0 every branch is multiplied by 0 in evaluation: each block passes
    its shortcut on. Without a shortcut there is nothing to drop, and no layer."""
    everywhere = ShakeDropSettings(probability=1.0, place="all", alpha=(0.0, 0.0))
    plain = spec.build(3, 3, 32, seed=0).eval()
    model = spec.model_copy(update={"shakedrop": everywhere}).build(3, 3, 32, seed=0).eval()
    assert list(state_dict_of(model)) == list(state_dict_of(plain))
    load_state(model, state_dict_of(plain))
    kinds = {"BasicBlock", "Bottleneck", "MBConv", "FusedMBConv", "InvertedResidual", "CNBlock"}
    blocks = [m for m in model.modules() if type(m).__name__ in kinds]
    residual = [block for block in blocks if getattr(block, "use_res_connect", True)]
    assert sum(isinstance(m, ShakeDrop) for m in model.modules()) == len(residual) > 0
    passed: list[tuple[Tensor, Tensor]] = []
    for block in residual:
        if getattr(block, "downsample", None) is None:
            block.register_forward_hook(lambda _m, args, out: passed.append((args[0].clone(), out.clone())))
    with torch.no_grad():
        model(torch.rand(2, 3, 32, 32))
    for before, after in passed:
        # A ResNet block ends in a ReLU, which its input has passed already.
        torch.testing.assert_close(after, before)


@pytest.mark.parametrize("spec", FAMILIES, ids=lambda spec: spec.kind)
def test_trains_and_repeats_with_equal_generators(spec) -> None:
    model = spec.model_copy(update={"shakedrop": ShakeDropSettings()}).build(3, 3, 32, seed=0)
    images, outputs = torch.rand(3, 3, 32, 32), []
    for twin in (model, copy.deepcopy(model)):
        set_generator(twin, torch.Generator().manual_seed(7))
        outputs.append(twin(images))
    outputs[0].square().sum().backward()
    assert torch.equal(outputs[0], outputs[1])
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("count", "centre"), [(1, (1,)), (2, (1, 2)), (3, (2,)), (4, (2, 3)), (6, (3, 4)), (7, (3, 4, 5))]
)
def test_the_centre_leaves_a_third_of_the_stages_out_at_either_end(count, centre) -> None:
    assert chosen_stages(ShakeDropSettings(place="centre"), count) == centre
    assert chosen_stages(ShakeDropSettings(place="all"), count) == tuple(range(1, count + 1))


def test_efficientnet_v2_s_is_shaken_in_its_third_and_fourth_stage_by_default() -> None:
    model = EfficientNetV2S(shakedrop=ShakeDropSettings()).build(3, 3, 32, seed=0)
    names = [name for name, module in model.named_modules() if isinstance(module, ShakeDrop)]
    assert {name.split(".")[1] for name in names} == {"3", "4"}
    assert {model.get_submodule(name).probability for name in names} == {0.5}


def test_linear_decay_grows_to_the_probability_at_the_last_block() -> None:
    settings = ShakeDropSettings(probability=0.5, place="all", linear_decay=True)
    model = ResNet18(shakedrop=settings).build(3, 3, 32, seed=0)
    probabilities = [m.probability for m in model.modules() if isinstance(m, ShakeDrop)]
    assert probabilities == pytest.approx([0.5 * block / 8 for block in range(1, 9)])
    late = settings.model_copy(update={"place": "stages", "stages": (4,)})
    model = ResNet18(shakedrop=late).build(3, 3, 32, seed=0)
    probabilities = [m.probability for m in model.modules() if isinstance(m, ShakeDrop)]
    assert probabilities == pytest.approx([0.5 * 7 / 8, 0.5])


def test_stages_that_do_not_exist_or_hold_no_shortcut_are_refused() -> None:
    with pytest.raises(BadInput, match=r"shakedrop.stages = 5: .* stages 1 to 4"):
        ResNet18(shakedrop=ShakeDropSettings(place="stages", stages=(5,))).build(3, 3, 32, seed=0)
    with pytest.raises(BadInput, match="no block there has a shortcut"):
        EfficientNetB0(shakedrop=ShakeDropSettings(place="stages", stages=(1,))).build(3, 3, 32, seed=0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"place": "stages"}, "at least one number"),
        ({"stages": (1,)}, "only be given with place 'stages'"),
        ({"place": "stages", "stages": (0,)}, "numbered from 1"),
        ({"alpha": (1.0, -1.0)}, "lower end"),
        ({"probability": 1.5}, "less than or equal to 1"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(fields, message) -> None:
    with pytest.raises(ValidationError, match=message):
        ShakeDropSettings(**fields)
