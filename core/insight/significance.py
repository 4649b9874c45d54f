"""Whether a difference between two networks on the same images is more than the images' own chance.

Sources: McNemar 1947, Psychometrika 12:153; Fagerland, Lydersen, Laake 2013, BMC Medical Research
Methodology 13:91 (mid-p); Tango 1998, Statistics in Medicine 17:891 (the interval); Wilson 1927, JASA
22:209; Connor 1987, Biometrics 43:207 (how large a difference must be).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

LEVEL = 0.95
ALPHA = 1 - LEVEL
POWER = 0.8
EXACT_BELOW = 25
"""With fewer images on which just one of the two is right, the test counts instead of approximating."""


@dataclass(frozen=True)
class Paired:
    """Two networks on the same n images; `difference` is after - before, as a fraction of 1."""

    n: int
    only_before: int
    """Images that only the first has right."""
    only_after: int
    difference: float
    low: float
    high: float
    p: float
    method: str


def paired(before_hits: np.ndarray, after_hits: np.ndarray) -> Paired:
    """Compare two networks by their hits on the same images, both (n,) bool.

    McNemar's test: from 25 images on which just one of the two is right by its chi-square (no
    continuity correction), below that by the exact binomial distribution with mid-p. The interval
    (95 %) is Tango's score interval, which leaves 0 out exactly where the chi-square has p < 0.05; where
    the exact test has p >= 0.05 all the same, the interval is stretched to 0. So interval and p always
    say the same. Raises ValueError for no images, or unequal numbers of them.
    """
    before, after = np.asarray(before_hits, dtype=bool), np.asarray(after_hits, dtype=bool)
    if before.shape != after.shape or before.ndim != 1 or not before.size:
        raise ValueError(f"hits of shapes {before.shape} and {after.shape} cannot be paired")
    return paired_counts(before.size, int((before & ~after).sum()), int((after & ~before).sum()))


def paired_counts(n: int, only_before: int, only_after: int) -> Paired:
    """As `paired`, from the counts that it depends on."""
    p = mcnemar_p(only_before, only_after)
    low, high = tango_interval(n, only_before, only_after)
    if p >= ALPHA:
        low, high = min(low, 0.0), max(high, 0.0)
    changed = only_before + only_after
    if changed < EXACT_BELOW:
        exact = exact_p(only_before, only_after)
        method = f"McNemar's exact test with mid-p ({exact:.2g} without), Tango's score interval"
    else:
        method = "McNemar's test, Tango's score interval"
    return Paired(n, only_before, only_after, (only_after - only_before) / n, low, high, p, method)


def mcnemar_p(only_before: int, only_after: int) -> float:
    """McNemar's two-sided p: mid-p below 25 differing images, else chi-square with 1 degree of freedom."""
    changed = only_before + only_after
    if only_before == only_after:
        return 1.0
    if changed >= EXACT_BELOW:
        return float(special.chdtrc(1, (only_after - only_before) ** 2 / changed))
    # Of the outcome that was seen, each tail counts half.
    return exact_p(only_before, only_after) - math.comb(changed, only_after) / 2**changed


def exact_p(only_before: int, only_after: int) -> float:
    """The two-sided binomial p of McNemar's exact test, without mid-p."""
    changed = only_before + only_after
    return min(1.0, float(2 * special.bdtr(min(only_before, only_after), changed, 0.5)))


def tango_interval(n: int, only_before: int, only_after: int, level: float = LEVEL) -> tuple[float, float]:
    """Tango's score interval for the difference after - before of two paired shares."""
    z = normal_quantile(level)
    difference = (only_after - only_before) / n

    def beyond(assumed: float) -> float:
        return _tango_score(assumed, n, only_before, only_after) - z

    def below(assumed: float) -> float:
        return _tango_score(assumed, n, only_before, only_after) + z

    low = -1.0 if only_before == n else float(optimize.brentq(beyond, -1.0, difference, xtol=1e-12))
    high = 1.0 if only_after == n else float(optimize.brentq(below, difference, 1.0, xtol=1e-12))
    return low, high


def _tango_score(assumed: float, n: int, only_before: int, only_after: int) -> float:
    """How many standard errors the seen difference lies above the assumed one (Tango 1998, eq. 5)."""
    excess = only_after - only_before - n * assumed
    if excess == 0:
        return 0.0
    if abs(assumed) >= 1.0:
        return math.copysign(math.inf, excess)
    # The share of images that only the first has right, most likely under the assumed difference.
    b = (2 * n + only_before - only_after) * assumed - only_before - only_after
    c = -only_before * assumed * (1 - assumed)
    share = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * share + assumed * (1 - assumed))
    if variance <= 0:
        return math.copysign(math.inf, excess)
    return excess / math.sqrt(variance)


def normal_quantile(level: float) -> float:
    """How many standard errors on either side hold `level` of a normal distribution; 1.96 for 0.95."""
    return float(special.ndtri((1 + level) / 2))


def with_added_images(differences: np.ndarray) -> np.ndarray:
    """Each image's difference, (n,) of -1 to 1, and those of two more: one image that only the first and one
    that only the second has right. With them no images look certain because nothing differed on them
    (Bonett and Price 2012, JEBS 37:479)."""
    return np.append(differences, (-1.0, 1.0))


def wilson(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a share of `hits` among n; (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    z2 = normal_quantile(level) ** 2
    share = hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At the ends rounding would miss the exact 0 and 1.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == n else middle + half)


@dataclass(frozen=True)
class Smallest:
    """How small a difference n images can show."""

    shown: float
    """The least one that reaches p < 0.05 when it is seen."""
    found: float
    """One that is really there and is found in 4 of 5 comparisons."""


def smallest_difference(n: int, accuracy: float | None = None, *, changed: int | None = None) -> Smallest:
    """How small a difference of two networks n images can show.

    It depends on how many images just one of the two has right: `changed` where that was seen, else
    what two networks of this accuracy have that err independently of each other, 2 a (1 - a), which is
    more than two of one recipe have. `shown` counts with the test itself; `found` is Connor's formula
    for 80 % of all comparisons.
    """
    if changed is None:
        if accuracy is None:
            raise ValueError("either the accuracy or the number of changed images must be given")
        changed = round(2 * accuracy * (1 - accuracy) * n)
    return Smallest(_least_shown(changed) / n, _found(changed / n, n))


def _least_shown(changed: int) -> int:
    """The least surplus of images with p < 0.05 among `changed`, or among the fewest that reach it."""
    while mcnemar_p(0, changed) >= ALPHA:
        changed += 1
    surplus = max(0, math.floor(normal_quantile(LEVEL) * math.sqrt(changed)) - 1)
    surplus += (changed - surplus) % 2
    while mcnemar_p((changed - surplus) // 2, (changed + surplus) // 2) >= ALPHA:
        surplus += 2
    return surplus


def _found(share: float, n: int) -> float:
    z_test, z_power = normal_quantile(LEVEL), float(special.ndtri(POWER))

    def lack(difference: float) -> float:
        # No fewer images can change than the difference itself.
        changed = max(share, difference)
        spread = math.sqrt(max(0.0, changed - difference**2))
        return difference * math.sqrt(n) - z_test * math.sqrt(changed) - z_power * spread

    return 1.0 if lack(1.0) <= 0 else float(optimize.brentq(lack, 1e-12, 1.0, xtol=1e-9))
