"""Many runs without training: `python -m benchmarks.many_runs FOLDER [--runs 1000] [--epochs 100]
[--seeds 1]`.

Each is made by the run store and holds what a training leaves for the pages: settings, status, one row
per epoch, the per-image outcomes of its best and last epoch, a name, a hypothesis, tags; no weights. The
settings differ in optimizer, lr, width, dropout, augmentation and schedule, and val accuracy follows from
them and chance, so that whoever compares the runs finds something. FOLDER gets
`runs` and `data`; PLATEAU_RUNS and PLATEAU_DATA then show them in the app.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from core.data import DatasetInfo, ImportOptions, Library, ShapesSource
from core.files import write_json
from core.recipe import Recipe, recipe_from_draft
from core.runs import Notes, Run, RunStore
from core.runs.rows import write_rows
from core.runs.status import Best, Last, write_status
from core.spec import kind_of

VAL_IMAGES = 1000
EPOCH_S = 6.0


@dataclass(frozen=True)
class Plan:
    """One run's settings, and how good the made-up training makes them."""

    recipe: Recipe
    level: float
    """Val accuracy that it comes near to."""
    overfit: float
    """Points by which train leaves val behind."""
    name: str
    tags: tuple[str, ...]


def plans(count: int, epochs: int, seeds: int) -> Iterator[Plan]:
    """So many runs of a random search, each recipe with so many seeds."""
    flip, crop = {"kind": "horizontal_flip"}, {"kind": "random_crop"}
    random = np.random.default_rng(0)
    for at in range(-(-count // seeds)):
        lr = float(f"{10 ** random.uniform(-2.3, -0.5):.5f}")  # so many digits that no recipe comes twice
        augmentations = ([], [flip], [flip, crop])[random.integers(3)]
        width, dropout = (16, 24, 32)[random.integers(3)], (0.0, 0.3, 0.5)[random.integers(3)]
        optimizer, scheduler = ("sgd", "adamw")[random.integers(2)], ("cosine", "none")[random.integers(2)]
        draft = {
            "data": {"name": "shapes"},
            "architecture": {"kind": "my_net", "blocks": 2, "width": width, "dropout": dropout},
            "augmentations": augmentations,
            "optimizer": {"kind": optimizer, "lr": lr if optimizer == "sgd" else lr / 50},
            "scheduler": {"kind": scheduler},
            "epochs": epochs,
        }
        level = 0.55 + 0.03 * len(augmentations) + 0.04 * (width - 16) / 16 + 0.05 * dropout
        level += 0.02 * (scheduler == "cosine") + 0.01 * (optimizer == "adamw")
        level -= 0.03 * math.log(lr / 0.05) ** 2 / 3
        name = f"{optimizer} {lr:.2g}, width {width}, dropout {dropout:g}" if at % 2 else ""
        tags = ("baseline", f"width {width}") if at % 10 == 0 else ()
        for seed in range(min(seeds, count - at * seeds)):
            recipe = recipe_from_draft(draft | {"seed": seed})
            yield Plan(recipe, level, 0.25 - 0.3 * dropout, name, tags)


def make_runs(store: RunStore, info: DatasetInfo, count: int, epochs: int, seeds: int = 1) -> list[Run]:
    """So many finished runs, oldest first."""
    truth = np.random.default_rng(0).integers(len(info.classes), size=VAL_IMAGES)
    parent: Run | None = None
    made = []
    for at, plan in enumerate(plans(count, epochs, seeds)):
        hypothesis = f"Does it reach {plan.level:.0%}?" if plan.name else ""
        run = store.create(
            plan.recipe,
            info,
            name=plan.name,
            hypothesis=hypothesis,
            parent=parent.id if parent else None,
            queue=False,
            durable=False,
        )
        _fill(run, plan, truth, np.random.default_rng(at))
        if plan.tags:
            notes = Notes(name=plan.name, hypothesis=hypothesis, tags=plan.tags, star=True)
            write_json(run.folder / "notes.json", notes.model_dump(mode="json"), durable=False)
        if at % 3 == 0:
            parent = run
        made.append(run)
    return made


def _fill(run: Run, plan: Plan, truth: Any, random: np.random.Generator) -> None:
    """Rows, outcomes and status as a finished training leaves them."""
    rows = epoch_rows(plan, random)
    status = run.status()
    best, last = max(rows, key=lambda row: row["val/accuracy"]), rows[-1]
    write_rows(run.folder / "epochs.jsonl", rows, durable=False)
    for row in {row["epoch"]: row for row in (best, last)}.values():
        path = run.folder / "predictions" / f"val-{row['epoch']:04d}.safetensors"
        save_file(outcomes(row["val/accuracy"], truth, random), path)
    status.best = Best(
        epoch=best["epoch"],
        val_accuracy=best["val/accuracy"],
        gap=best["train/clean_accuracy"] - best["val/accuracy"],
    )
    status.last = Last(
        epoch=last["epoch"],
        val_accuracy=last["val/accuracy"],
        train_accuracy=last["train/accuracy"],
        clean_train_accuracy=last["train/clean_accuracy"],
        val_loss=last["val/loss"],
        lr=last["lr"],
    )
    status.state, status.epoch, status.device, status.precision = "finished", len(rows), "CPU", "fp32"
    status.elapsed_s, status.images_per_s = last["elapsed_s"], last["images_per_s"]
    status.started_at = status.ended_at = status.created_at
    write_status(run.folder, status, durable=False)


def epoch_rows(plan: Plan, random: np.random.Generator) -> list[dict[str, Any]]:
    """One row per epoch, as the trainer writes them; val accuracy is a number of images of VAL_IMAGES."""
    epochs = plan.recipe.epochs
    share = np.arange(1, epochs + 1) / epochs
    noise = random.normal(0, 0.006, epochs) + random.normal(0, 0.006)
    falling = np.maximum(0, share - 0.7) * plan.overfit * 0.3
    val = np.clip(plan.level * (1 - np.exp(-6 * share)) - falling + noise, 0.05, 0.99)
    val = np.round(val * VAL_IMAGES) / VAL_IMAGES
    clean = np.clip(plan.level * (1 - np.exp(-5 * share)) + plan.overfit * share, 0.05, 1.0)
    train = np.clip(clean - 0.04 + noise / 2, 0.05, 1.0)
    lr0 = getattr(plan.recipe.optimizer, "lr", 0.1)
    cosine = kind_of(plan.recipe.scheduler) == "cosine"
    lr = lr0 * (1 + np.cos(np.pi * share)) / 2 if cosine else np.full(epochs, lr0)
    val_loss = 2.2 * np.exp(-2.2 * share) + plan.overfit * share**2 + 0.3 + noise
    columns = {
        "epoch": np.arange(1, epochs + 1),
        "lr": lr,
        "train/loss": 2.2 * np.exp(-3 * share) + 0.1,
        "train/accuracy": train,
        "train/clean_accuracy": clean,
        "train/clean_loss": 2.1 * np.exp(-3 * share) + 0.1,
        "val/loss": val_loss,
        "val/accuracy": val,
        "seconds": np.full(epochs, EPOCH_S),
        "elapsed_s": EPOCH_S * np.arange(1, epochs + 1),
        "images_per_s": np.full(epochs, 3400.0),
    }
    rows = zip(*(values.round(6).tolist() for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def outcomes(accuracy: float, truth: Any, random: np.random.Generator) -> dict[str, Any]:
    """Answers to the val images that come to this accuracy; the hard images are hard for every run."""
    count = len(truth)
    difficulty = np.linspace(0, 1, count) + random.normal(0, 0.25, count)
    hit = np.zeros(count, dtype=bool)
    hit[np.argsort(difficulty)[: round(accuracy * count)]] = True
    classes = int(truth.max()) + 1
    wrong = (truth + 1 + random.integers(max(1, classes - 1), size=count)) % classes
    predicted = np.where(hit, truth, wrong)
    probability = random.uniform(0.5, 1.0, count).astype(np.float32)
    return {
        "label": truth.astype(np.int16),
        "predicted": predicted.astype(np.int16),
        "probability": probability,
        "true_probability": np.where(hit, probability, (1 - probability) / 2).astype(np.float32),
    }


def make_workspace(folder: Path, count: int, epochs: int = 100, seeds: int = 1) -> tuple[list[Run], float]:
    """A small data set and so many runs of it below `folder`; the runs, and seconds that they took."""
    source = ShapesSource(images=400, image_size=28)
    library = Library(folder / "data")
    if not any(info.name == "shapes" for info in library.list()):
        library.import_dataset(source, "shapes", ImportOptions())
    info = library.open("shapes").info
    began = time.perf_counter()
    runs = make_runs(RunStore(folder / "runs"), info, count, epochs, seeds)
    return runs, time.perf_counter() - began


def main() -> None:
    """Make the runs and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each recipe")
    call = parser.parse_args()
    runs, seconds = make_workspace(call.folder, call.runs, call.epochs, call.seeds)
    print(f"{len(runs)} runs of {call.epochs} epochs in {seconds:.1f} s")


if __name__ == "__main__":
    main()
