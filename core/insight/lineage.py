"""Runs as a tree: each below the run that it is measured against, with what changed and what it did.
Repeats of one recipe are one line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import PlateauError
from core.insight.changes import ChangeCard, group_card
from core.insight.parents import Found, age, parents_of
from core.insight.repeats import Group, groups
from core.runs.run import RunEntry

Rail = Literal["root", "on", "branch", "last", "line", "gap"]
"""What stands in a column in front of a name: the last one is the run's own sign, the others belong to the
branches that it stands in ('line' where such a branch has another one below)."""


@dataclass(frozen=True)
class Node:
    """A line of the tree: a run, or runs that differ by their seed alone.

    An only child goes on below its parent on the same level ('on'), and its parent is the very line
    above: a diary of 30 experiments in a row would else end far to the right. Where a run has several
    children, all of them branch off one level deeper ('branch', the last one 'last').
    """

    group: Group
    rails: tuple[Rail, ...]
    card: ChangeCard | None
    """Against its parent, from the statuses alone; None for a root, or where a recipe is damaged."""
    family: str
    """The id of the root above it."""

    @property
    def entry(self) -> RunEntry:
        """The run that the line goes by: the oldest."""
        return self.group.first


def lineage(entries: Sequence[RunEntry]) -> list[Node]:
    """All runs, each root with what is below it; the root with the newest run comes first."""
    parents = parents_of(entries)
    found = groups(entries)
    by_key = {group.key: group for group in found}
    key_of = {entry.id: group.key for group in found for entry in group.entries}
    # A parent is older than its run, so its group's oldest is older than this one's: there is no ring.
    above = {group.key: parents[group.first.id] for group in found}
    children: dict[str, list[str]] = {group.key: [] for group in found}
    for group in sorted(found, key=lambda group: age(group.first)):
        parent = above[group.key]
        if parent is not None:
            children[key_of[parent[0].id]].append(group.key)
    families = [_below(key, children) for key, parent in above.items() if parent is None]
    families.sort(key=lambda family: max(age(e) for key in family for e in by_key[key].entries), reverse=True)
    nodes = []
    for family in families:
        for key, rails in _lines(family[0], children):
            parent = above[key]
            card = None if parent is None else _card(by_key[key_of[parent[0].id]], by_key[key], parent)
            nodes.append(Node(by_key[key], rails, card, by_key[family[0]].first.id))
    return nodes


def _below(root: str, children: dict[str, list[str]]) -> list[str]:
    """The root and all below it."""
    found = [root]
    for key in found:
        found += children[key]
    return found


def _lines(root: str, children: dict[str, list[str]]) -> list[tuple[str, tuple[Rail, ...]]]:
    """A family's lines, from its root down. No recursion: a chain may be as long as there are runs."""
    lines: list[tuple[str, tuple[Rail, ...]]] = []
    outer: tuple[Rail, ...] = ()
    waiting: list[tuple[str, tuple[Rail, ...], Rail]] = [(root, outer, "root")]
    while waiting:
        key, outer, sign = waiting.pop()
        lines.append((key, (*outer, sign)))
        below = children[key]
        if sign in ("branch", "last"):
            outer = (*outer, "line" if sign == "branch" else "gap")
        # The last one in is the first one out.
        for at, child in reversed(list(enumerate(below, start=1))):
            mark: Rail = "on" if len(below) == 1 else "last" if at == len(below) else "branch"
            waiting.append((child, outer, mark))
    return lines


def _card(before: Group, after: Group, found: Found) -> ChangeCard | None:
    try:
        return group_card(before, after, found[1], rows=False)
    except PlateauError:
        return None
