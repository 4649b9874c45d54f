"""Everything that is wrong with a draft, and what should be known before its launch, at once."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.data import DatasetInfo
from core.errors import InvalidSettings, PlateauError, Problem
from core.models.summary import Stage
from core.recipe import Recipe, recipe_from_draft
from core.train import architecture_stages, check, network_problem
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
    advice = check(usable, info, network=False)
    problems += [p for p in advice.problems if p.field.split(".")[0] not in broken]
    stages: list[Stage] = []
    error = ""
    if info is not None and "architecture" not in broken:
        stages, error = stages_of(usable, info)
        if error:
            problems.append(network_problem(usable, error))
    return Checked(recipe, usable, problems, advice.warnings, stages, error, frozenset(broken))


def _parse(draft: dict[str, Any]) -> tuple[Recipe | None, Recipe, list[Problem]]:
    try:
        recipe = recipe_from_draft(draft)
        return recipe, recipe, []
    except InvalidSettings as error:
        broken = {problem.field.split(".")[0] for problem in error.problems}
        kept = {name: value for name, value in draft.items() if name not in broken}
        return None, recipe_from_draft(kept), error.problems


def stages_of(recipe: Recipe, info: DatasetInfo) -> tuple[list[Stage], str]:
    """The network's stages, or the sentence that says why it cannot be built."""
    rows, error = _stages(
        recipe.architecture.model_dump_json(),
        recipe.data.color,
        info.model_dump_json(include={"name", "fingerprint", "classes", "channels", "image_size"}),
        _recipe=recipe,
        _info=info,
    )
    return [Stage(name, tuple(shape), parameters, work) for name, shape, parameters, work in rows], error


@st.cache_data(show_spinner=False, max_entries=200)
def _stages(
    architecture: str, color: str, dataset: str, _recipe: Recipe, _info: DatasetInfo
) -> tuple[list[tuple[str, tuple[int, ...], int, int]], str]:
    try:
        stages = architecture_stages(_recipe, _info)
    except PlateauError as error:
        return [], str(error)
    return [(s.name, s.output_shape, s.parameters, s.multiply_adds) for s in stages], ""


def recipe_key(recipe: Recipe, *names: str) -> str:
    """These root fields as one line: what a preview depends on."""
    return as_key(recipe.model_dump(mode="json", include=set(names)))
