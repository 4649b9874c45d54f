"""The engine in fp32 on the CPU gives the weights of a plain loop, whatever the recipe asks for: every
optimizer, dropout and ShakeDrop, an average of the weights, clipping, mixing. What the loop has of torch
and torchvision, and what of core, stands in plain.py."""

from typing import Any

import pytest
import torch
from torch import nn

from core.augment import AnyMixing
from core.data import Dataset
from core.models.weights import state_dict_of
from core.optim import lr_curve
from core.spec import choices_of, kind_of
from core.train import Task, build_model, fit
from tests.unit import tiny
from tests.unit.optim import cases
from tests.unit.optim.cases import SCHEDULERS, last_lrs
from tests.unit.train import setups
from tests.unit.train.plain import distance, plain_loop
from tests.unit.train.setups import (
    MIXINGS,
    OPTIMIZERS,
    RANDOMNESS,
    SHAKEN,
    ended,
    every_optimizer,
    progress,
    run,
    states,
)

TOLERANCE = 1e-5
"""Relative, of each tensor of weights and batch statistics."""
STEPS = 50


def shaken_recipe(**settings: Any) -> Any:
    """Dropout, ShakeDrop, augmentation, label smoothing and a ragged last batch: 10 steps an epoch
    with 56 images."""
    usual: dict[str, Any] = {
        "architecture": SHAKEN,
        "augmentations": tiny.AUGMENTATIONS,
        "batch_size": 6,
        "epochs": 5,
        "loss": {"label_smoothing": 0.1},
    }
    return tiny.recipe(**(usual | settings))


def moved(task: Task, found: dict[str, torch.Tensor]) -> float:
    """The largest relative way of any matrix or kernel from its first value; biases begin at 0."""
    first = state_dict_of(build_model(task.recipe, task.bank, task.compute))
    return max(float((found[name] - w).norm() / w.norm()) for name, w in first.items() if w.ndim > 1)


@every_optimizer
def test_50_steps_with_dropout_and_shakedrop(dataset: Dataset, optimizer: dict[str, Any]) -> None:
    """With torch's fused kernels; torch's default ones differ in the last bit, which this network
    amplifies: an activation beside 0 falls onto the other side of its ReLU, and the gradient jumps. The
    next test has the default ones in a network without kinks."""
    task = setups.task(dataset, shaken_recipe(optimizer=optimizer), train=56)
    found = states(run(task))[-1].state.weights
    plain = plain_loop(task, [optimizer["lr"]] * 5, fused=True)
    assert len(plain.losses) == STEPS
    assert distance(found, plain.model) < TOLERANCE
    assert moved(task, found) > 0.05, "the weights must have moved for this to say anything"


@every_optimizer
def test_50_steps_with_dropout_and_shakedrop_and_torchs_default_optimizer(
    dataset: Dataset, optimizer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smooth network, in which a last bit stays one: SiLU in place of ReLU in both networks, no
    max-pool, and a tenth of the lr."""
    monkeypatch.setattr(nn, "ReLU", nn.SiLU)
    gentle = optimizer | {"lr": optimizer["lr"] / 10}
    recipe = shaken_recipe(optimizer=gentle, architecture=SHAKEN | {"max_pool": False})
    task = setups.task(dataset, recipe, train=56)
    found = states(run(task))[-1].state.weights
    plain = plain_loop(task, [gentle["lr"]] * 5)
    assert any(isinstance(layer, nn.SiLU) for layer in plain.model.modules())
    assert len(plain.losses) == STEPS
    assert distance(found, plain.model) < TOLERANCE
    assert moved(task, found) > 0.01


@every_optimizer
def test_the_fused_kernel_follows_the_layout_of_the_weights(
    dataset: Dataset, optimizer: dict[str, Any]
) -> None:
    """Three steps of a channels_last network with ShakeDrop against torch's unfused optimizer: too
    few for chance, enough for a momentum that belongs to another weight to show."""
    gentle = optimizer | {"lr": optimizer["lr"] / 100}
    task = setups.task(dataset, shaken_recipe(optimizer=gentle, epochs=1), train=18)
    found = states(run(task))[-1].state.weights
    plain = plain_loop(task, [gentle["lr"]])
    assert len(plain.losses) == 3
    assert distance(found, plain.model) < TOLERANCE


def test_shakedrop_and_dropout_both_act(dataset: Dataset) -> None:
    """So that the equalities above are about them: without either, the weights are other ones."""
    found = []
    for changes in ({}, {"dropout": 0.0}, {"shakedrop": None}):
        task = setups.task(dataset, shaken_recipe(architecture=SHAKEN | changes, epochs=1), train=18)
        found.append(tiny.digest(states(run(task))[-1].state.weights))
    assert len(set(found)) == 3


# Schedulers


@pytest.mark.parametrize("warmup", [0, 2], ids=["", "warm-up"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_each_steps_lr_is_torchs_and_the_previews(dataset: Dataset, name: str, warmup: int) -> None:
    """Torch's own scheduler is stepped with the metrics that this very run measured."""
    spec, epochs = SCHEDULERS[name], 6
    recipe = tiny.recipe(
        epochs=epochs, scheduler=spec.model_dump(mode="json"), warmup={"epochs": warmup}, batch_size=8
    )
    ticks = iter(range(10_000))
    events = run(setups.task(dataset, recipe, train=24, clock=lambda: float(next(ticks))))
    history = states(events)[-1].state.history
    expected = cases.plain_loop(
        spec,
        recipe.warmup,
        cases.torch_optimizer(recipe.optimizer, cases.parameters()),
        epochs=epochs,
        steps=3,
        results_of=lambda epoch: history[epoch - 1],
    )
    trained = [event for event in progress(events) if event.phase == "training"]
    assert [event.lr for event in trained] == [lr for lrs in expected for lr in lrs]
    assert tuple(epoch.lr for epoch in ended(events)) == last_lrs(expected)
    curve = lr_curve(spec, recipe.warmup, recipe.optimizer, epochs=epochs, steps_per_epoch=3)
    # The preview of ReduceLROnPlateau shows a run that always improves.
    if kind_of(spec) != "plateau":
        assert curve.epochs == last_lrs(expected)


def test_weights_follow_the_scheduler(dataset: Dataset) -> None:
    recipe = tiny.recipe(batch_size=8, epochs=3, scheduler={"kind": "step", "step_size": 1, "gamma": 0.5})
    task = setups.task(dataset, recipe)
    events = run(task)
    assert (
        distance(states(events)[-1].state.weights, plain_loop(task, [0.05, 0.025, 0.0125]).model) < TOLERANCE
    )
    assert [epoch.lr for epoch in ended(events)] == [0.05, 0.025, 0.0125]


# An average of the weights


@pytest.mark.parametrize(
    ("architecture", "decay"),
    [(SHAKEN, 0.9), *((RANDOMNESS["architecture"], decay) for decay in (0.5, 0.9, 0.999))],
    ids=["shaken-0.9", "my_net-0.5", "my_net-0.9", "my_net-0.999"],
)
def test_averaged_weights_and_statistics_are_those_of_torchs_averaged_model(
    dataset: Dataset, architecture: dict[str, Any], decay: float
) -> None:
    recipe = shaken_recipe(architecture=architecture, epochs=2, ema={"decay": decay})
    task = setups.task(dataset, recipe, train=56)
    state = states(run(task))[-1].state
    plain = plain_loop(task, [0.05] * 2, fused=True)
    assert plain.averaged is not None
    assert distance(state.weights, plain.model) < TOLERANCE
    assert distance(state.averaged, plain.averaged.module) < TOLERANCE
    assert distance(state.averaged, plain.model) > 1e-3, "an average that is the weights says nothing"


def test_the_average_is_evaluated_beside_the_weights(dataset: Dataset) -> None:
    recipe = tiny.recipe(batch_size=8, epochs=4, ema={"decay": 0.9}, **RANDOMNESS)
    task = setups.task(dataset, recipe)
    epochs = ended(run(task))
    plain = plain_loop(task, [0.05] * 4, fused=True)
    for epoch, (loss, accuracy) in zip(epochs, plain.averaged_val, strict=True):
        assert epoch.ema_val_loss == pytest.approx(loss, rel=1e-5)
        assert epoch.ema_val_accuracy == pytest.approx(accuracy)
        assert epoch.ema_val_loss != pytest.approx(epoch.val_loss, rel=1e-4)


def test_an_average_leaves_the_weights_and_their_figures_alone(dataset: Dataset) -> None:
    without, beside = (
        run(setups.task(dataset, shaken_recipe(epochs=2, ema={"decay": decay}), train=18))
        for decay in (0.0, 0.9)
    )
    assert [n[:-2] for n in setups.numbers(without)] == [n[:-2] for n in setups.numbers(beside)]
    assert {n[-2:] for n in setups.numbers(without)} == {(None, None)}
    for one, other in zip(states(without), states(beside), strict=True):
        assert tiny.digest(one.state.weights) == tiny.digest(other.state.weights)
        assert not one.state.averaged
        assert list(other.state.averaged) == list(other.state.weights)


# Clipping


@pytest.mark.parametrize("clip_norm", [0.01, 1.0])
@every_optimizer
def test_clipped_gradients_are_those_of_torchs_clip_grad_norm(
    dataset: Dataset, optimizer: dict[str, Any], clip_norm: float
) -> None:
    recipe = tiny.recipe(optimizer=optimizer, batch_size=8, epochs=3, clip_norm=clip_norm, **RANDOMNESS)
    task = setups.task(dataset, recipe)
    found = states(run(task))[-1].state.weights
    plain = plain_loop(task, [optimizer["lr"]] * 3, fused=True)
    assert distance(found, plain.model) < TOLERANCE


def test_no_step_sees_a_gradient_above_the_norm_and_some_were(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, norms = nn.utils.clip_grad_norm_, []

    def spy(parameters: Any, max_norm: float) -> torch.Tensor:
        kept = list(parameters)
        before = float(real(kept, max_norm))
        after = float(torch.cat([p.grad.flatten() for p in kept]).norm())
        norms.append((before, after))
        return torch.tensor(before)

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", spy)
    run(setups.task(dataset, tiny.recipe(clip_norm=0.5, **RANDOMNESS)))
    assert len(norms) == 12
    assert max(before for before, _ in norms) > 0.5
    assert all(after <= 0.5 * (1 + 1e-5) for _, after in norms)


# Mixing


def test_every_registered_mixing_is_trained_with() -> None:
    assert {"none", *MIXINGS} == {kind_of(choice) for choice in choices_of(AnyMixing)}


@pytest.mark.parametrize("kind", MIXINGS)
def test_mixed_batches_are_torchvisions_with_the_same_draws(dataset: Dataset, kind: str) -> None:
    recipe = shaken_recipe(architecture=RANDOMNESS["architecture"], epochs=2, mixing={"kind": kind})
    task = setups.task(dataset, recipe, train=56)
    events = run(task)
    plain = plain_loop(task, [0.05] * 2, fused=True)
    assert distance(states(events)[-1].state.weights, plain.model) < TOLERANCE
    # The train loss is that of the mixed targets.
    sizes = [6] * 9 + [2]
    expected = sum(n * loss for n, loss in zip(sizes, plain.losses[10:], strict=True)) / 56
    assert ended(events)[-1].train_loss == pytest.approx(expected, rel=1e-5)


# All of it at once


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_averaging_clipping_and_mixing_go_together(dataset: Dataset, name: str) -> None:
    optimizer = OPTIMIZERS[name]
    recipe = shaken_recipe(
        optimizer=optimizer, epochs=2, clip_norm=1.0, ema={"decay": 0.9}, mixing={"kind": "mixup_or_cutmix"}
    )
    task = setups.task(dataset, recipe, train=56)
    state = states(list(fit(task)))[-1].state
    plain = plain_loop(task, [optimizer["lr"]] * 2, fused=True)
    assert plain.averaged is not None
    assert distance(state.weights, plain.model) < TOLERANCE
    assert distance(state.averaged, plain.averaged.module) < TOLERANCE
