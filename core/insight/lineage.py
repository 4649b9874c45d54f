"""Runs as a tree: each below the run that it is measured against, with what changed and what it did."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import PlateauError
from core.insight.changes import ChangeCard, change_card
from core.insight.parents import Found, age, parents_of
from core.runs.run import RunEntry


@dataclass(frozen=True)
class Node:
    """A run's line in the tree.

    A chain of runs stays on one level, or a diary of 30 experiments would end far to the right: the child
    with the most runs below it (the newest of equals) goes on, the others branch off one level deeper. So
    the parent of a run that goes on is the next one above it on its level, that of a branch the next one
    above on the level before.
    """

    entry: RunEntry
    level: int
    goes_on: bool
    """Whether it goes on with its parent's level."""
    card: ChangeCard | None
    """Against its parent, from the statuses alone; None for a root, or where a recipe is damaged."""
    family: str
    """The id of the root above it."""


def lineage(entries: Sequence[RunEntry]) -> list[Node]:
    """All runs, each root with the runs below it; the root with the newest run comes first."""
    parents = parents_of(entries)
    by_id = {entry.id: entry for entry in entries}
    children: dict[str, list[str]] = {entry.id: [] for entry in entries}
    for entry in sorted(entries, key=age):
        found = parents[entry.id]
        if found is not None:
            children[found[0].id].append(entry.id)
    roots = [run_id for run_id, found in parents.items() if found is None]
    families = [_below(root, children) for root in roots]
    families.sort(key=lambda family: max(age(by_id[run_id]) for run_id in family), reverse=True)
    return [node for family in families for node in _nodes(family, children, by_id, parents)]


def _below(root: str, children: dict[str, list[str]]) -> list[str]:
    """The root and all runs below it."""
    found = [root]
    for run_id in found:
        found += children[run_id]
    return found


def _nodes(
    family: Sequence[str],
    children: dict[str, list[str]],
    by_id: dict[str, RunEntry],
    parents: dict[str, Found | None],
) -> list[Node]:
    """A family's lines, from its root down. No recursion: a chain may be as long as there are runs."""
    sizes: dict[str, int] = {}
    for run_id in reversed(family):
        sizes[run_id] = 1 + sum(sizes[child] for child in children[run_id])
    nodes: list[Node] = []
    waiting = [(family[0], 0, True)]
    while waiting:
        run_id, level, goes_on = waiting.pop()
        card = _card(by_id[run_id], parents[run_id])
        nodes.append(Node(by_id[run_id], level, goes_on, card, family[0]))
        below = children[run_id]
        main = max(reversed(below), key=sizes.__getitem__, default=None)
        # The last one in is the first one out: the branches, oldest first, and then what goes on.
        waiting += [(child, level, True) for child in below if child == main]
        waiting += [(child, level + 1, False) for child in reversed(below) if child != main]
    return nodes


def _card(entry: RunEntry, found: Found | None) -> ChangeCard | None:
    if found is None:
        return None
    try:
        return change_card(found[0], entry, found[1], rows=False)
    except PlateauError:
        return None
