"""Everything that is wrong with a draft, and what should be known before its launch, at once."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.data import DatasetInfo
from core.errors import InvalidSettings, PlateauError, Problem
from core.models.summary import Stage
from core.recipe import Recipe, recipe_from_draft
from core.train import architecture_stages, check, network_problem, preview_lr, schedule_advice
from ui.form_values import as_key


@dataclass(frozen=True)
class Checked:
    """A draft after all checks."""

    recipe: Recipe | None
    """None where a value is invalid."""
    usable: Recipe
    """The recipe with a default in place of every invalid root field: the previews go on."""
    problems: list[Problem]
    warnings: list[str]
    stages: list[Stage]
    """Empty where the network cannot be built or there is no data set."""
    stages_error: str
    broken: frozenset[str] = frozenset()
    """Root fields with an invalid value."""


def check_draft(draft: dict[str, Any], info: DatasetInfo | None) -> Checked:
    """Check the values themselves, then what depends on the data set, the machine and the network."""
    recipe, usable, problems = _parse(draft)
    broken = {problem.field.split(".")[0] for problem in problems}
    advice = check(usable, info, network=False, schedule=False)
    problems += [p for p in advice.problems if p.field.split(".")[0] not in broken]
    warnings = [*lr_preview(usable, info).warnings, *advice.warnings]
    stages: list[Stage] = []
    error = ""
    if info is not None and "architecture" not in broken:
        stages, problem, error = stages_of(usable, info)
        if problem:
            problems.append(problem)
    return Checked(recipe, usable, problems, warnings, stages, error, frozenset(broken))


LR_FIELDS = ("scheduler", "warmup", "optimizer", "epochs", "batch_size")
"""What the learning rate depends on, besides the number of training images."""


_MOST_POINTS = 2_000


@dataclass(frozen=True)
class LrPreview:
    """The learning rate of a run before it is launched."""

    points: list[tuple[float, float]]
    """(position in epochs, lr), as many as a chart can show."""
    warnings: list[str]


def lr_preview(recipe: Recipe, info: DatasetInfo | None, improves_until: int | None = None) -> LrPreview:
    """The learning rate over all epochs, and what should be known about it; remembered, for going
    through 100,000 epochs takes a second."""
    images = info.counts.get("train", 0) if info else 0
    key = recipe_key(recipe, *LR_FIELDS)
    return LrPreview(*_lr_preview(key, images, improves_until, _recipe=recipe, _info=info))


@st.cache_data(show_spinner=False, max_entries=200)
def _lr_preview(
    settings: str, images: int, until: int | None, _recipe: Recipe, _info: DatasetInfo | None
) -> tuple[list[tuple[float, float]], list[str]]:
    curve = preview_lr(_recipe, _info, improves_until=until)
    kept = curve.points[:: -(-len(curve.points) // _MOST_POINTS)]
    return [*kept, curve.points[-1]], schedule_advice(_recipe, curve)


def _parse(draft: dict[str, Any]) -> tuple[Recipe | None, Recipe, list[Problem]]:
    try:
        recipe = recipe_from_draft(draft)
        return recipe, recipe, []
    except InvalidSettings as error:
        broken = {problem.field.split(".")[0] for problem in error.problems}
        kept = {name: value for name, value in draft.items() if name not in broken}
        return None, recipe_from_draft(kept), error.problems


def stages_of(recipe: Recipe, info: DatasetInfo) -> tuple[list[Stage], Problem | None, str]:
    """The network's stages, or why it cannot be built: at which field, and as a sentence."""
    rows, problem, error = _stages(
        recipe.architecture.model_dump_json(),
        recipe.data.color,
        info.model_dump_json(include={"name", "fingerprint", "classes", "channels", "image_size"}),
        _recipe=recipe,
        _info=info,
    )
    stages = [Stage(name, tuple(shape), parameters, work) for name, shape, parameters, work in rows]
    return stages, problem, error


@st.cache_data(show_spinner=False, max_entries=200)
def _stages(
    architecture: str, color: str, dataset: str, _recipe: Recipe, _info: DatasetInfo
) -> tuple[list[tuple[str, tuple[int, ...], int, int]], Problem | None, str]:
    try:
        stages = architecture_stages(_recipe, _info)
    except PlateauError as error:
        return [], network_problem(_recipe, error), str(error)
    return [(s.name, s.output_shape, s.parameters, s.multiply_adds) for s in stages], None, ""


def recipe_key(recipe: Recipe, *names: str) -> str:
    """These root fields as one line: what a preview depends on."""
    return as_key(recipe.model_dump(mode="json", include=set(names)))
