"""Marks on a run's curves: where the gap opens, val levels off, the learning rate collapses."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.insight.overfit import Mark, missing_mark, overfit_marks, standard_error, val_images
from core.runs import RunStore
from tests.pages.made_runs import make_run

EPOCHS = 40
Curve = Callable[[int], float]


def rows(
    val: Curve = lambda e: 0.5, clean: Curve = lambda e: 0.5, lr: Curve = lambda e: 0.1, epochs: int = EPOCHS
) -> list[dict[str, Any]]:
    return [
        {"epoch": e, "val/accuracy": val(e), "train/clean_accuracy": clean(e), "lr": lr(e)}
        for e in range(1, epochs + 1)
    ]


def marks(
    found: list[dict[str, Any]], images: int | None = 2_000, epochs: int | None = None
) -> dict[str, Mark]:
    return {mark.kind: mark for mark in overfit_marks(found, images, epochs)}


def rising(epoch: int) -> float:
    return 0.3 + 0.01 * epoch


class TestGap:
    def test_it_opens_where_it_exceeds_five_points_for_good(self) -> None:
        found = rows(val=lambda e: 0.5, clean=lambda e: 0.6 if e == 5 or e >= 20 else 0.5)
        mark = marks(found)["gap"]
        assert mark.epoch == 20
        assert "10.0 points there, 10.0 at epoch 40 (clean train 60.0 %, val 50.0 %)" in mark.sentence

    def test_within_noise_there_is_none(self) -> None:
        found = rows(clean=lambda e: 0.57)
        assert "gap" not in marks(found, images=100)
        assert "gap" in marks(found, images=10_000)

    def test_without_clean_train_there_is_none(self) -> None:
        found = [{"epoch": 1, "val/accuracy": 0.5}]
        assert marks(found) == {}

    def test_a_gap_in_the_last_epoch_alone(self) -> None:
        mark = marks(rows(clean=lambda e: 0.5 + 0.2 * (e == EPOCHS)))["gap"]
        assert mark.epoch == EPOCHS and "by 20.0 points" in mark.sentence


class TestLevelledOff:
    def test_the_first_epoch_within_one_standard_error_of_the_best(self) -> None:
        noise = standard_error(0.6, 2_000)
        found = rows(val=lambda e: 0.4 if e < 10 else 0.6 if e == 30 else 0.6 - 0.9 * noise)
        mark = marks(found)["levelled"]
        assert mark.epoch == 10
        assert "60.0 % at epoch 30" in mark.sentence and "2,000 images" in mark.sentence

    def test_a_best_that_nothing_came_near_before(self) -> None:
        mark = marks(rows(val=lambda e: 0.6 if e == 20 else 0.4))["levelled"]
        assert mark.epoch == 20 and "no later epoch was better" in mark.sentence

    def test_a_curve_that_still_rises_has_none(self) -> None:
        assert "levelled" not in marks(rows(val=rising, clean=rising))

    def test_without_the_number_of_images_nothing_is_said_of_noise(self) -> None:
        assert "levelled" not in marks(rows(), images=None)


class TestCollapse:
    def test_with_a_third_of_the_epochs_to_come(self) -> None:
        mark = marks(rows(val=rising, clean=rising, lr=lambda e: 0.1 if e < 20 else 5e-4))["collapse"]
        assert mark.epoch == 20
        assert "under 1 % of its peak of 0.1, with 21 of 40 epochs to come" in mark.sentence

    def test_a_cosine_that_ends_near_zero_is_none(self) -> None:
        def cosine(epoch: int) -> float:
            return 0.05 * (1 + math.cos(math.pi * (epoch - 1) / EPOCHS))

        assert "collapse" not in marks(rows(lr=cosine))

    def test_in_a_short_run_the_last_epochs_of_a_schedule_are_none(self) -> None:
        for epochs in (1, 2, 3):
            assert "collapse" not in marks(rows(lr=lambda e: 0.1 if e == 1 else 1e-5, epochs=epochs))
        assert "collapse" in marks(rows(lr=lambda e: 0.1 if e == 1 else 1e-5, epochs=4))

    def test_late_but_while_the_gap_still_grows(self) -> None:
        found = rows(clean=lambda e: 0.5 + 0.02 * max(0, e - 32), lr=lambda e: 0.1 if e < 33 else 1e-5)
        mark = marks(found)["collapse"]
        assert mark.epoch == 33 and "the gap still grew by 14.0 points" in mark.sentence

    def test_a_rate_that_climbs_back_has_not_collapsed(self) -> None:
        assert "collapse" not in marks(rows(lr=lambda e: 1e-5 if 10 < e < 30 else 0.1))

    def test_in_a_run_under_way_the_epochs_asked_for_count(self) -> None:
        found = rows(lr=lambda e: 0.1 if e < 10 else 1e-5, epochs=10)
        assert "collapse" not in marks(found)
        assert marks(found, epochs=40)["collapse"].epoch == 10

    def test_no_rate_at_all(self) -> None:
        assert marks([{"epoch": 1, "lr": None}, {"epoch": 2}]) == {}


@pytest.mark.parametrize("key", ["val/loss", "val/ema_loss", "train/loss", "train/clean_loss"])
def test_the_first_loss_that_is_no_number_has_a_mark(key: str) -> None:
    found = rows()
    assert missing_mark(found) is None
    for at in (7, 12):
        found[at][key] = math.nan
    mark = missing_mark(found)
    assert mark and (mark.epoch, mark.label) == (8, "no number")


def test_marks_come_by_epoch_and_no_rows_have_none() -> None:
    found = overfit_marks(rows(clean=lambda e: 0.9, lr=lambda e: 0.1 if e < 20 else 0.0), 2_000)
    assert [mark.epoch for mark in found] == sorted(mark.epoch for mark in found) and len(found) == 3
    assert {mark.label for mark in found} == {"gap opens", "val levels off", "lr collapsed"}
    assert overfit_marks([], 2_000) == []


class TestValImages:
    def test_as_many_as_the_best_epoch_has_answers(self, tmp_path: Path) -> None:
        run = make_run(RunStore(tmp_path))
        best = run.status().best
        assert best
        path = run.folder / "predictions" / f"val-{best.epoch:04d}.safetensors"
        save_file({"predicted": np.zeros(20, dtype=np.int64)}, path)
        assert val_images(run) == 20
        path.write_bytes(b"nothing")
        assert val_images(run) is None

    def test_none_without_them(self, tmp_path: Path) -> None:
        assert val_images(make_run(RunStore(tmp_path))) is None
        assert val_images(make_run(RunStore(tmp_path), state="queued")) is None
