"""The simulation behind the verdicts: what it draws, and that its tables come."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import verdicts


def test_drawn_seeds_have_the_accuracy_the_difference_and_the_spread_asked_for() -> None:
    rng, setups = np.random.default_rng(1), verdicts.Setups(0.7, 0.05, (0.01, 0.03))
    before, after = verdicts.draw_seeds(rng, 20_000, (150, 150), setups)
    levels = before.mean(axis=1), after.mean(axis=1)
    assert levels[0].mean() == pytest.approx(0.7, abs=0.015)
    assert levels[1].mean() - levels[0].mean() == pytest.approx(0.05, abs=0.012)
    assert [level.std() for level in levels] == pytest.approx(setups.spread, rel=0.3)
    same = np.corrcoef(before[0], before[1])[0, 1]
    assert same > np.corrcoef(before[0], after[0])[0, 1] > 0.2


def test_the_other_intervals_are_those_of_their_papers() -> None:
    """Newcombe's method 10 on the patients of Bentur et al., as in Fagerland, Lydersen, Laake 2014."""
    assert verdicts.newcombe_interval(1, 1, 7, 12) == pytest.approx((0.026, 0.507), abs=5e-4)
    low, high = verdicts.wald_interval(100, 30, 50, 120)
    assert (low + high) / 2 == pytest.approx(20 / 300)
    before, after = np.random.default_rng(0).random((2, 5))
    expected = stats.ttest_ind(after, before, equal_var=False).confidence_interval()
    assert verdicts.welch_interval(before, after) == pytest.approx((expected.low, expected.high))


def test_every_table_comes_with_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdicts.main(["--pairs", "3"]) == 0
    out = capsys.readouterr().out
    for title, table in verdicts.PARTS.items():
        assert f"## {title}" in out
        header = next(table(np.random.default_rng(0), 3))
        assert f"| {' | '.join(header)} |" in out
    assert "3 pairs a row, seed 0" in out
    assert "nan" not in out


def test_sides_with_unequal_seeds_and_spread_are_among_the_rows() -> None:
    rows = list(verdicts.groups_of_seeds(np.random.default_rng(0), 1))
    for spreads in ("2.0, 0.0", "0.0, 2.0"):
        assert ["2,000", "3, 10", spreads] in [row[:3] for row in rows]
    assert [row[0] for row in rows[-2:]] == ["lowest", "highest"]
