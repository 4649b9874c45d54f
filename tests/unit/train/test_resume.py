"""A resume from any checkpoint gives the rest of the run to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from core.data import Dataset
from core.models.weights import state_dict_of
from core.train import (
    Card,
    CheckpointReady,
    Resume,
    build_model,
    read_state,
    resolve_compute,
    write_state,
)
from tests.unit import tiny
from tests.unit.optim.cases import SCHEDULERS
from tests.unit.train import setups
from tests.unit.train.setups import (
    MIXINGS,
    RANDOMNESS,
    SHAKEN,
    ended,
    every_optimizer,
    numbers,
    run,
    states,
)


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
        assert tiny.digest(end.state.averaged) == tiny.digest(last.state.averaged)
        assert end.state.history == last.state.history
        assert [e.is_best for e in states(again)] == [e.is_best for e in states(whole)[ready.epoch :]]


def through_memory(ready: CheckpointReady) -> Resume:
    return ready.state


def through_a_file(folder: Path, recipe: Any, dataset: Dataset) -> Callable[[CheckpointReady], Resume]:
    def through_file(ready: CheckpointReady) -> Resume:
        path = folder / "run" / "checkpoints" / "last.state"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_state(path, card_of(recipe, ready, dataset), ready.state)
        return read_state(path)

    return through_file


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

    resumes_exactly(dataset, recipe, through_a_file(tmp_path, recipe, dataset))


def test_a_resume_is_exact_with_shakedrop(dataset: Dataset) -> None:
    recipe = tiny.recipe(
        architecture=SHAKEN,
        epochs=2,
        batch_size=8,
    )
    resumes_exactly(dataset, recipe, through_memory)


LOOP_PARTS: dict[str, dict[str, Any]] = {
    "ema": {"ema": {"decay": 0.9}},
    "ema-nearly-all": {"ema": {"decay": 0.999}},
    "clipped": {"clip_norm": 0.1},
    **{kind: {"mixing": {"kind": kind}} for kind in MIXINGS},
    "all": {"ema": {"decay": 0.9}, "clip_norm": 1.0, "mixing": {"kind": "mixup_or_cutmix"}},
}


@pytest.mark.parametrize("settings", LOOP_PARTS.values(), ids=LOOP_PARTS.keys())
def test_a_resume_is_exact_with_averaging_clipping_and_mixing(
    dataset: Dataset, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Through the file, since that has to hold the average too."""
    recipe = tiny.recipe(epochs=4, **settings, **RANDOMNESS)
    resumes_exactly(dataset, recipe, through_a_file(tmp_path, recipe, dataset))


@pytest.mark.parametrize("settings", LOOP_PARTS.values(), ids=LOOP_PARTS.keys())
def test_each_of_these_parts_changes_the_run(dataset: Dataset, settings: dict[str, Any]) -> None:
    """So that the exactness above is not that of parts that do nothing. An average leaves the figures
    of the weights alone: it has to be another network than they are, and than the first weights."""
    recipe = tiny.recipe(**settings, **RANDOMNESS)
    task = setups.task(dataset, recipe, train=40)
    changed = run(task)
    if "ema" in settings:
        state = states(changed)[-1].state
        first = state_dict_of(build_model(recipe, task.bank, task.compute))
        for name in ("blocks.0.0.weight", "blocks.0.1.running_mean"):
            assert not torch.equal(state.averaged[name], state.weights[name])
            assert not torch.equal(state.averaged[name], first[name])
    if settings.keys() - {"ema"}:
        plain = run(setups.task(dataset, tiny.recipe(**RANDOMNESS), train=40))
        assert [epoch.train_loss for epoch in ended(plain)] != [epoch.train_loss for epoch in ended(changed)]


def test_a_resume_is_exact_with_shakedrop_and_all_of_these(dataset: Dataset, tmp_path: Path) -> None:
    recipe = tiny.recipe(architecture=SHAKEN, epochs=3, batch_size=8, **LOOP_PARTS["all"])
    resumes_exactly(dataset, recipe, through_a_file(tmp_path, recipe, dataset))


def test_a_resume_is_exact_in_the_precision_that_the_machine_prefers(dataset: Dataset) -> None:
    compute = resolve_compute("cpu", "auto")
    resumes_exactly(dataset, tiny.recipe(epochs=3, **RANDOMNESS), through_memory, compute=compute)


@pytest.mark.parametrize("hold", [False, True], ids=["goes on", "holds"])
@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "step"])
def test_an_extension_goes_on_after_the_planned_end(dataset: Dataset, scheduler: str, hold: bool) -> None:
    recipe = tiny.recipe(epochs=2, scheduler={"kind": scheduler})
    first = run(setups.task(dataset, recipe, train=40))
    state = states(first)[-1].state
    more = run(setups.task(dataset, recipe, train=40, epochs=4, hold_from=2 if hold else None, resume=state))
    assert [epoch.epoch for epoch in ended(more)] == [3, 4]
    whole = run(setups.task(dataset, recipe, train=40, epochs=4, hold_from=2 if hold else None))
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
