"""The loop stops at any moment, at a loss that is no number, and counts its batches right."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from core.data import Dataset
from core.train import (
    CheckpointReady,
    Diverged,
    Stopped,
    StopRequest,
    engine,
    fit,
    steps_per_epoch,
)
from tests.unit import tiny
from tests.unit.train import setups
from tests.unit.train.setups import RANDOMNESS, ended, numbers, progress, run, states


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


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_epoch(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3)
    hot = recipe.optimizer.model_copy(update={"lr": 1e30})
    events = fit(setups.task(dataset, recipe.model_copy(update={"optimizer": hot})))
    with pytest.raises(Diverged, match=r"epoch 1\b.*step \d+ of 6.*lower the learning rate"):
        list(events)


@pytest.mark.parametrize("which", ["val", "clean train"])
def test_a_network_whose_answers_are_no_numbers_is_not_committed(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """The epoch's last update broke it: its train loss was taken before, and was a number."""
    real, calls = engine.outcomes_of, []

    def broken_in_the_second_epoch(logits: torch.Tensor, truth: torch.Tensor) -> Any:
        calls.append(which)
        hit = len(calls) == (3 if which == "val" else 4)  # val and clean train of each epoch
        return real(logits * math.nan if hit else logits, truth)

    monkeypatch.setattr(engine, "outcomes_of", broken_in_the_second_epoch)
    events: list[Any] = []
    with pytest.raises(Diverged, match=rf"^The {which} loss became nan in epoch 2, by step 6 of 6: "):
        events.extend(fit(setups.task(dataset, tiny.recipe(epochs=3))))
    assert events_epochs(events) == [1]
    assert [ready.epoch for ready in states(events)] == [1]


def test_divergence_in_a_later_epoch_leaves_the_earlier_ones(dataset: Dataset) -> None:
    recipe = tiny.recipe(epochs=3)
    state = states(run(setups.task(dataset, recipe, epochs=1)))[-1].state
    hot = recipe.optimizer.model_copy(update={"lr": 1e30})
    with pytest.raises(Diverged, match=r"epoch 2\b"):
        run(setups.task(dataset, recipe.model_copy(update={"optimizer": hot}), resume=state))


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
    from core.train import ladder

    class Spy(ladder.EagerStep):
        def __call__(self, start: int, stop: int) -> None:
            sizes.append(stop - start)
            super().__call__(start, stop)

    monkeypatch.setattr(ladder, "EagerStep", Spy)
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
    from core.train import batches

    whole = run(setups.task(dataset, tiny.recipe(epochs=1)))
    monkeypatch.setattr(batches, "CHUNK", 23)
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
