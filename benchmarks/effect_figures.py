"""docs/figures/effect.json: what benchmarks.effect trained, and the tables that are made of it."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmarks.recipe_parts import cells, table
from core.errors import BadInput, Damaged
from core.files import read_json
from core.recipe import Recipe, recipe_from_draft
from core.recipe.contents import contents
from ui.words import count

EFFECT_FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures" / "effect.json"

Side = Literal["engine", "notebook"]
SIDES: tuple[Side, ...] = ("engine", "notebook")
Fraction = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Case:
    """A recipe in the words that Plateau and torch share, so that each side builds it by itself."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    architecture: dict[str, Any]
    sgd: dict[str, Any]
    """torch.optim.SGD's arguments."""
    epochs: int
    """Also T_max of the cosine."""
    normalization: Literal["half", "dataset"]
    shift: float = 0.0
    """Largest shift to each side, a fraction of the size; every recipe flips besides."""
    batch_size: int = 64


def recipe_of(case: Case, seed: int) -> Recipe:
    """The case as the engine gets it. Raises BadInput where it is no recipe."""
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


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Training(_Stored):
    """One training of a case by one side."""

    model: str
    who: Side
    seed: int
    val_accuracy: Annotated[tuple[Fraction, ...], Field(min_length=1)]
    """After each epoch, a fraction of 1."""
    seconds: float
    date: str
    cpu: str
    """The processor's model."""
    threads: int


class Images(_Stored):
    """The images that all trainings share."""

    name: str
    """The data set's name in the library."""
    fingerprint: str
    """The data set's split_fingerprint."""
    image_size: int
    """Side in pixels."""
    train: int
    val: int


class Result(_Stored):
    """All that the accuracies depend on, and the trainings."""

    precision: str
    versions: dict[str, str]
    data: Images
    cases: dict[str, Case]
    trainings: tuple[Training, ...] = ()

    @model_validator(mode="after")
    def _check_trainings(self) -> Self:
        keys = [(training.model, training.who, training.seed) for training in self.trainings]
        if len(set(keys)) < len(keys) or not {model for model, _, _ in keys} <= set(self.cases):
            raise ValueError("every training is of one of the cases, and stored once")
        return self


def read_result(path: Path) -> Result:
    """The result in `path`. Raises FileNotFoundError, and Damaged where it holds something else."""
    try:
        result = Result.model_validate(read_json(path))
        for case in result.cases.values():
            recipe_of(case, 0)
    except (ValidationError, BadInput) as error:
        raise Damaged(
            f"{path.name} holds no result of benchmarks.effect; restore it from the repository, or name "
            "a file that the command has written."
        ) from error
    return result


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


def comparisons(result: Result) -> dict[str, Comparison]:
    """Per model, of the seeds that both sides have trained; models with fewer than two are left out."""
    final = {(t.model, t.who, t.seed): t.val_accuracy[-1] for t in result.trainings}
    found = {}
    for model in dict.fromkeys(t.model for t in result.trainings):
        both = [s for m, who, s in final if (m, who) == (model, "engine") and (model, "notebook", s) in final]
        if len(both) >= 2:
            found[model] = Comparison(*([final[model, who, seed] for seed in sorted(both)] for who in SIDES))
    return found


def lines(result: Result) -> Iterator[str]:
    """A result as Markdown: what was trained, on what, and how it compares."""
    recipes = {model: recipe_of(case, 0) for model, case in result.cases.items()}
    columns = contents(next(iter(recipes.values()))) if recipes else ()
    yield from table(["model", *columns], [[model, *cells(recipe)] for model, recipe in recipes.items()])
    data = result.data
    machines = dict.fromkeys(
        f"{t.cpu} with {t.threads} thread{'s' * (t.threads != 1)}, {t.date}" for t in result.trainings
    )
    yield ""
    yield (
        f"{data.name} (split fingerprint {data.fingerprint[:12]}), {count(data.train)} training and "
        f"{count(data.val)} val images of {data.image_size} px; {result.precision}, torch "
        f"{result.versions.get('torch', 'unknown')}; {'; '.join(machines) or 'nothing trained yet'}."
    )
    yield ""
    yield from _compared(comparisons(result))


def _compared(found: dict[str, Comparison]) -> Iterator[str]:
    if not found:
        yield "Nothing to compare yet: no model has two seeds that both sides have trained."
        return
    rows = []
    for model, c in found.items():
        for who, values in zip(SIDES, (c.engine, c.notebook), strict=True):
            each = ", ".join(f"{100 * value:.2f}" for value in values)
            mean, error = 100 * statistics.mean(values), 100 * standard_error(values)
            rows.append([model, who, each, f"{mean:.2f}", f"{error:.2f}"])
    accuracy = "val accuracy after the last epoch, per seed (%)"
    yield from table(
        ["model", "trained by", accuracy, "mean (%)", "its standard error (percentage points)"], rows
    )
    yield ""
    yield from table(
        [
            "model",
            "difference of the means (percentage points)",
            "its standard error (percentage points)",
            "within two standard errors",
        ],
        [
            [model, f"{100 * c.difference:+.2f}", f"{100 * c.error:.2f}", "yes" if c.agrees else "no"]
            for model, c in found.items()
        ],
    )
    yield ""
    least = ", ".join(f"{200 * c.error:.1f} for {model}" for model, c in found.items())
    yield (
        "With three seeds a side, chance alone says 'no' about 1 time in 9 per model (Student's t, four "
        "degrees of freedom), and only a large difference shows: here, one of more percentage points than "
        f"{least}. A 'yes' rules out no smaller one."
    )
