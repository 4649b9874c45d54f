"""Paired comparison, shares and the least difference, against scipy and published figures."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from core.insight.significance import (
    EXACT_BELOW,
    mcnemar_p,
    paired,
    paired_counts,
    smallest_difference,
    tango_interval,
    wilson,
)
from tests.unit.insight.judged_runs import hits_of

COUNTS = [(0, 0), (1, 0), (0, 4), (5, 0), (1, 7), (4, 12), (6, 15), (11, 13), (12, 13), (40, 60), (300, 240)]


@pytest.mark.parametrize(("before", "after"), [pair for pair in COUNTS if sum(pair) < EXACT_BELOW])
def test_few_differing_images_are_counted_with_mid_p(before: int, after: int) -> None:
    changed = before + after
    exact = stats.binomtest(after, changed, 0.5).pvalue if changed else 1.0
    expected = exact if before == after else exact - stats.binom.pmf(after, changed, 0.5)
    assert mcnemar_p(before, after) == pytest.approx(expected, abs=1e-12)
    found = paired_counts(500, before, after)
    assert "exact" in found.method
    assert "mid-p" in found.method
    assert f"{exact:.2g} without" in found.method


@pytest.mark.parametrize(("before", "after"), [pair for pair in COUNTS if sum(pair) >= EXACT_BELOW])
def test_many_differing_images_are_tested_by_chi_square(before: int, after: int) -> None:
    expected = stats.chisquare([before, after]).pvalue
    assert mcnemar_p(before, after) == pytest.approx(expected, rel=1e-9)


def test_p_values_of_a_published_table() -> None:
    """Bentur et al. 2009, as in Fagerland, Lydersen, Laake 2013: of 21 patients 1 and 7 changed."""
    assert mcnemar_p(1, 7) == pytest.approx(0.039, abs=5e-4)
    assert stats.binomtest(1, 8, 0.5).pvalue == pytest.approx(0.070, abs=5e-4)


def test_the_interval_of_a_published_table() -> None:
    """The same patients, as in Fagerland, Lydersen, Laake 2014, Statistics in Medicine 33:2850."""
    assert tango_interval(21, 7, 1) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("before", "after"), [*COUNTS, (160, 0), (0, 160)])
@pytest.mark.parametrize("n", [540, 10_000])
def test_the_interval_ends_where_the_score_test_turns(n: int, before: int, after: int) -> None:
    """At each end the likelihood under that difference, maximized anew by scipy, gives z = 1.96."""
    for end in tango_interval(n, before, after):
        score = abs(after - before - n * end) / _null_spread(n, before, after, end)
        assert score == pytest.approx(stats.norm.ppf(0.975), rel=1e-3)


def _null_spread(n: int, before: int, after: int, difference: float) -> float:
    """Standard deviation of after - before under the likeliest multinomial with this difference."""

    def lack(share: float) -> float:
        # `share` is that of images that only the first has right.
        found = -(n - before - after) * math.log1p(-2 * share - difference)
        found -= before * math.log(share) if before else 0.0
        return found - (after * math.log(share + difference) if after else 0.0)

    least, most = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    share = optimize.minimize_scalar(lack, bounds=(least, most), method="bounded", options={"xatol": 1e-10}).x
    return math.sqrt(n * (2 * share + difference - difference**2))


def test_interval_and_p_always_say_the_same() -> None:
    for before in range(70):
        for after in range(70):
            found = paired_counts(600, before, after)
            assert (found.p < 0.05) == (found.low > 0 or found.high < 0), found
            assert -1 <= found.low <= found.difference <= found.high <= 1


def test_sides_exchanged_give_the_mirrored_interval() -> None:
    for before, after in COUNTS:
        one, other = paired_counts(700, before, after), paired_counts(700, after, before)
        assert (one.low, one.high, one.p) == pytest.approx((-other.high, -other.low, other.p))


def test_hits_are_counted_image_by_image() -> None:
    found = paired(*hits_of(200, both=90, only_before=12, only_after=31))
    assert (found.n, found.only_before, found.only_after) == (200, 12, 31)
    assert found.difference == pytest.approx(0.095)


@pytest.mark.parametrize("n", [1, 2, 30])
def test_the_ends_of_what_can_happen_are_no_error(n: int) -> None:
    none, every = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    for before, after in ((none, none), (every, every), (none, every), (every, none)):
        found = paired(before, after)
        assert -1 <= found.low <= found.difference <= found.high <= 1
        assert 0 <= found.p <= 1
    same = paired(every, every)
    assert (same.difference, same.p) == (0.0, 1.0)
    assert same.low < 0 < same.high
    assert "mid-p" in same.method


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((0,), (0,)), ((2, 2), (2, 2))])
def test_hits_that_do_not_belong_together_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired(np.ones(shapes[0], dtype=bool), np.ones(shapes[1], dtype=bool))


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 10), (812, 1500)])
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    expected = stats.binomtest(hits, n).proportion_ci(0.8, method="wilson")
    assert wilson(hits, n, 0.8) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_images_say_nothing_of_a_share() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("changed", [0, 3, 5, 6, 18, 24, 25, 90, 91, 700])
def test_the_smallest_difference_is_the_first_that_the_test_shows(changed: int) -> None:
    found = smallest_difference(2000, changed=changed)
    surplus = round(found.shown * 2000)
    total = max(changed, surplus)
    assert mcnemar_p((total - surplus) // 2, (total + surplus) // 2) < 0.05
    if surplus > 1 and total - surplus >= 0 and changed >= surplus:
        less = surplus - 2
        assert mcnemar_p((changed - less) // 2, (changed + less) // 2) >= 0.05
    assert found.found > found.shown


def test_what_is_said_to_be_found_in_four_of_five_comparisons_is() -> None:
    n, share, rng = 2000, 0.1, np.random.default_rng(5)
    found = smallest_difference(n, changed=round(share * n)).found
    drawn = rng.multinomial(n, [(share - found) / 2, (share + found) / 2, 1 - share], size=1500)
    shown = [paired_counts(n, int(b), int(c)).low > 0 for b, c, _ in drawn]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.03)


def test_the_smallest_difference_follows_from_accuracy_and_images() -> None:
    assert smallest_difference(1500, 0.5).shown > smallest_difference(1500, 0.9).shown
    assert smallest_difference(500, 0.7).found > smallest_difference(5000, 0.7).found
    assert smallest_difference(1500, 0.5) == smallest_difference(1500, changed=750)
    assert smallest_difference(2, 1.0).shown > 1
    assert smallest_difference(2, 1.0).found == 1.0
    with pytest.raises(ValueError, match="accuracy"):
        smallest_difference(100)


@pytest.mark.parametrize("n", [500, 2000, 10_000])
def test_no_difference_is_called_better_or_worse_in_one_of_twenty_pairs_at_most(n: int) -> None:
    """2,000 pairs; three standard errors of their share are allowed on top."""
    rng = np.random.default_rng(n)
    for share in (0.02, 0.2):
        drawn = rng.multinomial(n, [share / 2, share / 2, 1 - share], size=2000)
        wrong = np.mean([paired_counts(n, int(b), int(c)).p < 0.05 for b, c, _ in drawn])
        assert wrong <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize(
    ("n", "share", "difference"), [(500, 0.2, 0.03), (2000, 0.05, 0.01), (10_000, 0.2, 0)]
)
def test_intervals_cover_the_true_difference(n: int, share: float, difference: float) -> None:
    rng = np.random.default_rng(n)
    shares = [(share - difference) / 2, (share + difference) / 2, 1 - share]
    found = [paired_counts(n, int(b), int(c)) for b, c, _ in rng.multinomial(n, shares, size=2000)]
    assert 0.93 <= np.mean([each.low <= difference <= each.high for each in found]) <= 0.97
