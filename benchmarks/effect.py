"""Does the engine train as well as a notebook does? The same recipes, trained by both, several times.

    python -m benchmarks.effect --data NAME [--train 10000] [--val 2000] [--seeds 3] [--epochs N]
                                [--models my_net my_resnet18] [--out FILE.json]
    python -m benchmarks.effect --show FILE.json

NAME is a data set of Plateau's library with RGB images. The engine is `core.train.fit` in fp32; the
notebook is `benchmarks.notebook_loop`, with torchvision's transforms on PIL images. Both see the same
images and share the network's description; first weights, order, augmentation and dropout are drawn
independently, so their accuracies differ by chance. Printed is whether the means over the seeds lie
within two standard errors of each other; --show prints the same table from a file. With three seeds
a side, chance alone says 'no' in one of nine comparisons (Student's t, four degrees of freedom).

Every finished training is written to FILE at once. The same command goes on where it was stopped, or
adds further seeds.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL
import torch

from benchmarks import notebook_loop
from core import __version__
from core.data import Dataset, Library
from core.errors import BadInput, PlateauError
from core.files import read_json, write_json
from core.recipe import Recipe, recipe_from_draft
from core.train import (
    EpochEnded,
    ImageBank,
    Task,
    fit,
    load_images,
    resolve_compute,
    statistics_for,
)
from core.vision import torchvision
from core.workspace import find_workspace

from torchvision.transforms import v2  # isort: skip  (core.vision must come before its parts)

WHO = ("engine", "notebook")
NOTEBOOK_SEEDS = 1000
"""The notebook's seeds begin here: no network starts from the same weights as one of the engine's."""


@dataclass(frozen=True)
class Case:
    """A recipe in the words that Plateau and torch share, so that each side builds it by itself."""

    architecture: dict[str, Any]
    sgd: dict[str, Any]
    """torch.optim.SGD's arguments."""
    epochs: int
    """Also T_max of the cosine."""
    normalization: Literal["half", "dataset"]
    shift: float = 0.0
    """Largest shift to each side, a fraction of the size; every recipe flips besides."""
    batch_size: int = 64


CASES = {
    "my_net": Case(
        architecture={"kind": "my_net", "blocks": 2, "dropout": 0.2},
        sgd={"lr": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0005},
        epochs=8,
        normalization="dataset",
        shift=0.125,
    ),
    # The diary's network with an eighth of its channels, which a CPU can train.
    "my_resnet18": Case(
        architecture={"kind": "resnet18", "full_resolution_steps": 2, "max_pool": False, "width": 8},
        sgd={"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0001},
        epochs=5,
        normalization="half",
    ),
}


@dataclass(frozen=True)
class Sample:
    """The images of the comparison: indices into `dataset.images`, ascending."""

    dataset: Dataset
    train: np.ndarray
    val: np.ndarray


def draw_sample(dataset: Dataset, train: int, val: int) -> Sample:
    """The first `train` of a seeded permutation of the train split, and the first `val` of one of the
    val split; where that is too small, the next `val` of the train split. Raises BadInput."""
    if dataset.info.channels != 3:
        raise BadInput(f"The data set {dataset.info.name!r} is greyscale; choose one with RGB images.")
    rng = np.random.default_rng(0)
    order = rng.permutation(dataset.indices("train"))
    held_out = rng.permutation(dataset.indices("val"))
    if len(held_out) < val:
        held_out = order[train:]
    if len(order) < train or len(held_out) < val:
        raise BadInput(
            f"The data set {dataset.info.name!r} has too few images for {train:,} to train on and {val:,} to "
            "validate on; ask for fewer with --train and --val."
        )
    return Sample(dataset, np.sort(order[:train]), np.sort(held_out[:val]))


def recipe_of(case: Case, seed: int) -> Recipe:
    """The case as the engine gets it."""
    augmentations: list[dict[str, Any]] = [{"kind": "horizontal_flip", "p": 0.5}]
    if case.shift:
        shift = [case.shift, case.shift]
        augmentations.append({"kind": "affine", "degrees": 0, "translate": shift, "p": 1.0})
    return recipe_from_draft(
        {
            "architecture": case.architecture,
            "augmentations": augmentations,
            "optimizer": {"kind": "sgd", **case.sgd},
            "scheduler": {"kind": "cosine"},
            "normalization": {"kind": case.normalization},
            "batch_size": case.batch_size,
            "epochs": case.epochs,
            "seed": seed,
            "precision": "fp32",
            "device": "cpu",
        }
    )


def train_engine(case: Case, sample: Sample, seed: int) -> list[float]:
    """Val accuracy after each epoch, trained by the engine."""
    recipe = recipe_of(case, seed)
    compute = resolve_compute(recipe.device, recipe.precision)
    bank: ImageBank = replace(
        load_images(sample.dataset, recipe.data.color, compute.device),
        train=torch.from_numpy(sample.train),
        val=torch.from_numpy(sample.val),
        clean_train=torch.from_numpy(sample.train[: len(sample.val)]),
    )
    task = Task(recipe, bank, statistics_for(recipe, sample.dataset), compute, case.epochs)
    return [event.val_accuracy for event in fit(task) if isinstance(event, EpochEnded)]


def train_notebook(case: Case, sample: Sample, seed: int) -> list[float]:
    """Val accuracy after each epoch, trained by the notebook's loop."""
    images, labels = np.asarray(sample.dataset.images), sample.dataset.labels
    info = sample.dataset.info
    # The engine's network: what differs is all that happens to it.
    network = recipe_of(case, seed).architecture.build(
        len(info.classes), info.channels, info.image_size, NOTEBOOK_SEEDS + seed
    )
    optimizer = torch.optim.SGD(network.parameters(), **case.sgd)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=case.epochs)
    mean, std = [0.5] * 3, [0.5] * 3
    if case.normalization == "dataset":
        pixels = images[sample.train].reshape(-1, 3) / 255
        mean, std = pixels.mean(axis=0).tolist(), pixels.std(axis=0).tolist()
    as_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    shift = [v2.RandomAffine(degrees=0, translate=(case.shift, case.shift))] if case.shift else []
    rows = notebook_loop.run(
        images,
        labels,
        sample.train,
        sample.val,
        network,
        optimizer,
        scheduler,
        v2.Compose([v2.RandomHorizontalFlip(0.5), *shift, *as_tensor]),
        v2.Compose(as_tensor),
        epochs=case.epochs,
        batch_size=case.batch_size,
        seed=NOTEBOOK_SEEDS + seed,
    )
    return [row.val_accuracy for row in rows]


@dataclass(frozen=True)
class Comparison:
    """Final val accuracies of one model, as fractions of 1, and what follows from them."""

    engine: list[float]
    notebook: list[float]

    @property
    def difference(self) -> float:
        """Mean of the engine less mean of the notebook."""
        return statistics.mean(self.engine) - statistics.mean(self.notebook)

    @property
    def error(self) -> float:
        """The difference's standard error: the root of the sum of both squares."""
        return float(np.hypot(standard_error(self.engine), standard_error(self.notebook)))

    @property
    def agrees(self) -> bool:
        """Whether the difference lies within two standard errors."""
        return abs(self.difference) <= 2 * self.error


def standard_error(values: list[float]) -> float:
    """Of the mean of at least two values: sample standard deviation over the root of their number."""
    return float(statistics.stdev(values) / len(values) ** 0.5)


def comparisons(trainings: list[dict[str, Any]]) -> dict[str, Comparison]:
    """Per model, of the seeds that both sides have trained; models with fewer than two are left out."""
    final = {(t["model"], t["who"], t["seed"]): float(t["val_accuracy"][-1]) for t in trainings}
    found = {}
    for model in dict.fromkeys(t["model"] for t in trainings):
        seeds = [s for m, who, s in final if (m, who) == (model, WHO[0]) and (model, WHO[1], s) in final]
        if len(seeds) >= 2:
            found[model] = Comparison(*([final[model, who, seed] for seed in sorted(seeds)] for who in WHO))
    return found


def table(result: dict[str, Any]) -> Iterator[str]:
    """The Markdown table of a result, in percent."""
    yield "| model | trained by | val accuracy per seed | mean | standard error |"
    yield "| --- | --- | --- | --- | --- |"
    found = comparisons(result["trainings"])
    for model, c in found.items():
        for who, values in zip(WHO, (c.engine, c.notebook), strict=True):
            each = ", ".join(f"{100 * value:.2f}" for value in values)
            mean, error = 100 * statistics.mean(values), 100 * standard_error(values)
            yield f"| {model} | {who} | {each} | {mean:.2f} % | {error:.2f} |"
    yield ""
    yield "| model | difference of the means | its standard error | within two standard errors |"
    yield "| --- | --- | --- | --- |"
    for model, c in found.items():
        answer = "yes" if c.agrees else "no"
        yield f"| {model} | {100 * c.difference:+.2f} | {100 * c.error:.2f} | {answer} |"


def compare(
    sample: Sample, cases: dict[str, Case], seeds: int, result: dict[str, Any], out: Path | None
) -> None:
    """Train whatever `result` lacks, the sides in turn, and write it after each training."""
    done = {(t["model"], t["who"], t["seed"]) for t in result["trainings"]}
    sides = {"engine": train_engine, "notebook": train_notebook}
    for seed in range(seeds):
        for model, case in cases.items():
            for who, train in sides.items():
                if (model, who, seed) in done:
                    continue
                began = time.perf_counter()
                accuracies = train(case, sample, seed)
                seconds = round(time.perf_counter() - began, 1)
                row = {"model": model, "who": who, "seed": seed, "val_accuracy": accuracies}
                result["trainings"].append(row | {"seconds": seconds})
                if out:
                    write_json(out, result)
                print(f"{model}, {who}, seed {seed}: {accuracies[-1]:.2%} in {seconds} s", flush=True)


def new_result(sample: Sample, cases: dict[str, Case]) -> dict[str, Any]:
    """All that the accuracies depend on, without trainings yet."""
    info = sample.dataset.info
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
        "precision": "fp32",
        "versions": {
            "plateau": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pillow": PIL.__version__,
        },
        "data": {
            "name": info.name,
            "fingerprint": info.split_fingerprint,
            "image_size": info.image_size,
            "train": len(sample.train),
            "val": len(sample.val),
        },
        "cases": {name: asdict(case) for name, case in cases.items()},
        "trainings": [],
    }


def continued(new: dict[str, Any], out: Path) -> dict[str, Any]:
    """The result in `out`, if it was made of the same data and cases. Raises BadInput otherwise."""
    old = read_json(out)
    old["cases"] = new["cases"] | old["cases"]
    same = all(old.get(key) == new[key] for key in ("precision", "versions", "data"))
    if not same or any(old["cases"][name] != case for name, case in new["cases"].items()):
        raise BadInput(f"{out} holds trainings of other images, recipes or versions; name another --out.")
    return old


def cpu_name() -> str:
    """The processor's model as Linux tells it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", metavar="NAME", help="a data set of the library")
    what.add_argument("--show", metavar="FILE", type=Path, help="print the table of an earlier result")
    parser.add_argument("--train", type=int, default=10_000, help="training images")
    parser.add_argument("--val", type=int, default=2_000, help="validation images")
    parser.add_argument("--seeds", type=int, default=3, help="trainings per model and side, at least 2")
    parser.add_argument("--epochs", type=int, help="instead of each recipe's own number")
    parser.add_argument("--models", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--out", metavar="FILE", type=Path, help="where the result is written, as JSON")
    call = parser.parse_args(arguments)
    if call.seeds < 2:
        parser.error(f"--seeds {call.seeds}: a standard error needs at least 2")
    return call


def main() -> None:
    """Train, write and print."""
    call = parse()
    try:
        if call.show:
            print("\n".join(table(read_json(call.show))))
            return
        sample = draw_sample(Library(find_workspace().data).open(call.data), call.train, call.val)
        cases = {name: CASES[name] for name in call.models}
        if call.epochs:
            cases = {name: replace(case, epochs=call.epochs) for name, case in cases.items()}
        result = new_result(sample, cases)
        if call.out and call.out.exists():
            result = continued(result, call.out)
        compare(sample, cases, call.seeds, result, call.out)
        print("\n".join(table(result)))
    except FileNotFoundError as error:
        sys.exit(f"There is no file {error.filename}; name one that --out has written.")
    except PlateauError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
