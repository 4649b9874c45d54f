"""What a run's rows say, and what a thinned curve keeps."""

import math
from typing import Any

import pytest

from core.insight import best_row, gaps, has_average, lr_changes, number, overfit_gap, seconds_left, thin


def rows_with(lrs: list[float], val: list[float] | None = None) -> list[dict[str, Any]]:
    val = val or [0.5] * len(lrs)
    return [
        {"epoch": at, "lr": lr, "val/accuracy": v, "val/loss": 1.0, "train/loss": 1.0}
        for at, (lr, v) in enumerate(zip(lrs, val, strict=True), start=1)
    ]


def cosine(count: int) -> list[float]:
    return [0.05 * (1 + math.cos(math.pi * at / count)) for at in range(count)]


class TestNumbers:
    def test_the_gap_is_clean_train_minus_val(self) -> None:
        row = {"train/clean_accuracy": 0.9, "train/accuracy": 0.7, "val/accuracy": 0.6}
        assert overfit_gap(row) == pytest.approx(0.3)

    @pytest.mark.parametrize("missing", [None, math.nan])
    def test_there_is_no_gap_without_both(self, missing: float | None) -> None:
        assert overfit_gap({"train/clean_accuracy": 0.9, "val/accuracy": missing}) is None

    @pytest.mark.parametrize("value", [None, math.nan, -math.inf, "nan", True, [1.0], 10**400])
    def test_what_is_no_finite_number_is_none(self, value: object) -> None:
        assert number({"lr": value}, "lr") is None and number({}, "lr") is None

    def test_gaps_are_values_that_are_there_but_are_no_numbers(self) -> None:
        rows = [
            {"epoch": 1, "val/loss": math.nan, "lr": 0.1},
            {"epoch": 2, "val/loss": "?", "lr": None, "of a newer version": "?"},
            {"epoch": 3},
        ]
        assert gaps(rows) == {"val/loss": [1, 2]}

    def test_a_run_averages_its_weights_where_any_epoch_has_their_accuracy(self) -> None:
        assert has_average([{"epoch": 1}, {"epoch": 2, "val/ema_accuracy": 0.5}])
        assert not has_average([{"epoch": 1, "val/ema_accuracy": None}])

    def test_the_best_is_the_first_of_equals_and_never_nan(self) -> None:
        rows = rows_with([0.1] * 4, [0.5, 0.8, math.nan, 0.8])
        found = best_row(rows)
        assert found is not None and found["epoch"] == 2

    def test_no_rows_have_no_best(self) -> None:
        assert best_row([]) is None


class TestLrChanges:
    @pytest.mark.parametrize("factor", [0.999, 0.5, 0.1, 1e-6])
    def test_a_step_counts_however_small(self, factor: float) -> None:
        lrs = [0.1] * 10 + [0.1 * factor] * 10
        assert {9, 10} <= lr_changes(rows_with(lrs))

    def test_late_small_steps_count_like_early_large_ones(self) -> None:
        lrs = [0.1] * 5 + [0.01] * 5 + [0.001] * 5 + [1e-5] * 5
        assert {4, 5, 9, 10, 14, 15} <= lr_changes(rows_with(lrs))

    def test_a_long_smooth_curve_has_almost_none(self) -> None:
        assert len(lr_changes(rows_with(cosine(5000)))) < 50

    def test_a_restart_counts(self) -> None:
        lrs = cosine(1000) + cosine(1000)
        assert {999, 1000} <= lr_changes(rows_with(lrs))


class TestThin:
    def test_a_short_curve_is_left_as_it_is(self) -> None:
        rows = rows_with([0.1] * 200)
        assert thin(rows) == rows

    @pytest.mark.parametrize("count", [501, 3_000, 100_000])
    def test_a_long_one_is_cut_to_about_the_limit_in_order(self, count: int) -> None:
        val = [0.5 + 0.1 * math.sin(at * 0.7) for at in range(count)]
        kept = thin(rows_with(cosine(count), val))
        epochs = [row["epoch"] for row in kept]
        assert epochs == sorted(set(epochs)) and 100 < len(kept) <= 520

    def test_first_last_best_and_every_lr_step_stay(self) -> None:
        count, steps = 10_000, [1_234, 5_678, 5_700, 9_990]
        lrs = [0.1 * 0.5 ** sum(at >= step for step in steps) for at in range(count)]
        val = [0.5] * count
        val[4_321] = 0.9
        epochs = {row["epoch"] for row in thin(rows_with(lrs, val))}
        assert {1, count, 4_322} <= epochs
        assert {step + 1 for step in steps} | set(steps) <= epochs

    def test_a_single_dip_and_peak_stay(self) -> None:
        val = [0.5] * 5_000
        val[777], val[4_000] = 0.1, 0.6
        epochs = {row["epoch"] for row in thin(rows_with([0.1] * 5_000, val))}
        assert {778, 4_001} <= epochs

    def test_a_gap_stays_with_the_rows_around_it(self) -> None:
        rows = rows_with([0.1] * 2_000, [0.5] * 2_000)
        for at in (700, *range(1_330, 1_340)):
            rows[at]["val/loss"] = math.nan
        for row in rows:
            row.setdefault("val/loss", 1.0)
        kept = thin(rows)
        epochs = {row["epoch"] for row in kept}
        assert {700, 701, 702, 1_330, 1_331, 1_340, 1_341} <= epochs
        assert len(kept) <= 520
        at = [row["epoch"] for row in kept].index(701)
        assert [math.isnan(row["val/loss"]) for row in kept[at - 1 : at + 2]] == [False, True, False]

    def test_rows_without_numbers_do_no_harm(self) -> None:
        rows: list[dict[str, Any]] = [{"epoch": at, "val/accuracy": math.nan} for at in range(1_000)]
        kept = thin(rows)
        assert kept[0] is rows[0] and kept[-1] is rows[-1]


class TestSecondsLeft:
    def test_it_goes_by_the_last_epochs(self) -> None:
        rows = [{"seconds": 100.0}, *[{"seconds": 2.0}] * 5]
        assert seconds_left(rows, done=6, epochs=10, inside=0.5, elapsed_s=110) == pytest.approx(7.0)

    def test_in_the_first_epoch_it_goes_by_the_time_so_far(self) -> None:
        assert seconds_left([], done=0, epochs=2, inside=0.5, elapsed_s=10) == pytest.approx(30)

    def test_before_anything_is_done_nothing_is_said(self) -> None:
        assert seconds_left([], done=0, epochs=2, inside=0.0, elapsed_s=0) is None
