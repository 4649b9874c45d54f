"""Runs that train in a fraction of a second, and what they are compared by."""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from core.data import Dataset, Library
from core.recipe import Recipe
from core.runs import JobQueue, Run, RunStore, State, training
from core.runs.status import read_status, write_status
from core.train import read_checkpoint, read_state
from tests.unit import tiny

TIMES = ("seconds", "elapsed_s", "images_per_s")


def recipe(**settings: Any) -> Recipe:
    return tiny.recipe(**({"batch_size": 8, "epochs": 3} | settings))


def new_run(store: RunStore, dataset: Dataset, /, *, queue: bool = False, **settings: Any) -> Run:
    """A run of 3 epochs that waits for its maker to train it."""
    return store.create(recipe(**settings), dataset.info, queue=queue)


def launched_with(run: Run, content: bytes) -> None:
    """Let the run have been launched with this recipe, as by another Plateau."""
    (run.folder / "recipe.json").write_bytes(content)
    write_status(run.folder, run.status().model_copy(update={"recipe_crc32": zlib.crc32(content)}))


def rows(run: Run) -> list[dict[str, Any]]:
    """What the epochs measured, times apart."""
    return [{k: v for k, v in row.items() if k not in TIMES} for row in run.epochs().rows]


def end(run: Run) -> tuple[Any, ...]:
    """All that must be the same in two runs of one recipe, to the bit."""
    state = read_state(run.state_path)
    return (
        rows(run),
        run.epochs().damaged,
        state.epoch,
        state.history,
        tiny.digest(state.weights),
        tiny.digest(state.optimizer),
        [
            (epoch, tiny.digest(read_checkpoint(run.epoch_path(epoch))[1]))
            for epoch in run.checkpoint_epochs()
        ],
        sorted(path.name for path in (run.folder / "predictions").iterdir()),
    )


def eventually(is_so: Callable[[], object], within_s: float = 20.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.01)


def put(run: Run, state: State, epoch: int = 0) -> Run:
    """Write a state as a trainer would have left it."""
    status = read_status(run.folder)
    status.state, status.epoch = state, epoch
    write_status(run.folder, status)
    return run


def waiting(store: RunStore) -> list[str]:
    return [run.id for run in store.queue()]


@contextmanager
def working(store: RunStore, library: Library) -> Iterator[JobQueue]:
    """The queue's threads at work."""
    queue = JobQueue(store, library)
    queue.start()
    try:
        yield queue
    finally:
        queue.close()


@contextmanager
def broken_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every training ends as on a GPU that gives no answer any more."""

    def broken(task: object) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", broken)
        yield
