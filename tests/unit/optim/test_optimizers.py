"""Every optimizer takes the steps that torch's own takes with the same settings."""

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from core.optim import AnyOptimizer, OptimizerSpec
from core.spec import choices_of, kind_of
from tests.unit.optim.cases import optimizer, torch_optimizer

CASES = {
    "sgd": optimizer("sgd", lr=0.1),
    "sgd-plain": optimizer("sgd", lr=0.1, momentum=0.0),
    "sgd-nesterov": optimizer("sgd", lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01),
    "adam": optimizer("adam"),
    "adam-all": optimizer("adam", lr=0.01, beta1=0.8, beta2=0.9, eps=1e-4, weight_decay=0.1),
    "adamw": optimizer("adamw"),
    "adamw-all": optimizer("adamw", lr=0.01, beta1=0.8, beta2=0.9, eps=1e-4, weight_decay=0.1),
    "rmsprop": optimizer("rmsprop"),
    "rmsprop-all": optimizer(
        "rmsprop", lr=0.01, alpha=0.9, eps=1e-4, momentum=0.5, centered=True, weight_decay=0.1
    ),
}
every_case = pytest.mark.parametrize("spec", CASES.values(), ids=CASES.keys())


def weights() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(5)
    return [nn.Parameter(torch.randn(size, generator=generator)) for size in (3, 4)]


def five_steps(built: Optimizer, parameters: list[nn.Parameter]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(6)
    for _ in range(5):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        built.step()
    return [parameter.detach() for parameter in parameters]


def test_every_registered_optimizer_has_a_case() -> None:
    assert {kind_of(spec) for spec in CASES.values()} == {kind_of(spec) for spec in choices_of(AnyOptimizer)}


@every_case
def test_five_steps_equal_torchs_own_to_the_bit(spec: OptimizerSpec) -> None:
    ours, plain = weights(), weights()
    for a, b in zip(
        five_steps(spec.build(ours), ours), five_steps(torch_optimizer(spec, plain), plain), strict=True
    ):
        assert torch.equal(a, b)


@every_case
def test_the_fused_kernel_takes_the_same_steps(spec: OptimizerSpec) -> None:
    ours, plain = weights(), weights()
    fused = five_steps(spec.build(ours, fused=True), ours)
    for a, b in zip(fused, five_steps(torch_optimizer(spec, plain), plain), strict=True):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-7)


@every_case
def test_a_momentum_is_told_where_there_is_one(spec: OptimizerSpec) -> None:
    group = spec.build(weights()).param_groups[0]
    assert spec.cycles_momentum == (group.get("momentum", 0) > 0 or "betas" in group)


def test_other_settings_give_other_steps() -> None:
    """So that a setting that never reaches torch is found."""
    for kind in {kind_of(spec) for spec in CASES.values()}:
        results = []
        for name in (kind, f"{kind}-all" if f"{kind}-all" in CASES else f"{kind}-nesterov"):
            own = weights()
            results.append(torch.cat(five_steps(CASES[name].build(own), own)))
        assert not torch.allclose(*results)
