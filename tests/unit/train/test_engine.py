"""The loop: torch's own numbers, reproducible to the bit, and stoppable at any moment."""

import random
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.data import Dataset
from core.optim import AnyOptimizer
from core.spec import choices_of, kind_of
from core.train import (
    Card,
    CheckpointReady,
    Diverged,
    EpochEnded,
    Progress,
    Resume,
    Stopped,
    StopRequest,
    build_model,
    evaluate,
    fit,
    read_state,
    resolve_compute,
    steps_per_epoch,
    write_state,
)
from core.train.images import Normalizer
from tests.unit import tiny
from tests.unit.optim.cases import SCHEDULERS
from tests.unit.train import setups
from tests.unit.train.setups import RANDOMNESS, distance, ended, numbers, progress, run, states

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"kind": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
    "sgd-plain": {"kind": "sgd", "lr": 0.02, "momentum": 0.0},
    "adam": {"kind": "adam", "lr": 0.001, "weight_decay": 0.001},
    "adamw": {"kind": "adamw", "lr": 0.001},
    "rmsprop": {"kind": "rmsprop", "lr": 0.001, "momentum": 0.5, "centered": True},
}
SHAKEN: dict[str, Any] = {
    "kind": "mobilenet_v3_small",
    "full_resolution_steps": 2,
    "dropout": 0.2,
    "shakedrop": {"place": "all"},
}
"""The smallest network with residual blocks."""
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


def test_every_registered_optimizer_is_trained_with() -> None:
    assert {each["kind"] for each in OPTIMIZERS.values()} == {kind_of(s) for s in choices_of(AnyOptimizer)}


# Events


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
    _, losses = setups.plain_loop(task, [0.05])
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


# The same numbers as torch's own parts in a plain loop


@every_optimizer
def test_weights_equal_a_plain_loop_of_torchs_own_parts(dataset: Dataset, optimizer: dict[str, Any]) -> None:
    """33 steps with a ragged last batch, dropout, augmentation and label smoothing."""
    recipe = tiny.recipe(
        optimizer=optimizer, batch_size=8, epochs=3, loss={"label_smoothing": 0.1}, **RANDOMNESS
    )
    task = setups.task(dataset, recipe)
    events = run(task)
    expected, losses = setups.plain_loop(task, [optimizer["lr"]] * 3)
    assert len(losses) == 33
    assert distance(states(events)[-1].state.weights, expected) < 1e-5


def test_weights_follow_the_scheduler_as_in_a_plain_loop(dataset: Dataset) -> None:
    recipe = tiny.recipe(batch_size=8, epochs=3, scheduler={"kind": "step", "step_size": 1, "gamma": 0.5})
    task = setups.task(dataset, recipe)
    events = run(task)
    expected, _ = setups.plain_loop(task, [0.05, 0.025, 0.0125])
    assert distance(states(events)[-1].state.weights, expected) < 1e-5
    assert [epoch.lr for epoch in ended(events)] == [0.05, 0.025, 0.0125]


def test_shakedrop_draws_what_it_draws_in_a_plain_loop(dataset: Dataset) -> None:
    recipe = tiny.recipe(
        architecture=SHAKEN,
        optimizer={"kind": "sgd", "lr": 0.002},
        batch_size=4,
        epochs=2,
        augmentations=tiny.AUGMENTATIONS,
    )
    task = setups.task(dataset, recipe, train=60)
    events = run(task)
    expected, losses = setups.plain_loop(task, [0.002] * 2, fused=True)
    assert len(losses) == 30
    assert distance(states(events)[-1].state.weights, expected) == 0.0


# Reproducible


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


# Resume


def resumes_exactly(
    dataset: Dataset, recipe: Any, through: Callable[[CheckpointReady], Resume], **changes: Any
) -> None:
    whole = run(setups.task(dataset, recipe, train=40, **changes))
    last = states(whole)[-1]
    for ready in states(whole)[:-1]:
        again = run(setups.task(dataset, recipe, train=40, resume=through(ready), **changes))
        assert numbers(again) == numbers(whole)[ready.epoch :], f"after epoch {ready.epoch}"
        end = states(again)[-1]
        assert tiny.digest(end.state.weights) == tiny.digest(last.state.weights)
        assert tiny.digest(end.state.optimizer) == tiny.digest(last.state.optimizer)
        assert end.state.history == last.state.history
        assert [e.is_best for e in states(again)] == [e.is_best for e in states(whole)[ready.epoch :]]


def through_memory(ready: CheckpointReady) -> Resume:
    return ready.state


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_resume_is_exact_with_every_scheduler(dataset: Dataset, name: str) -> None:
    recipe = tiny.recipe(
        epochs=4, scheduler=SCHEDULERS[name].model_dump(mode="json"), warmup={"epochs": 1}, **RANDOMNESS
    )
    resumes_exactly(dataset, recipe, through_memory)


@every_optimizer
def test_a_resume_is_exact_with_every_optimizer(dataset: Dataset, optimizer: dict[str, Any]) -> None:
    """With OneCycleLR, which moves momentum and beta 1 as well, where there is one."""
    recipe = tiny.recipe(epochs=4, optimizer=optimizer, scheduler={"kind": "one_cycle"}, **RANDOMNESS)
    resumes_exactly(dataset, recipe, through_memory)


@every_optimizer
def test_a_resume_through_the_file_is_exact(
    dataset: Dataset, tmp_path: Path, optimizer: dict[str, Any]
) -> None:
    recipe = tiny.recipe(
        epochs=3, optimizer=optimizer, scheduler={"kind": "plateau", "patience": 0}, **RANDOMNESS
    )

    def through_file(ready: CheckpointReady) -> Resume:
        path = tmp_path / "run" / "checkpoints" / "last.state"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_state(path, card_of(recipe, ready, dataset), ready.state)
        return read_state(path)

    resumes_exactly(dataset, recipe, through_file)


def test_a_resume_is_exact_with_shakedrop(dataset: Dataset) -> None:
    recipe = tiny.recipe(
        architecture=SHAKEN,
        epochs=2,
        batch_size=8,
    )
    resumes_exactly(dataset, recipe, through_memory)


def test_a_resume_is_exact_in_the_precision_that_the_machine_prefers(dataset: Dataset) -> None:
    compute = resolve_compute("cpu", "auto")
    resumes_exactly(dataset, tiny.recipe(epochs=3, **RANDOMNESS), through_memory, compute=compute)


@pytest.mark.parametrize("hold", [False, True], ids=["goes on", "holds"])
@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "step"])
def test_an_extension_goes_on_after_the_planned_end(dataset: Dataset, scheduler: str, hold: bool) -> None:
    recipe = tiny.recipe(epochs=2, scheduler={"kind": scheduler})
    first = run(setups.task(dataset, recipe, train=40))
    state = states(first)[-1].state
    more = run(setups.task(dataset, recipe, train=40, epochs=4, hold_lr=hold, resume=state))
    assert [epoch.epoch for epoch in ended(more)] == [3, 4]
    whole = run(setups.task(dataset, recipe, train=40, epochs=4, hold_lr=hold))
    assert numbers(whole) == numbers(first) + numbers(more)
    if hold or scheduler == "one_cycle":
        assert {epoch.lr for epoch in ended(more)} == {ended(first)[-1].lr}


def card_of(recipe: Any, ready: CheckpointReady, dataset: Dataset) -> Card:
    info = dataset.info
    return Card(
        run="run",
        epoch=ready.epoch,
        val_accuracy=ready.val_accuracy,
        recipe=recipe.model_dump(mode="json"),
        classes=info.classes,
        mean=info.mean,
        std=info.std,
        image_size=info.image_size,
        channels=info.channels,
        resize=info.resize,
        dataset=info.name,
        dataset_fingerprint=info.fingerprint,
    )


# Stop


class _Asker:
    """Asks to stop from its n-th question on."""

    def __init__(self, after: int, request: StopRequest) -> None:
        self.after, self.request, self.asked = after, request, 0

    def __call__(self) -> StopRequest:
        self.asked += 1
        return self.request if self.asked > self.after else StopRequest.NO


def test_stop_now_ends_within_the_epoch_and_keeps_the_last_whole_one(dataset: Dataset) -> None:
    """At every question that the loop asks, be it in training or in evaluation."""
    recipe = tiny.recipe(epochs=2)
    asker = _Asker(10**9, StopRequest.NOW)
    whole = run(setups.task(dataset, recipe, should_stop=asker))
    for after in range(asker.asked):
        events = run(setups.task(dataset, recipe, should_stop=_Asker(after, StopRequest.NOW)))
        if not isinstance(events[-1], Stopped):
            assert numbers(events) == numbers(whole), "asked when all was done"
            continue
        done = events[-1].epoch
        assert len(ended(events)) == len(states(events)) == done
        assert numbers(events) == numbers(whole)[:done]


def test_stop_now_is_heard_before_the_next_step(dataset: Dataset) -> None:
    steps = 0

    def stop() -> StopRequest:
        nonlocal steps
        steps += 1
        return StopRequest.NOW if steps == 3 else StopRequest.NO

    ticks = iter(range(10_000))
    events = run(setups.task(dataset, tiny.recipe(), should_stop=stop, clock=lambda: float(next(ticks))))
    assert [event.step for event in progress(events)] == [1, 2, 3]
    assert events[-1] == Stopped(0)


def test_stop_after_the_epoch_lets_it_end(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3)
    events = run(setups.task(dataset, recipe, should_stop=_Asker(2, StopRequest.AFTER_EPOCH)))
    assert isinstance(events[-2], CheckpointReady)
    assert events[-1] == Stopped(1)
    whole = run(setups.task(dataset, recipe))
    assert numbers(events) == numbers(whole)[:1]


def test_stop_after_the_last_epoch_is_its_regular_end(dataset: Dataset) -> None:
    events = run(setups.task(dataset, tiny.recipe(epochs=1), should_stop=_Asker(0, StopRequest.AFTER_EPOCH)))
    assert isinstance(events[-1], CheckpointReady)


def test_a_stopped_run_resumes_exactly(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3, **RANDOMNESS)
    whole = run(setups.task(dataset, recipe))
    stopped = run(setups.task(dataset, recipe, should_stop=_Asker(12, StopRequest.NOW)))
    assert events_epochs(stopped) == [1]
    rest = run(setups.task(dataset, recipe, resume=states(stopped)[-1].state))
    assert numbers(stopped) + numbers(rest) == numbers(whole)


def events_epochs(events: list[Any]) -> list[int]:
    return [event.epoch for event in ended(events)]


# Divergence


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_epoch(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3)
    hot = recipe.optimizer.model_copy(update={"lr": 1e30})
    events = fit(setups.task(dataset, recipe.model_copy(update={"optimizer": hot})))
    with pytest.raises(Diverged, match=r"epoch 1\b.*step \d+ of 6.*lower the learning rate"):
        list(events)


def test_divergence_in_a_later_epoch_leaves_the_earlier_ones(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3)
    state = states(run(setups.task(dataset, recipe, epochs=1)))[-1].state
    hot = recipe.optimizer.model_copy(update={"lr": 1e30})
    with pytest.raises(Diverged, match=r"epoch 2\b"):
        run(setups.task(dataset, recipe.model_copy(update={"optimizer": hot}), resume=state))


# Batches


@pytest.mark.parametrize(
    ("images", "batch", "steps"),
    [
        (84, 16, 6),
        (80, 16, 5),
        (81, 16, 5),
        (82, 16, 6),
        (1, 16, 1),
        (1, 1, 1),
        (5, 1, 5),
        (16, 16, 1),
        (17, 16, 1),
        (0, 16, 0),
    ],
)
def test_a_last_batch_of_one_is_left_out(images: int, batch: int, steps: int) -> None:
    """Batch normalization cannot train on one image."""
    assert steps_per_epoch(images, batch) == steps


@pytest.mark.parametrize("images", [32, 33, 34, 47])
def test_every_batch_size_trains_on_all_images_but_a_single_last_one(
    dataset: Dataset, images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    from core.train import engine

    class Spy(engine.EagerStep):
        def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
            sizes.append(len(labels))
            assert len(images) == len(labels)
            super().__call__(images, labels)

    monkeypatch.setattr(engine, "EagerStep", Spy)
    task = setups.task(dataset, tiny.recipe(epochs=1), train=images)
    events = run(task)
    left_out = images % 16 == 1
    assert sizes == [16, 16] + ([images % 16] if images % 16 > 1 else [])
    assert sum(sizes) == images - left_out
    assert progress(events)[-1].steps == len(sizes)


def test_batches_do_not_depend_on_how_many_images_are_augmented_at_once(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that spans two chunks is put together of both, with nothing lost or doubled."""
    from core.train import images

    whole = run(setups.task(dataset, tiny.recipe(epochs=1)))
    monkeypatch.setattr(images, "CHUNK", 23)
    assert numbers(run(setups.task(dataset, tiny.recipe(epochs=1)))) == numbers(whole)


def test_a_batch_as_large_as_the_data_is_one_step(dataset: Dataset) -> None:
    task = setups.task(dataset, tiny.recipe(epochs=1, batch_size=84))
    assert progress(run(task))[-1].steps == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_greyscale_and_colour_train(dataset: Dataset, channels: int) -> None:
    task = setups.task(dataset, tiny.recipe(epochs=1))
    if channels == 1:
        grey = replace(task.bank, images=task.bank.images[..., :1].contiguous())
        task = replace(task, bank=grey, statistics=((0.5,), (0.5,)))
    assert len(ended(run(task))) == 1


def test_bf16_trains_where_the_processor_has_it(dataset: Dataset) -> None:
    """Not to the bit as fp32, but the same training: losses within a percent or so."""
    compute = replace(setups.fp32(), dtype=torch.bfloat16)
    found = ended(run(setups.task(dataset, tiny.recipe(), compute=compute)))[-1]
    expected = ended(run(setups.task(dataset, tiny.recipe())))[-1]
    assert found.train_loss != expected.train_loss
    assert found.train_loss == pytest.approx(expected.train_loss, rel=0.03)
    assert found.val_loss == pytest.approx(expected.val_loss, rel=0.03)


def test_the_network_learns(dataset: Dataset) -> None:
    """So that all the equalities above are not those of a network that stands still."""
    recipe = tiny.recipe(
        architecture={"kind": "my_net", "blocks": 2, "width": 16},
        epochs=15,
        batch_size=8,
        optimizer={"kind": "adam", "lr": 0.01},
    )
    found = ended(run(setups.task(dataset, recipe, train=24)))
    assert found[-1].train_loss < 0.75 * found[0].train_loss
