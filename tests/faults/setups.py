"""Trainings small enough to be repeated a thousand times, with everything random switched on, and what
must hold of them after any fault."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from core.data import Dataset
from core.files import to_json
from core.recipe import Recipe
from core.runs import Run, RunStore
from core.runs.rows import read_rows
from core.train import previous_path, read_checkpoint, read_state
from tests.unit import tiny

TIMES = ("seconds", "elapsed_s", "images_per_s")

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4, "dropout": 0.3},
        "augmentations": tiny.AUGMENTATIONS,
        "optimizer": {"kind": "adamw", "lr": 0.02},
        "scheduler": {"kind": "one_cycle"},
        "ema": {"decay": 0.9},
        "mixing": {"kind": "mixup_or_cutmix"},
        "clip_norm": 1.0,
        "checkpoints": {"best": True},
    },
    "shaken": {
        "architecture": {"kind": "resnet18", "width": 8, "dropout": 0.3, "shakedrop": {"place": "all"}},
        "augmentations": tiny.AUGMENTATIONS,
        "optimizer": {"kind": "sgd", "lr": 0.05, "momentum": 0.9},
        "scheduler": {"kind": "cosine"},
        "warmup": {"epochs": 1},
        "ema": {"decay": 0.9},
        "checkpoints": {"best": True, "every": 1},
    },
}
"""Two recipes that have, between them, all that draws random numbers or keeps a state of its own."""


def recipe(name: str, **changes: Any) -> Recipe:
    return tiny.recipe(**({"batch_size": 8, "epochs": 3, "seed": 3} | SETTINGS[name] | changes))


def new_run(store: RunStore, dataset: Dataset, name: str = "plain", /, **changes: Any) -> Run:
    """A run that waits for its maker to train it."""
    return store.create(recipe(name, **changes), dataset.info, queue=False)


def curve(run: Run) -> bytes:
    """epochs.jsonl to the byte, times apart."""
    lines = []
    for line in (run.folder / "epochs.jsonl").read_bytes().splitlines(keepends=True):
        row = json.loads(line)
        assert to_json(row).encode() + b"\n" == line, "a row is written as its values say"
        lines.append(to_json({key: value for key, value in row.items() if key not in TIMES}) + "\n")
    return "".join(lines).encode()


@dataclass(frozen=True)
class Outcome:
    """All that a resumed run and an uninterrupted one must have in common, to the bit."""

    curve: bytes
    facts: tuple[Any, ...]
    sha256: dict[str, str]
    """Of the weights, the optimizer's state and the averaged weights."""
    kept: dict[int, str]
    """SHA-256 of the weights of every epoch that is kept."""
    files: frozenset[str]
    """Checkpoints, predictions and temporary files."""

    def without_more_than(self, other: "Outcome") -> "Outcome":
        """Without files that the other lacks: a removal that was not flushed may be undone."""
        kept = {epoch: sha for epoch, sha in self.kept.items() if epoch in other.kept}
        return replace(self, kept=kept, files=self.files & other.files)


def outcome(run: Run) -> Outcome:
    """What has become of a run."""
    state, status = read_state(run.state_path), run.status()
    last = status.last and status.last.val_accuracy
    return Outcome(
        curve(run),
        (status.state, status.epoch, status.epochs, status.best, last, state.epoch, state.history),
        {part: tiny.digest(getattr(state, part)) for part in ("weights", "optimizer", "averaged")},
        {epoch: tiny.digest(read_checkpoint(run.epoch_path(epoch))[1]) for epoch in run.checkpoint_epochs()},
        frozenset(
            str(path.relative_to(run.folder))
            for path in run.folder.rglob("*")
            if path.parent != run.folder or path.name.endswith(".tmp")
        ),
    )


def committed(run: Run) -> int:
    """The last committed epoch, by the checkpoint alone."""
    return read_state(run.state_path).epoch if run.state_path.exists() else 0


STATES = ("queued", "stopped", "finished", "failed", "interrupted")
"""What a run may be called where nobody trains."""


def check_run(run: Run, acknowledged: int = 0) -> None:
    """A true state, and everything acknowledged readable. `acknowledged` is the last epoch that was
    reported as written."""
    status, done = run.status(), committed(run)
    assert status.state in STATES
    assert acknowledged <= done, "an acknowledged epoch is gone"
    assert status.epoch <= done <= status.epoch + 1
    assert status.live is None or status.state != "interrupted"
    read = read_rows(run.folder / "epochs.jsonl")
    assert [row["epoch"] for row in read.rows[: status.epoch]] == list(range(1, status.epoch + 1))
    if status.epoch:
        assert read_checkpoint(run.checkpoint("last"))[0].epoch >= status.epoch
        assert read_checkpoint(run.checkpoint("best"))[0].run == run.id
        assert status.best is not None
        assert (run.folder / "predictions" / f"val-{status.best.epoch:04d}.safetensors").exists()
    if status.state == "finished":
        assert done == status.epochs
    if previous_path(run.state_path).exists():
        assert read_state(previous_path(run.state_path)).epoch <= done
    run.recipe()
    run.notes()


def check_store(store: RunStore, acknowledged: Callable[[str], int] = lambda run_id: 0) -> list[Run]:
    """The invariant: every run is listed with a true state, and all that was acknowledged can be read."""
    entries = store.list()
    for entry in entries:
        assert not entry.damaged, entry.damaged
        check_run(entry.run, acknowledged(entry.id))
    return [entry.run for entry in entries]


def go_on(run: Run, store: RunStore, train: Callable[[Run], Any]) -> None:
    """What a person does after a fault: resume what can be resumed, and let it train to its end."""
    if run.status().state in ("stopped", "failed", "interrupted"):
        store.resume(run, queue=False)
    if run.status().state == "queued":
        train(run)
