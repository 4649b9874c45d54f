"""Everything that is wrong with a draft, and what should be known before its launch, at once."""

import re
from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch

from core.data import DatasetInfo
from core.errors import InvalidSettings, PlateauError, Problem
from core.models import MyNet
from core.models.summary import Stage
from core.recipe import Recipe, recipe_from_draft
from core.train import architecture_stages, check
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
    advice = check(_with_known_network(usable), info)
    problems += [p for p in advice.problems if p.field.split(".")[0] not in broken]
    stages: list[Stage] = []
    error = ""
    if info is not None and "architecture" not in broken:
        stages, error = stages_of(usable, info)
        if error:
            problems.append(_network_problem(usable, error))
    return Checked(recipe, usable, problems, advice.warnings, stages, error, frozenset(broken))


def _parse(draft: dict[str, Any]) -> tuple[Recipe | None, Recipe, list[Problem]]:
    try:
        recipe = recipe_from_draft(draft)
        return recipe, recipe, []
    except InvalidSettings as error:
        broken = {problem.field.split(".")[0] for problem in error.problems}
        kept = {name: value for name, value in draft.items() if name not in broken}
        return None, recipe_from_draft(kept), error.problems


class _KnownNetwork(MyNet):
    """Stands in for an architecture that is checked apart, where its answer is remembered: to build
    a large network for each change of another field takes seconds."""

    pretrained: str = "none"


def _with_known_network(recipe: Recipe) -> Recipe:
    pretrained = getattr(recipe.architecture, "pretrained", "none")
    stand_in = _KnownNetwork(blocks=1, width=4, pretrained=pretrained)
    return recipe.model_copy(update={"architecture": stand_in})


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
        # Weights on the meta device have a shape and no values: drawing them is most of a build's time.
        with torch.device("meta"):
            stages = architecture_stages(_recipe, _info)
    except PlateauError as error:
        return [], str(error)
    return [(s.name, s.output_shape, s.parameters, s.multiply_adds) for s in stages], ""


def _network_problem(recipe: Recipe, sentence: str) -> Problem:
    """Why the network cannot be built, at the field that the sentence names ('dropout = 2: ...')."""
    named = _NAMED.match(sentence)
    field, value, rest = "architecture", str(recipe.architecture.kind), sentence
    if named and named["field"].split(".")[0] in type(recipe.architecture).model_fields:
        field, value, rest = f"architecture.{named['field']}", named["value"], named["rest"]
    rule, _, remedy = rest.rstrip(".").partition("; ")
    return Problem(field, value, rule, remedy)


_NAMED = re.compile(r"(?P<field>[a-z_.]+) = (?P<value>[^:]+): (?P<rest>.+)", re.DOTALL)


def recipe_key(recipe: Recipe, *names: str) -> str:
    """These root fields as one line: what a preview depends on."""
    return as_key(recipe.model_dump(mode="json", include=set(names)))
