"""The loop: its events, and the same numbers as torch's own parts, reproducible to the bit."""

import random
import types
from typing import Any

import numpy as np
import pytest
import torch

from core.data import Dataset
from core.optim import AnyOptimizer
from core.spec import choices_of, kind_of
from core.train import (
    CheckpointReady,
    EpochEnded,
    Progress,
    build_model,
    evaluate,
    fit,
)
from core.train.images import Normalizer
from tests.unit import tiny
from tests.unit.train import setups
from tests.unit.train.plain import plain_loop
from tests.unit.train.setups import (
    OPTIMIZERS,
    RANDOMNESS,
    SHAKEN,
    ended,
    numbers,
    progress,
    run,
    states,
)


def test_every_registered_optimizer_is_trained_with() -> None:
    assert {each["kind"] for each in OPTIMIZERS.values()} == {kind_of(s) for s in choices_of(AnyOptimizer)}


def test_fit_is_a_generator_of_events_in_order(dataset: Dataset) -> None:
    events = fit(setups.task(dataset, tiny.recipe(epochs=2)))
    assert isinstance(events, types.GeneratorType)
    kinds = [type(event) for event in events]
    one = [Progress, Progress, EpochEnded, CheckpointReady]  # training's last, then evaluating
    assert kinds == one * 2


def test_progress_is_reported_as_often_as_the_clock_says(dataset: Dataset) -> None:
    ticks = iter(range(10_000))
    events = run(setups.task(dataset, tiny.recipe(epochs=1), clock=lambda: float(next(ticks))))
    training = [event for event in progress(events) if event.phase == "training"]
    assert [event.step for event in training] == [1, 2, 3, 4, 5, 6]
    assert {event.steps for event in training} == {6}
    assert [event.position for event in training] == [pytest.approx(step / 6) for step in range(1, 7)]
    assert progress(events)[-1].phase == "evaluating"
    assert progress(events)[-1].position == 1.0


def test_an_epochs_numbers_are_those_of_its_weights(dataset: Dataset) -> None:
    task = setups.task(dataset, tiny.recipe(epochs=1))
    events = run(task)
    (epoch,), (ready,) = ended(events), states(events)
    model = build_model(task.recipe, task.bank, task.compute)
    model.load_state_dict(
        {k: v for k, v in ready.state.weights.items() if k in model.state_dict()}, strict=False
    )
    normalizer = Normalizer(task.statistics, task.compute.device)
    for indices, loss, accuracy in (
        (task.bank.val, epoch.val_loss, epoch.val_accuracy),
        (task.bank.clean_train, epoch.clean_train_loss, epoch.clean_train_accuracy),
    ):
        found = evaluate(model, task.bank.images, task.bank.labels, indices, normalizer, task.compute)
        assert found.loss == pytest.approx(loss, rel=1e-6)
        assert found.accuracy == accuracy
    assert ready.val_accuracy == epoch.val_accuracy
    assert len(ready.val_outcomes.predicted) == len(task.bank.val)
    assert ready.val_outcomes.accuracy == epoch.val_accuracy
    assert epoch.images_per_s > 0
    assert epoch.seconds > 0


def test_train_accuracy_is_measured_in_training_on_augmented_images(dataset: Dataset) -> None:
    """Against the plain loop: the mean over the epoch's own steps, while the weights move."""
    task = setups.task(dataset, tiny.recipe(epochs=1, batch_size=12, **RANDOMNESS))
    (epoch,) = ended(run(task))
    losses = plain_loop(task, [0.05]).losses
    assert epoch.train_loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_the_best_epoch_is_the_first_of_equals(dataset: Dataset) -> None:
    events = run(setups.task(dataset, tiny.recipe(epochs=6)))
    best, expected = -1.0, []
    for each in states(events):
        expected.append(each.val_accuracy > best)
        best = max(best, each.val_accuracy)
    assert [each.is_best for each in states(events)] == expected
    assert expected[0]
    assert not all(expected), "six epochs of so small a net do not improve each time"


def test_weights_in_a_checkpoint_do_not_move_on_with_the_training(dataset: Dataset) -> None:
    digests = []
    kept = []
    for event in fit(setups.task(dataset, tiny.recipe(epochs=3))):
        if isinstance(event, CheckpointReady):
            kept.append(event.state)
            digests.append((tiny.digest(event.state.weights), tiny.digest(event.state.optimizer)))
    assert [(tiny.digest(s.weights), tiny.digest(s.optimizer)) for s in kept] == digests
    assert len({weights for weights, _ in digests}) == 3


def test_the_same_seed_gives_the_same_bits_twice_and_another_seed_others(dataset: Dataset) -> None:
    first, second, other = (
        run(setups.task(dataset, tiny.recipe(seed=seed, **RANDOMNESS))) for seed in (5, 5, 6)
    )
    assert numbers(first) == numbers(second) != numbers(other)
    for a, b, c in zip(states(first), states(second), states(other), strict=True):
        assert tiny.digest(a.state.weights) == tiny.digest(b.state.weights) != tiny.digest(c.state.weights)
        assert tiny.digest(a.state.optimizer) == tiny.digest(b.state.optimizer)


def test_what_others_draw_changes_nothing(dataset: Dataset) -> None:
    """Pages and other runs of one process may draw from the global generators at any time."""
    quiet = run(setups.task(dataset, tiny.recipe(**RANDOMNESS)))
    noisy = []
    for event in fit(setups.task(dataset, tiny.recipe(**RANDOMNESS))):
        torch.rand(3)
        noisy.append(event)
    assert numbers(noisy) == numbers(quiet)


@pytest.mark.parametrize("architecture", ["my_net", "shaken"])
def test_the_global_random_state_is_untouched(dataset: Dataset, architecture: str) -> None:
    settings: dict[str, Any] = RANDOMNESS
    if architecture == "shaken":
        settings = {"architecture": SHAKEN, "augmentations": tiny.AUGMENTATIONS}
    before = (torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    run(setups.task(dataset, tiny.recipe(epochs=1, **settings), train=16))
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    assert before[2] == random.getstate()


def test_the_order_is_a_new_permutation_in_each_epoch(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    real = torch.Tensor.index_select

    def spy(self: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
        if self.ndim == 4:  # images, not labels
            seen.append(index.clone())
        return real(self, dim, index)

    task = setups.task(dataset, tiny.recipe(epochs=2))
    monkeypatch.setattr(torch.Tensor, "index_select", spy)
    run(task)
    orders = [index for index in seen if len(index) == len(task.bank.train)]
    assert len(orders) == 2
    assert not torch.equal(orders[0], orders[1])
    for order in orders:
        assert torch.equal(order.sort().values, task.bank.train)
        assert not torch.equal(order, task.bank.train)
