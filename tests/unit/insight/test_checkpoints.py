"""The checkpoints that a run keeps, with every figure and look that is known."""

from pathlib import Path

import numpy as np
import pytest

from core.insight.checkpoints import checkpoint_rows, kept_epochs, last_against_best
from core.runs import Look, Run, RunStore, Status
from core.runs.answers import AnswerFile, write_answers
from tests.pages.made_runs import make_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Of 10 epochs with the best one before the last; epochs 2 and the best are kept, and a last state."""
    run = make_run(RunStore(tmp_path), averaged=True)
    for epoch in (2, best_of(run)):
        run.epoch_path(epoch).write_bytes(b"")
    run.state_path.write_bytes(b"")
    return run


def best_of(run: Run) -> int:
    status = run.status()
    assert status.best is not None and status.best.epoch < status.epoch
    return status.best.epoch


def look(split: str, epoch: int, accuracy: float, **more: object) -> Look:
    values = {"at": "2026-09-01T12:00:00+00:00", "split": split, "checkpoint_epoch": epoch}
    return Look.model_validate(values | {"images": 20, "accuracy": accuracy, "loss": 1.0} | more)


def test_every_kept_checkpoint_is_a_row_and_its_average_another(run: Run) -> None:
    best, rows = best_of(run), checkpoint_rows(run, run.status())
    assert [(row.epoch, row.averaged) for row in rows] == [
        (epoch, averaged) for epoch in (2, best, 10) for averaged in (False, True)
    ]
    assert [row.epoch for row in rows if row.is_best] == [best, best]
    assert [row.epoch for row in rows if row.is_last] == [10, 10]
    measured = {row["epoch"]: row for row in run.epochs().rows}
    assert [row.val for row in rows] == [
        measured[row.epoch]["val/ema_accuracy" if row.averaged else "val/accuracy"] for row in rows
    ]


def test_the_last_epoch_is_kept_only_while_its_state_is_there(run: Run) -> None:
    run.state_path.unlink()
    assert kept_epochs(run, run.status()) == [2, best_of(run)]


def test_looks_at_test_are_counted_over_all_checkpoints(run: Run) -> None:
    best = best_of(run)
    tta = {"tta_views": 5, "tta_accuracy": 0.7, "fixed": 2, "broken": 0}
    for each in (
        look("test", 2, 0.3),
        look("val", best, 0.5, **tta),
        look("test", best, 0.55, **tta),
        look("test", best, 0.6),
        look("test", best, 0.65, averaged=True),
    ):
        run.add_look(each)
    rows = {(row.epoch, row.averaged): row for row in checkpoint_rows(run, run.status())}
    first, chosen, average, last = rows[2, False], rows[best, False], rows[best, True], rows[10, False]
    assert first.test is not None and (first.test.number, first.test_tta) == (1, None)
    assert chosen.test is not None and (chosen.test.number, chosen.test.look.accuracy) == (3, 0.6)
    assert chosen.test_tta is not None and chosen.test_tta.number == 2
    assert chosen.val_tta is not None and chosen.val_tta.accuracy == 0.5
    assert [each.number for each in average.test_looks] == [4] and average.val_tta is None
    assert last.test is None and len(chosen.test_looks) == 2


def answers(run: Run, file: AnswerFile, hits: int, count: int = 20) -> None:
    label = np.zeros(count, dtype=np.int16)
    half = np.full(count, 0.5, dtype=np.float32)
    predicted = (np.arange(count) >= hits).astype(np.int16)
    arrays = {"label": label, "predicted": predicted, "probability": half, "true_probability": half}
    write_answers(run, file, arrays)


def test_last_against_best_is_paired_by_image(run: Run) -> None:
    assert last_against_best(run, run.status(), "val") is None, "nothing is kept yet"
    answers(run, AnswerFile("val", best_of(run)), 15)
    answers(run, AnswerFile("val", 10), 11)
    found = last_against_best(run, run.status(), "val")
    assert found is not None and (found.difference, found.only_before) == (-0.2, 4)
    assert last_against_best(run, run.status(), "test") is None


def test_one_epoch_is_not_compared_with_itself(run: Run) -> None:
    status: Status = run.status()
    assert status.best is not None
    status.best.epoch = 10
    answers(run, AnswerFile("val", 10), 11)
    assert last_against_best(run, status, "val") is None
