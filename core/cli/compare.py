"""`compare`: what changed between two runs, what came with it, and whether it is real."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.cli.output import note, print_json, print_table, say
from core.insight.changes import ChangeCard, change_card, group_card
from core.insight.repeats import Group, groups
from core.insight.verdict import Verdict, judge
from core.runs import RunEntry, RunStore
from core.workspace import find_workspace


def compare(call: argparse.Namespace) -> None:
    """Compare two runs, the first as the baseline. Raises NotFound, BadInput, Damaged."""
    store = RunStore(find_workspace().runs)
    before, after = (store.entry(store.find(name)) for name in (call.before, call.after))
    card, verdict = change_card(before, after), judge([before], [after])
    with_repeats = _of_groups(_repeats(store.list(), before, after))
    if call.json:
        print_json(_as_json(card, verdict, with_repeats))
    else:
        _print(card, verdict)
        if with_repeats:
            _print_repeats(*with_repeats)


def _repeats(entries: Sequence[RunEntry], before: RunEntry, after: RunEntry) -> tuple[Group, Group] | None:
    """The groups that the runs belong to; None where they say nothing new."""
    group_of = {entry.id: group for group in groups(entries) for entry in group.entries}
    # A run that was made after the list was read is in no group.
    first, second = (group_of.get(run.id) or groups([run])[0] for run in (before, after))
    if first is second or len(first.entries) == len(second.entries) == 1:
        return None
    return first, second


def _of_groups(pair: tuple[Group, Group] | None) -> tuple[ChangeCard, Verdict] | None:
    """The same of both runs' groups, whose figures are means over seeds."""
    return pair and (group_card(*pair), judge(*(group.entries for group in pair)))


def _print(card: ChangeCard, verdict: Verdict) -> None:
    say(f"{card.before.name} ({card.before.id}) → {card.after.name} ({card.after.id})")
    say()
    say(f"What changed: {card.kind_words}")
    for change in card.changes:
        say(f"  {change.setting}: {change.old} → {change.new}")
    _print_effects("What it did", card)
    _print_verdict("Is it real?", verdict)
    if card.note and card.note not in verdict.sentence:
        note(card.note)


def _print_repeats(card: ChangeCard, verdict: Verdict) -> None:
    _print_effects(f"With their repeats. {card.means_words}", card)
    _print_verdict("Is it real, with their repeats?", verdict)


def _print_effects(title: str, card: ChangeCard) -> None:
    if card.effects:
        say()
        say(title.strip())
        rows = [[effect.label, *effect.words] for effect in card.effects]
        print_table(["", "before", "after", "difference"], rows)


def _print_verdict(question: str, verdict: Verdict) -> None:
    say()
    say(f"{question} {verdict.sentence}")
    if verdict.smallest_sentence:
        say(verdict.smallest_sentence)
    if verdict.only_before is not None:
        say(f"Right only before: {verdict.only_before:,} images; only after: {verdict.only_after:,}.")
    if verdict.method:
        say(f"Method: {verdict.method}.")


def _as_json(
    card: ChangeCard, verdict: Verdict, with_repeats: tuple[ChangeCard, Verdict] | None
) -> dict[str, Any]:
    repeats = None
    if with_repeats:
        means, judged = with_repeats
        repeats = {"means_words": means.means_words, "effects": _effects_as_json(means)} | asdict(judged)
    return {
        "before": card.before.id,
        "after": card.after.id,
        "kind": card.kind,
        "kind_words": card.kind_words,
        "changes": [asdict(change) for change in card.changes],
        "effects": _effects_as_json(card),
        "verdict": asdict(verdict),
        "with_repeats": repeats,
        "note": card.note,
    }


def _effects_as_json(card: ChangeCard) -> list[dict[str, Any]]:
    return [{**asdict(effect), "difference": effect.difference} for effect in card.effects]
