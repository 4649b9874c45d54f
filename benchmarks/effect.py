"""Does the engine train as well as a notebook does? The same recipes, trained by both, several times.

    python -m benchmarks.effect --data NAME [--train 10000] [--val 2000] [--seeds 3] [--epochs N]
                                [--models my_net my_resnet18] [--out FILE.json]
    python -m benchmarks.effect --show FILE.json

NAME is a data set of Plateau's library with RGB images. The engine is `core.train.fit` in fp32; the
notebook is `benchmarks.notebook_loop`, with torchvision's transforms on PIL images. Both train on the
same images, and the network comes from the engine's builder on both sides. First weights, order,
augmentation and dropout are drawn independently, so the accuracies differ by chance. A normalization by
the data set's own statistics takes, in the engine, those of the whole train split, and in the notebook
those of the images that it trains on: the same where --train is all of the split.

Printed is whether the means over the seeds lie within two standard errors of each other; --show prints
the same tables from a file. With three seeds a side, chance alone says 'no' in one of nine comparisons
(Student's t, four degrees of freedom).

Every finished training is written to FILE (docs/figures/effect.json where --out is left out) at once,
with its date and processor. The same command goes on where it was stopped, or adds further seeds.
"""

import argparse
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL
import torch
from torch import nn

from benchmarks import notebook_loop
from benchmarks.effect_figures import (
    EFFECT_FIGURES,
    SIDES,
    Case,
    Images,
    Result,
    Side,
    Training,
    lines,
    read_result,
    recipe_of,
)
from benchmarks.machine import cpu_name
from core import __version__
from core.data import Dataset, Library
from core.errors import BadInput, PlateauError
from core.files import write_json
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

NOTEBOOK_SEEDS = 1000
"""The notebook's seeds begin here. Any would do: the engine derives its own draws from a seed. It stays,
since the stored trainings were made with it."""


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


def engine_task(case: Case, sample: Sample, seed: int) -> Task:
    """The case for the engine, on the sample's images."""
    recipe = recipe_of(case, seed)
    compute = resolve_compute(recipe.device, recipe.precision)
    bank: ImageBank = replace(
        load_images(sample.dataset, recipe.data.color, compute.device),
        train=torch.from_numpy(sample.train),
        val=torch.from_numpy(sample.val),
        clean_train=torch.from_numpy(sample.train[: len(sample.val)]),
    )
    return Task(recipe, bank, statistics_for(recipe, sample.dataset), compute, case.epochs)


def train_engine(case: Case, sample: Sample, seed: int) -> list[float]:
    """Val accuracy after each epoch, trained by the engine."""
    task = engine_task(case, sample, seed)
    return [event.val_accuracy for event in fit(task) if isinstance(event, EpochEnded)]


def notebook_network(case: Case, sample: Sample, seed: int) -> nn.Module:
    """The engine's network, from other first weights than the engine draws with this seed.

    The sides' accuracies have to be independent draws: with the same weights to begin with they would
    rise and fall together, and the standard error of their difference would be too large.
    """
    info = sample.dataset.info
    return recipe_of(case, seed).architecture.build(
        len(info.classes), info.channels, info.image_size, NOTEBOOK_SEEDS + seed
    )


def train_notebook(case: Case, sample: Sample, seed: int) -> list[float]:
    """Val accuracy after each epoch, trained by the notebook's loop."""
    images = np.asarray(sample.dataset.images)
    network = notebook_network(case, sample, seed)
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
        sample.dataset.labels,
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


def compare(sample: Sample, cases: dict[str, Case], seeds: int, result: Result, out: Path) -> Result:
    """Train whatever `result` lacks, the sides in turn, and write it to `out` after each training."""
    done = {(t.model, t.who, t.seed) for t in result.trainings}
    for seed in range(seeds):
        for model, case in cases.items():
            for who in SIDES:
                if (model, who, seed) in done:
                    continue
                row = _training(who, model, case, sample, seed)
                result = result.model_copy(update={"trainings": (*result.trainings, row)})
                write_json(out, result.model_dump(mode="json"))
                told = f"{row.val_accuracy[-1]:.2%} in {row.seconds} s"
                print(f"{model}, {who}, seed {seed}: {told}", flush=True)
    return result


def _training(who: Side, model: str, case: Case, sample: Sample, seed: int) -> Training:
    train = {"engine": train_engine, "notebook": train_notebook}[who]
    began = time.perf_counter()
    accuracies = train(case, sample, seed)
    return Training(
        model=model,
        who=who,
        seed=seed,
        val_accuracy=tuple(accuracies),
        seconds=round(time.perf_counter() - began, 1),
        date=datetime.now(UTC).date().isoformat(),
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
    )


def new_result(sample: Sample, cases: dict[str, Case]) -> Result:
    """All that the accuracies depend on, without trainings yet."""
    info = sample.dataset.info
    return Result(
        precision="fp32",
        versions={
            "plateau": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": str(torchvision.__version__),
            "pillow": PIL.__version__,
        },
        data=Images(
            name=info.name,
            fingerprint=info.split_fingerprint,
            image_size=info.image_size,
            train=len(sample.train),
            val=len(sample.val),
        ),
        cases=cases,
    )


def continued(new: Result, out: Path) -> Result:
    """The result in `out`, if it was made of the same data and cases with the same versions. Raises
    BadInput otherwise, and Damaged where `out` holds something else."""
    old = read_result(out)
    cases = new.cases | old.cases
    same = (old.precision, old.versions, old.data) == (new.precision, new.versions, new.data)
    if not same or any(cases[name] != case for name, case in new.cases.items()):
        raise BadInput(f"{out} holds trainings of other images, recipes or versions; name another --out.")
    return old.model_copy(update={"cases": cases})


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
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
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=EFFECT_FIGURES,
        help="where the result is written, as JSON (default: docs/figures/effect.json)",
    )
    call = parser.parse_args(arguments)
    if call.seeds < 2:
        parser.error(f"--seeds {call.seeds}: a standard error needs at least 2")
    return call


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, write and print; a problem is one sentence on standard error."""
    call = parse(arguments)
    try:
        result = read_result(call.show) if call.show else trained(call)
    except OSError as error:
        path = call.show or call.out
        return _refuse(f"{path} cannot be read or written ({error.strerror}); name another file.")
    except PlateauError as error:
        return _refuse(str(error))
    print("\n".join(lines(result)))
    return 0


def trained(call: argparse.Namespace) -> Result:
    """The result of --out with all trainings that the command line asks for."""
    if not call.out.parent.is_dir():
        raise BadInput.at("--out", str(call.out), "lies in no folder that is there", "make it first")
    sample = draw_sample(Library(find_workspace().data).open(call.data), call.train, call.val)
    cases = {name: CASES[name] for name in call.models}
    if call.epochs:
        cases = {name: replace(case, epochs=call.epochs) for name, case in cases.items()}
    result = new_result(sample, cases)
    if call.out.exists():
        result = continued(result, call.out)
    return compare(sample, cases, call.seeds, result, call.out)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
