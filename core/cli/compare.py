"""`compare`: what changed between two runs, what came with it, and whether it is real."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.cli.output import note, print_json, print_table
from core.insight.changes import ChangeCard, change_card, group_card
from core.insight.repeats import Group, groups
from core.insight.verdict import Verdict, judge
from core.runs import RunEntry, RunStore
from core.workspace import find_workspace


def compare(call: argparse.Namespace) -> None:
    """Compare two runs, the first as the baseline. Raises NotFound, BadInput, Damaged."""
    store = RunStore(find_workspace().runs)
    before, after = (store.entry(store.find(name)) for name in (call.before, call.after))
    verdict = judge([before], [after])
    groups_of = _repeats(store.list(), before, after)
    card = change_card(before, after)
    if call.json:
        print_json(_as_json(card, verdict, judge(*(g.entries for g in groups_of)) if groups_of else None))
    else:
        _print(card, verdict)
        if groups_of:
            _print_repeats(*groups_of)


def _repeats(entries: Sequence[RunEntry], before: RunEntry, after: RunEntry) -> tuple[Group, Group] | None:
    """The groups that the runs belong to; None where they say nothing new."""
    group_of = {entry.id: group for group in groups(entries) for entry in group.entries}
    # A run that was made after the list was read is in no group.
    first, second = (group_of.get(run.id) or groups([run])[0] for run in (before, after))
    if first is second or len(first.entries) == len(second.entries) == 1:
        return None
    return first, second


def _print(card: ChangeCard, verdict: Verdict) -> None:
    print(f"{card.before.name} ({card.before.id}) → {card.after.name} ({card.after.id})")
    print(f"\nWhat changed: {card.kind_words}")
    for change in card.changes:
        print(f"  {change.setting}: {change.old} → {change.new}")
    _print_effects("What it did", card)
    print(f"\nIs it real? {verdict.sentence}")
    _print_grounds(verdict)
    if card.note and card.note not in verdict.sentence:
        note(card.note)


def _print_repeats(before: Group, after: Group) -> None:
    """The same of both runs' groups, whose figures are means over seeds."""
    card, verdict = group_card(before, after), judge(before.entries, after.entries)
    _print_effects(f"With their repeats. {card.means_words}", card)
    print(f"\nIs it real, with their repeats? {verdict.sentence}")
    _print_grounds(verdict)


def _print_effects(title: str, card: ChangeCard) -> None:
    if card.effects:
        print(f"\n{title.strip()}")
        rows = [[effect.label, *effect.words] for effect in card.effects]
        print_table(["", "before", "after", "difference"], rows)


def _print_grounds(verdict: Verdict) -> None:
    if verdict.smallest_sentence:
        print(verdict.smallest_sentence)
    if verdict.only_before is not None:
        print(f"Right only before: {verdict.only_before:,} images; only after: {verdict.only_after:,}.")
    if verdict.method:
        print(f"Method: {verdict.method}.")


def _as_json(card: ChangeCard, verdict: Verdict, with_repeats: Verdict | None) -> dict[str, Any]:
    effects = [{**asdict(effect), "difference": effect.difference} for effect in card.effects]
    return {
        "before": card.before.id,
        "after": card.after.id,
        "kind": card.kind,
        "kind_words": card.kind_words,
        "changes": [asdict(change) for change in card.changes],
        "effects": effects,
        "verdict": asdict(verdict),
        "with_repeats": asdict(with_repeats) if with_repeats else None,
        "note": card.note,
    }
