"""Run folders with answers on their val images, without training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from core.runs import Run, RunEntry, RunStore
from core.runs.status import Best, write_status
from tests.pages.made_runs import make_run


def judged_run(
    store: RunStore,
    hits: Sequence[bool] | np.ndarray,
    *,
    name: str = "",
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    labelled: bool = True,
    **made: Any,
) -> RunEntry:
    """A run whose best epoch, the last of two unless `done` says otherwise, has just these val images right.

    The images belong to classes 0 and 1 in turn; a miss names the other one.
    """
    chosen = {"epochs": 2, "seed": seed} | (settings or {})
    run = make_run(store, name=name, settings=chosen, **made)
    status = run.status()
    status.best = Best(epoch=status.epoch, val_accuracy=float(np.mean(hits)), gap=0.1)
    write_status(run.folder, status, durable=False)
    write_answers(run, status.epoch, hits, labelled=labelled)
    return store.entry(run)


def write_answers(
    run: Run, epoch: int, hits: Sequence[bool] | np.ndarray, *, labelled: bool = True, flip: bool = False
) -> None:
    """What the trainer leaves under predictions/ after an epoch."""
    right = np.asarray(hits, dtype=bool)
    label = (np.arange(len(right)) + flip) % 2
    probability = np.linspace(0.6, 0.9, len(right), dtype=np.float32)
    tensors = {
        "predicted": np.where(right, label, 1 - label).astype(np.int16),
        "probability": probability,
        "true_probability": np.where(right, probability, 1 - probability).astype(np.float32),
    }
    if labelled:
        tensors["label"] = label.astype(np.int16)
    save_file(tensors, run.folder / "predictions" / f"val-{epoch:04d}.safetensors")


def hits_of(n: int, both: int, only_before: int, only_after: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits of two runs on n images, by how many images both, or just one of them, has right."""
    before, after = np.zeros((2, n), dtype=bool)
    before[: both + only_before] = True
    after[:both] = True
    after[both + only_before : both + only_before + only_after] = True
    return before, after
