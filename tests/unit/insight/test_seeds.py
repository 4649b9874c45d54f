"""Groups of seeds on shared images: formulas against scipy, coverage by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.verdicts import Setups, draw_seeds
from core.insight.seeds import over_images, over_seeds, satterthwaite_degrees, welch_degrees

RNG = np.random.default_rng(7)


def constant(accuracies: list[float], n: int) -> np.ndarray:
    """Hits whose images all behave alike: a shuffled share of them, anew for each seed."""
    return np.stack([RNG.permutation(np.arange(n) < round(a * n)) for a in accuracies])


def test_with_many_images_it_is_welchs_test_over_seeds() -> None:
    """Where seeds differ by far more than the images' error, that error hardly counts."""
    before, after = [0.60, 0.63, 0.69], [0.68, 0.74, 0.79, 0.71]
    found = over_seeds(constant(before, 200_000), constant(after, 200_000))
    expected = stats.ttest_ind(after, before, equal_var=False)
    interval = expected.confidence_interval()
    assert found.p == pytest.approx(expected.pvalue, rel=0.01)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=5e-4)
    assert found.degrees == pytest.approx(expected.df, rel=0.01)
    assert found.spread == pytest.approx((np.std(before, ddof=1), np.std(after, ddof=1)))
    assert (found.seeds, found.n) == ((3, 4), 200_000)


def test_with_equal_seeds_the_images_error_remains() -> None:
    """Seeds that answer alike leave a paired comparison of two networks."""
    one, other = RNG.random((2, 3000)) < [[0.7], [0.72]]
    found = over_seeds(np.stack([one] * 3), np.stack([other] * 3))
    paired_error = stats.sem(other.astype(float) - one)
    assert found.images_error == pytest.approx(paired_error, rel=0.01)
    assert found.seeds_error == 0
    assert found.high - found.low == pytest.approx(2 * 1.96 * paired_error, rel=0.02)


def test_over_images_is_the_paired_t_test() -> None:
    before, after = RNG.random((2, 4000)) < 0.6, RNG.random((1, 4000)) < 0.63
    found = over_images(before, after)
    expected = stats.ttest_rel(after.mean(axis=0), before.mean(axis=0))
    assert found.p == pytest.approx(expected.pvalue, rel=0.02)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=0.01)
    assert found.spread[1] is None


def test_the_cells_own_variance_is_counted_once() -> None:
    """Independent hits: the true variance is p (1 - p) / n per seed, and no more."""
    n, seeds, p = 400, 4, 0.7
    totals = []
    for _ in range(600):
        before, after = RNG.random((2, seeds, n)) < p
        found = over_seeds(before, after)
        totals.append(found.images_error**2 + found.seeds_error**2)
    truth = 2 * p * (1 - p) / (n * seeds)
    # The parts that are shown are cut off at 0, so they may exceed the truth, but not by the whole part.
    assert truth * 0.95 < np.mean(totals) < truth * 1.5


@pytest.mark.parametrize("value", [True, False])
def test_identical_seeds_are_no_certainty(value: bool) -> None:
    hits = np.full((3, 50), value)
    found = over_seeds(hits, hits)
    assert (found.difference, found.p) == (0.0, 1.0)
    assert -0.1 < found.low < 0 < found.high < 0.1
    far = over_seeds(np.zeros((3, 50), dtype=bool), np.ones((3, 50), dtype=bool))
    assert far.low > 0.8
    assert far.high == 1.0


def test_interval_and_p_say_the_same() -> None:
    for at in range(300):
        rng = np.random.default_rng(at)
        before, after = rng.random((2, 3, 300)) < [[[0.7]], [[rng.uniform(0.6, 0.8)]]]
        for found in (over_seeds(before, after), over_images(before, after)):
            assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
            assert found.low <= found.difference <= found.high


@pytest.mark.parametrize("seeds", [(1, 3), (3, 1)])
def test_a_single_seed_has_no_spread(seeds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two on each side"):
        over_seeds(np.ones((seeds[0], 9), dtype=bool), np.ones((seeds[1], 9), dtype=bool))


@pytest.mark.parametrize("n", [(9, 8), (1, 1)])
def test_images_that_do_not_belong_together_are_refused(n: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        over_images(np.ones((2, n[0]), dtype=bool), np.ones((2, n[1]), dtype=bool))


@pytest.mark.parametrize(
    ("n", "seeds", "spread", "difference"),
    [
        (500, (3, 3), (0.01, 0.01), 0.0),
        (500, (3, 5), (0.0, 0.0), 0.02),
        (2000, (5, 5), (0.005, 0.005), 0.0),
        (2000, (3, 3), (0.02, 0.02), 0.01),
        (2000, (3, 10), (0.02, 0.0), 0.0),
    ],
)
def test_intervals_over_seeds_cover_the_true_difference(
    n: int, seeds: tuple[int, int], spread: tuple[float, float], difference: float
) -> None:
    """2,000 pairs of groups; one standard error of the share is allowed beyond 93 to 97 %."""
    rng, setups, pairs = np.random.default_rng(3), Setups(0.7, difference, spread), 2000
    found = [over_seeds(*draw_seeds(rng, n, seeds, setups)) for _ in range(pairs)]
    cover = np.mean([each.low <= difference <= each.high for each in found])
    allowed = math.sqrt(0.95 * 0.05 / pairs)
    assert 0.93 - allowed <= cover <= 0.97 + allowed
    if difference == 0:
        assert np.mean([each.low > 0 for each in found]) <= 0.05


@pytest.mark.parametrize("freedom", [5, 20, 300])
def test_the_series_of_a_single_part_is_students_t(freedom: int) -> None:
    assert welch_degrees([(0.3, freedom)]) == pytest.approx(freedom, rel=0.01)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_series_of_two_parts_covers_in_95_of_100_draws(share: float) -> None:
    """Two variances drawn with 6 and 9 degrees of freedom; how often a difference with their sum as its true
    variance lies within reach is known for each draw."""
    rng, freedom = np.random.default_rng(0), (6, 9)
    parts = rng.chisquare(freedom, (4000, 2)) / freedom * (share, 1 - share)
    degrees = [welch_degrees(list(zip(part, freedom, strict=True))) for part in parts]
    reach = stats.t.ppf(0.975, degrees) * np.sqrt(parts.sum(axis=1))
    assert np.mean(2 * stats.norm.cdf(reach) - 1) == pytest.approx(0.95, abs=0.003)


def test_few_seeds_that_make_up_most_of_the_variance_widen_the_interval() -> None:
    """With Satterthwaite's degrees of freedom alone such intervals would cover down to 92 %."""
    parts = [(0.5, 2), (0.5, 10_000)]
    assert welch_degrees(parts) < 0.7 * satterthwaite_degrees(1.0, parts)
    assert welch_degrees([(0.5, 1), (0.5, 1)]) == math.inf, "the series is astray, and does not count"
