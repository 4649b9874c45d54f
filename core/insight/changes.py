"""What changed between two runs, and what came with it: the card of a run and its parent.

'Clean' and 'confounded' say how many decisions differ, not whether a difference is real: that is
judged in core/insight/verdict.py.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from core.errors import Damaged, PlateauError
from core.insight.curves import Row, number
from core.insight.outcomes import comparable
from core.insight.parents import Relation, parent_of
from core.insight.repeats import ENDED_EARLY, Group
from core.recipe.fingerprint import SEED_AND_PLACE
from core.recipe.words import MISSING, changed_settings, setting_words, show_number
from core.runs.run import Look, Run, RunEntry
from core.runs.status import Status
from core.words import duration, percent, points, signed

__all__ = ["Change", "ChangeCard", "Effect", "behind_parent", "change_card", "group_card", "parent_of"]

Kind = Literal["same", "repeat", "clean", "confounded"]
Unit = Literal["points", "loss", "seconds"]
Looked = tuple[int | Literal["best"], ...]
"""At which epochs the test figures of a side were taken, one per run where somebody looked."""

BEHIND_UNDER = 0.0005
"""Of accuracy: what rounds to 0.0 points is neither ahead nor behind."""


@dataclass(frozen=True)
class Change:
    """One decision that differs; `setting`, `old` and `new` as a person reads them."""

    field: str
    setting: str
    old: str
    new: str

    @property
    def words(self) -> str:
        """'Dropout 0.2 → 0.4', the setting without the group that it stands in."""
        return f"{self.setting.rpartition(' › ')[2]} {self.old} → {self.new}"


@dataclass(frozen=True)
class Effect:
    """A figure of both runs; accuracies and gaps as fractions of 1 ('points')."""

    label: str
    before: float | None
    after: float | None
    unit: Unit
    is_gap: bool = False
    """Whether `before` and `after` are differences themselves: so many points, and no share of the images."""

    @property
    def difference(self) -> float | None:
        """After minus before; None where one of them is not known."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def words(self) -> tuple[str, str, str]:
        """Before, after and difference as a person reads them."""
        return self._said(self.before), self._said(self.after), self._difference_words()

    def _said(self, value: float | None) -> str:
        if value is None:
            return MISSING
        if self.unit == "points":
            return points(value) if self.is_gap else percent(value)
        return f"{value:.3f}" if self.unit == "loss" else duration(value)

    def _difference_words(self) -> str:
        difference = self.difference
        if difference is None:
            return MISSING
        if self.unit == "points":
            return points(difference)
        if self.unit == "loss":
            return signed(difference, 3)
        said = duration(abs(difference))
        return f"{'-' if difference < 0 and said != duration(0.0) else '+'}{said}"


@dataclass(frozen=True)
class ChangeCard:
    """What differs between two runs, and their figures side by side."""

    before: RunEntry
    after: RunEntry
    relation: Relation
    changes: tuple[Change, ...]
    kind: Kind
    kind_words: str
    effects: tuple[Effect, ...]
    note: str = ""
    """What a reader must know before believing the figures: other images, or not all epochs done."""
    names: tuple[str, str] = ("", "")
    """What the sides are called: a run, or a group of repeats."""
    seeds: tuple[int, int] = (1, 1)
    """How many runs, each with a seed of its own, are behind the figures of a side: these are their means."""

    @property
    def means_words(self) -> str:
        """'Means over 3 seeds before and 1 after.'; '' where each side is a single run."""
        before, after = self.seeds
        if self.seeds == (1, 1):
            return ""
        many = f"Means over {before} seed{'s' if before > 1 else ''}"
        return f"{many} on each side." if before == after else f"{many} before and {after} after."

    @property
    def decisions(self) -> tuple[Change, ...]:
        """The changes that say what is trained: without seed and place."""
        return tuple(change for change in self.changes if _root(change) not in SEED_AND_PLACE)

    @property
    def difference(self) -> float | None:
        """Change in best val accuracy, a fraction of 1."""
        return next((e.difference for e in self.effects if e.label == BEST_VAL), None)


BEST_VAL = "Best val accuracy"


Side = Sequence[RunEntry]
"""The runs behind a side's figures: repeats of one recipe, each with a seed of its own, or one run."""


def change_card(
    before: RunEntry, after: RunEntry, relation: Relation = "chosen", *, rows: bool = True
) -> ChangeCard:
    """The card of two runs. With `rows` off only what their statuses hold is read: accuracy and gap.

    Raises Damaged where a recipe cannot be read.
    """
    return _card(
        (before,), (after,), (before.name, after.name), relation, changes_between(before, after), rows
    )


def group_card(
    before: Group, after: Group, relation: Relation = "chosen", *, rows: bool = True
) -> ChangeCard:
    """The card of two groups of repeats: its figures are means over the seeds that count, and the seed
    itself is no change. Of two runs without repeats it is their own. Raises Damaged."""
    several = max(len(before.entries), len(after.entries)) > 1
    changes = changes_between(before.first, after.first)
    if several:
        changes = tuple(change for change in changes if change.field != "seed")
    sides = [group.counted if len(group.entries) > 1 else () for group in (before, after)]
    return _card(
        sides[0] or (before.first,),
        sides[1] or (after.first,),
        (before.name, after.name),
        relation,
        changes,
        rows,
    )


def _card(
    before: Side,
    after: Side,
    names: tuple[str, str],
    relation: Relation,
    changes: tuple[Change, ...],
    rows: bool,
) -> ChangeCard:
    kind, kind_words = _kind(changes)
    one, other = before[0], after[0]
    return ChangeCard(
        one,
        other,
        relation,
        changes,
        kind,
        kind_words,
        _effects(before, after, rows),
        _note(one, other),
        names,
        (len(before), len(after)),
    )


def changes_between(before: RunEntry, after: RunEntry) -> tuple[Change, ...]:
    """What differs in the recipes, and in the epochs asked for where a run was extended. Raises Damaged."""
    found = [Change(*row) for row in _recipe_changes(*_recipe_file(before.run), *_recipe_file(after.run))]
    if before.status is None or after.status is None:
        return tuple(found)
    old, new = _length(before.status), _length(after.status)
    found = [change for change in found if change.field != "epochs"]
    if old != new:
        change = Change("epochs", setting_words("epochs"), old, new)
        place = next((at for at, c in enumerate(found) if _root(c) in _AFTER_EPOCHS), len(found))
        found.insert(place, change)
    return tuple(found)


def _recipe_file(run: Run) -> tuple[str, int]:
    path = run.folder / "recipe.json"
    try:
        return str(path), path.stat().st_mtime_ns
    except OSError as error:
        raise Damaged(
            f"Run {run.id} has no recipe.json; put back a copy of it, or delete the run."
        ) from error


@lru_cache(maxsize=20_000)
def _recipe_changes(before: str, _b: int, after: str, _a: int) -> tuple[tuple[str, str, str, str], ...]:
    """A recipe.json never changes, and a tree of runs asks for all of them at each drawing."""
    recipes = (Run(Path(path).parent).recipe() for path in (before, after))
    return tuple(changed_settings(*recipes))


_AFTER_EPOCHS = ("seed", "checkpoints", "precision", "compile", "device", "launcher")


def _length(status: Status) -> str:
    held = status.hold_from
    return show_number(status.epochs) + ("" if held is None else f" (lr held from epoch {held} on)")


def _root(change: Change) -> str:
    return change.field.partition(".")[0]


def _kind(changes: Sequence[Change]) -> tuple[Kind, str]:
    seed = any(change.field == "seed" for change in changes)
    count = sum(_root(change) not in SEED_AND_PLACE for change in changes)
    if count == 0:
        return ("repeat", "repeat with another seed") if seed else ("same", "the same training")
    also = ", and another seed" if seed else ""
    if count == 1:
        return "clean", f"clean test{also}"
    return "confounded", f"confounded ({count} settings{also})"


def _note(before: RunEntry, after: RunEntry) -> str:
    if before.status is None or after.status is None:
        return ""
    apart = comparable(before.status, after.status)
    if apart:
        return apart
    said = [_unfinished(entry) for entry in (before, after)]
    return " ".join(part for part in said if part)


def _unfinished(entry: RunEntry) -> str:
    status = entry.status
    if status is None or status.epoch >= status.epochs:
        return ""
    ended = ENDED_EARLY.get(status.state)
    return f"{entry.name}: {status.epoch} of {status.epochs} epochs, {f'it {ended}' if ended else 'so far'}."


# ---- what came with it ----


def _effects(before: Side, after: Side, rows: bool) -> tuple[Effect, ...]:
    """Empty where the runs were judged on different images."""
    old, new = before[0].status, after[0].status
    if old is None or new is None or comparable(old, new):
        return ()
    first, second = ([e.status.best for e in side if e.status and e.status.best] for side in (before, after))
    values = [_mean(best.val_accuracy for best in side) for side in (first, second)]
    gaps = [_mean(best.gap for best in side) for side in (first, second)]
    effects = [
        Effect(BEST_VAL, values[0], values[1], "points"),
        Effect("Overfit gap at best", gaps[0], gaps[1], "points", is_gap=True),
    ]
    return tuple(effects + (_effects_of_rows(before, after) if rows else []))


def _mean(values: Iterable[float | None]) -> float | None:
    """Over the runs that have such a figure."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _effects_of_rows(before: Side, after: Side) -> list[Effect]:
    old, new = (_mean_figures([_figures(entry) for entry in side]) for side in (before, after))
    effects = [Effect("Val loss at best", old.loss, new.loss, "loss")]
    if old.seconds is not None or new.seconds is not None:
        same = len({_device(entry) for entry in (*before, *after)}) == 1
        why = "other programs change it" if same else "on different devices"
        effects.append(Effect(f"Time per epoch ({why})", old.seconds, new.seconds, "seconds"))
    if old.test is not None or new.test is not None:
        epochs = _epochs_of_looks(old.looked, new.looked)
        some = _some_of(len(old.looked), len(before)) + _some_of(len(new.looked), len(after))
        label = f"Test accuracy{epochs}; looks {old.looks} → {new.looks}{some}"
        effects.append(Effect(label, old.test, new.test, "points"))
    return effects


def _some_of(looked: int, runs: int) -> str:
    """Of how many of several runs a test figure is the mean, where it is not of all."""
    return f"; of {looked} of the {runs} runs" if 0 < looked < runs else ""


def _epochs_of_looks(before: Looked, after: Looked) -> str:
    """'' where all looks were at best epochs; else which were looked at, for an early epoch beside a best
    one is no comparison of the settings."""
    if {*before, *after} <= {"best"}:
        return ""
    if max(len(before), len(after)) > 1:
        return ", not all at their best epochs"
    return f" ({_epoch_words(before)} → {_epoch_words(after)})"


def _epoch_words(looked: Looked) -> str:
    if not looked:
        return MISSING
    return "best epoch" if looked[0] == "best" else f"epoch {looked[0]}"


@dataclass(frozen=True)
class _Figures:
    loss: float | None
    seconds: float | None
    """Median of its epochs."""
    test: float | None
    looked: Looked
    looks: int
    """How often test was looked at, whichever checkpoint it was."""


def _mean_figures(found: Sequence[_Figures]) -> _Figures:
    return _Figures(
        _mean(f.loss for f in found),
        _mean(f.seconds for f in found),
        _mean(f.test for f in found),
        tuple(epoch for f in found for epoch in f.looked),
        sum(f.looks for f in found),
    )


def _figures(entry: RunEntry) -> _Figures:
    try:
        rows: Sequence[Row] = entry.run.epochs().rows
    except (OSError, PlateauError):
        rows = ()
    best = entry.status.best if entry.status else None
    at_best: Row = next((row for row in rows if best and row["epoch"] == best.epoch), {})
    seconds = [value for row in rows if (value := number(row, "seconds")) is not None]
    best_epoch = best.epoch if best else None
    looks = entry.run.looks()
    look = _look_at_test(looks, best_epoch)
    looked: Looked = ()
    if look is not None:
        looked = ("best" if look.checkpoint_epoch == best_epoch else look.checkpoint_epoch,)
    return _Figures(
        number(at_best, "val/loss"),
        statistics.median(seconds) if seconds else None,
        look.accuracy if look else None,
        looked,
        sum(one.split == "test" for one in looks),
    )


def _look_at_test(looks: Sequence[Look], best_epoch: int | None) -> Look | None:
    """The last plain look at test: of the best epoch where there is one, else of any."""
    found = [look for look in looks if look.split == "test" and not look.averaged]
    found = [look for look in found if look.checkpoint_epoch == best_epoch] or found
    return found[-1] if found else None


def _device(entry: RunEntry) -> str:
    return entry.status.device if entry.status else ""


# ---- while it runs ----


def behind_parent(rows: Sequence[Mapping[str, Any]], parent_rows: Sequence[Mapping[str, Any]]) -> str:
    """'At epoch 12: 1.4 points behind its parent at the same epoch.'; '' where they share no epoch.

    Takes the last epoch of the run that the parent has too.
    """
    there = {row["epoch"]: value for row in parent_rows if (value := number(row, "val/accuracy")) is not None}
    for row in reversed(rows):
        mine, epoch = number(row, "val/accuracy"), row["epoch"]
        if mine is None or epoch not in there:
            continue
        difference = mine - there[epoch]
        if abs(difference) < BEHIND_UNDER:
            return f"At epoch {epoch}: level with its parent at the same epoch."
        where = "ahead of" if difference > 0 else "behind"
        return f"At epoch {epoch}: {abs(difference) * 100:.1f} points {where} its parent at the same epoch."
    return ""
