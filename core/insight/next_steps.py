"""What to try next, at a run's end: the first three of core/insight/rules.py that apply."""

import json
from collections.abc import Sequence
from typing import Any

from core.data import DatasetInfo
from core.insight.case import Case
from core.insight.parents import tried
from core.insight.rules import RULES, Suggestion
from core.recipe import Recipe, set_values
from core.runs.run import RunEntry
from core.runs.status import Status

__all__ = ["RULES", "Suggestion", "changed", "next_steps"]

MOST = 3
"""Suggestions at a run's end; more would be a list to choose from, and no advice."""
ENDED = ("finished", "stopped", "interrupted", "failed")


def next_steps(
    entry: RunEntry, entries: Sequence[RunEntry], info: DatasetInfo | None = None
) -> list[Suggestion]:
    """At most three suggestions for a run that ended, the best founded first; none while it may go on.

    `entries` are all runs: what one of them on the same data already tried is left out. `info` is the
    run's data set, where it is still there. Raises Damaged where recipe or rows cannot be read.
    """
    if entry.status is None or entry.status.state not in ENDED:
        return []
    case = Case(entry, entry.status, entry.run.recipe(), entry.run.epochs().rows, entries, info)
    rivals = [other for other in entries if same_data(case.status, other)]
    found: list[Suggestion] = []
    for rule in RULES:
        suggestion = rule.suggest(case)
        if suggestion is None:
            continue
        if suggestion.action == "form" and tried(changed(case.recipe, suggestion.changes), rivals):
            continue
        found.append(suggestion)
        if len(found) == MOST:
            break
    return found


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with a suggestion's changes. Raises InvalidSettings."""
    return set_values(recipe, [f"{path}={json.dumps(value)}" for path, value in changes.items()])


def same_data(status: Status, other: RunEntry) -> bool:
    """Whether a run saw the same images in the same split."""
    return other.status is not None and other.status.is_on(
        status.dataset_fingerprint, status.split_fingerprint
    )
