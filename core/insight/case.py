"""A run that ended, as the rules for next steps look at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.data import DatasetInfo
from core.insight.curves import Row, number
from core.insight.overfit import lr_collapse, standard_error
from core.recipe import Recipe
from core.runs.run import RunEntry
from core.runs.status import Status

TAIL = 0.2
"""Share of the epochs at a run's end over which a rise of val is looked for."""


@dataclass(frozen=True)
class Case:
    """A run that ended, with all that a rule may look at."""

    entry: RunEntry
    status: Status
    recipe: Recipe
    rows: Sequence[Row]
    entries: Sequence[RunEntry]
    info: DatasetInfo | None = None

    @property
    def val_images(self) -> int | None:
        return self.info.counts.get("val") if self.info else None

    @property
    def epochs(self) -> int:
        return self.status.epoch

    @property
    def best(self) -> float | None:
        """Best val accuracy."""
        return self.status.best.val_accuracy if self.status.best else None

    @property
    def gap(self) -> float | None:
        """Overfit gap at the best epoch."""
        return self.status.best.gap if self.status.best else None

    @cached_property
    def collapse(self) -> int | None:
        """The epoch of an lr collapse with a third of the epochs to come."""
        mark = lr_collapse(self.rows, None, self.epochs)
        return mark.epoch if mark else None

    @property
    def lr_at_end(self) -> float:
        """The last epoch's learning rate as a share of the highest."""
        lrs = [value for row in self.rows if (value := number(row, "lr")) is not None]
        return lrs[-1] / max(lrs) if lrs and max(lrs) > 0 else 0.0

    def noise(self, accuracy: float) -> float:
        """Standard error of an accuracy on this val split; 0 where its size is not known."""
        return standard_error(accuracy, self.val_images) if self.val_images else 0.0

    def setting(self, group: str, name: str) -> Any:
        """A choice's setting; None where this choice has none of this name."""
        return getattr(getattr(self.recipe, group), name, None)

    @property
    def tail(self) -> int:
        """How many epochs are a fifth of those with a val accuracy."""
        return round(sum(number(row, "val/accuracy") is not None for row in self.rows) * TAIL)

    @cached_property
    def rise(self) -> float | None:
        """By how much mean val accuracy rose from the last fifth but one of the epochs to the last; None
        where that is within noise, or where there are too few epochs to say."""
        values = [value for row in self.rows if (value := number(row, "val/accuracy")) is not None]
        fifth = self.tail
        if fifth < 1 or not self.val_images:
            return None
        last, before = values[-fifth:], values[-2 * fifth : -fifth]
        rise = sum(last) / fifth - sum(before) / fifth
        return rise if rise > self.noise(sum(last) / fifth) else None


def later_schedule(recipe: Recipe, epochs: int) -> tuple[str, dict[str, Any]]:
    """A schedule whose learning rate falls later: in words, and as changes of the recipe. `epochs` are those
    asked for in the end, which an extension makes more than the recipe's."""
    scheduler, warmup = recipe.scheduler, recipe.warmup.epochs
    as_long = {"epochs": epochs} if epochs != recipe.epochs else {}
    match scheduler.kind:
        case "plateau":
            patience = min(100_000, 2 * scheduler.patience + 1)
            words = f"Raise the scheduler's patience from {scheduler.patience} to {patience} epochs."
            return words, {"scheduler.patience": patience} | as_long
        case "multi_step":
            late = _later_milestones(scheduler.milestones, epochs)
            if late:
                words = f"Move the milestone{'s' if len(late) > 1 else ''} to {' and '.join(map(str, late))}."
                return words, {"scheduler.milestones": late} | as_long
        case "step":
            size = max(1, -(-epochs // 3))
            if size > scheduler.step_size:
                words = f"Let the learning rate drop every {size} epochs."
                return words, {"scheduler.step_size": size} | as_long
        case "cosine" if (scheduler.t_max or recipe.epochs - warmup) < epochs - warmup:
            return "Make the cosine as long as the run.", {"scheduler.t_max": None} | as_long
    if scheduler.kind in ("cosine", "one_cycle"):
        return longer_schedule(recipe, epochs)
    words = "Let the learning rate fall along a cosine over the whole run."
    return words, {"scheduler.kind": "cosine"} | as_long


def _later_milestones(old: Sequence[int], epochs: int) -> list[int]:
    """Half and three quarters of the epochs, as many as there were; empty where one of them would not be
    later than the old one at its place."""
    late = sorted({max(1, epochs // 2), max(1, 3 * epochs // 4)})[: len(old)]
    return late if all(new > before for new, before in zip(late, old, strict=False)) else []


def longer_schedule(recipe: Recipe, epochs: int) -> tuple[str, dict[str, Any]]:
    """Half as many epochs more than the `epochs` asked for, and a schedule that is as much longer."""
    longer = min(100_000, max(epochs + 1, round(LONGER * epochs)))
    share, scheduler = longer / epochs, recipe.scheduler
    changes: dict[str, Any] = {"epochs": longer}
    match scheduler.kind:
        case "cosine" if scheduler.t_max is not None:
            changes["scheduler.t_max"] = min(100_000, max(1, round(share * scheduler.t_max)))
        case "multi_step":
            changes["scheduler.milestones"] = sorted({max(1, round(share * m)) for m in scheduler.milestones})
        case "step":
            changes["scheduler.step_size"] = min(100_000, max(1, round(share * scheduler.step_size)))
    words = f"Train for {longer} epochs instead of {epochs}, with the schedule stretched to match."
    return words, changes


LONGER = 1.5
"""How much longer a longer training is."""
