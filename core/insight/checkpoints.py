"""The checkpoints that a run keeps, with every figure that is known of them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from core.errors import Damaged, NotFound
from core.insight.curves import number
from core.insight.outcomes import plain_outcomes
from core.insight.significance import Paired, paired
from core.runs import Look, Run, Status
from core.runs.answers import AnswerFile

Split = Literal["val", "test"]


@dataclass(frozen=True)
class TestLook:
    """One look at the test split, counted over all of the run's."""

    number: int
    """From 1."""
    look: Look


@dataclass(frozen=True)
class CheckpointRow:
    """The weights of one epoch, or their average (EMA)."""

    epoch: int
    averaged: bool
    is_best: bool
    is_last: bool
    val: float | None
    """Val accuracy as training measured it."""
    val_tta: Look | None
    """The newest evaluation on val with TTA."""
    test_looks: tuple[TestLook, ...]
    """Every look at the test split with these weights, oldest first."""

    @property
    def test(self) -> TestLook | None:
        """The newest look at test."""
        return self.test_looks[-1] if self.test_looks else None

    @property
    def test_tta(self) -> TestLook | None:
        """The newest look at test with TTA."""
        with_tta = [each for each in self.test_looks if each.look.tta_accuracy is not None]
        return with_tta[-1] if with_tta else None


def kept_epochs(run: Run, status: Status) -> list[int]:
    """Epochs whose weights can be loaded, ascending: the kept ones, and the last while its state is there."""
    kept = set(run.checkpoint_epochs())
    if status.epoch and run.state_path.exists():
        kept.add(status.epoch)
    return sorted(kept)


def checkpoint_rows(run: Run, status: Status) -> list[CheckpointRow]:
    """One row per kept checkpoint, the averaged weights as a row of their own, by epoch."""
    kept = kept_epochs(run, status)
    wanted = set(kept)
    measured = {row["epoch"]: row for row in run.epochs().rows if row["epoch"] in wanted}
    looks = run.looks()
    at_test = [
        TestLook(place, look)
        for place, look in enumerate((look for look in looks if look.split == "test"), start=1)
    ]
    rows = []
    for epoch in kept:
        row = measured.get(epoch, {})
        for averaged, key in ((False, "val/accuracy"), (True, "val/ema_accuracy")):
            if averaged and number(row, key) is None:
                continue
            rows.append(
                CheckpointRow(
                    epoch=epoch,
                    averaged=averaged,
                    is_best=status.best is not None and status.best.epoch == epoch,
                    is_last=status.epoch == epoch,
                    val=number(row, key),
                    val_tta=_newest_val_tta(looks, epoch, averaged),
                    test_looks=tuple(
                        each
                        for each in at_test
                        if (each.look.checkpoint_epoch, each.look.averaged) == (epoch, averaged)
                    ),
                )
            )
    return rows


def _newest_val_tta(looks: Sequence[Look], epoch: int, averaged: bool) -> Look | None:
    found = [
        look
        for look in looks
        if (look.split, look.checkpoint_epoch, look.averaged) == ("val", epoch, averaged)
        and look.tta_accuracy is not None
    ]
    return found[-1] if found else None


def last_against_best(run: Run, status: Status, split: Split) -> Paired | None:
    """The last epoch (after) against the best one (before) on the same images; None where they are one
    epoch, or the answers of one of them are not kept."""
    if status.best is None or status.best.epoch == status.epoch:
        return None
    with suppress(NotFound, Damaged):
        best, last = (
            plain_outcomes(run, AnswerFile(split, epoch)) for epoch in (status.best.epoch, status.epoch)
        )
        if len(best.hits) == len(last.hits):
            return paired(best.hits, last.hits)
    return None
