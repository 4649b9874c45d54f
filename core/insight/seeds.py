"""Two settings, each trained with several seeds and judged on the same val images.

Two things are left to chance: which seeds were drawn, and which images stand in the val split. Each image
meets every seed, so hits form a table of seeds by images, and the variance of a setting's mean has three
parts: seeds, images, and what remains in a single cell (two-way random effects; Searle, Casella, McCulloch
1992, Variance Components, ch. 4; the same for readers and cases: Gallas 2006, Academic Radiology 13:353;
for seeds and test sets in machine learning: Bouthillier et al. 2021, MLSys, arXiv 2103.03098). The images
are shared by both settings, so theirs is that of each image's difference.

    variance of the difference = S2 / n + (s2_B - e_B / n) / k_B + (s2_A - e_A / n) / k_A

S2 is the variance over images of the difference of mean hits, s2 that of the seeds' accuracies, e the
cells' own, k the number of seeds, n that of images. Since s2 holds e / n already, and S2 / n holds
e / (n k), the cells' part is counted once. Nothing is cut off at 0 on the way: with three seeds that
would make intervals too wide where seeds hardly differ.

Degrees of freedom: Satterthwaite 1946, Biometrics Bulletin 2:110, with the images as a third term. They
are too many where most of the variance comes from few seeds: a spread that happens to come out small makes
the images look like the larger part. Welch 1947, Biometrika 34:28, and Aspin 1948, Biometrika 35:88, give
the critical value as a series that allows for that. The fewer degrees of freedom of the two count.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from core.insight.repeats import SEEDS_NEEDED as SEEDS_NEEDED
from core.insight.significance import LEVEL, POWER, Smallest, normal_quantile, with_added_images

Part = tuple[float, int]
"""A part of the difference's variance, and the degrees of freedom of its estimate."""
LEAST_OF_IMAGES = 0.5
"""The variance counts as at least this share of what the images alone give: a few seeds that happen to
agree can bring its estimate near 0."""


@dataclass(frozen=True)
class Joined:
    """Two groups of networks on the same n images; `difference` is after - before, a fraction of 1."""

    n: int
    seeds: tuple[int, int]
    difference: float
    low: float
    high: float
    p: float
    spread: tuple[float | None, float | None]
    """Standard deviation of the seeds' accuracies on each side; None for a single seed."""
    images_error: float
    """Standard error from the val images alone."""
    seeds_error: float
    """Standard error from the seeds alone, beyond what the images explain."""
    degrees: float
    smallest: Smallest


def over_seeds(before_hits: np.ndarray, after_hits: np.ndarray) -> Joined:
    """Compare two settings by the hits of their seeds on the same images, bool (seeds, n) each.

    The interval (95 %) is for new seeds and new images of the same kind. Raises ValueError for fewer than
    two seeds on a side, or unequal numbers of images.
    """
    before, after = _table(before_hits), _table(after_hits)
    if min(len(before), len(after)) < 2:
        raise ValueError("the spread of seeds needs two on each side")
    images = _images_variance(before, after)
    sides: list[Part] = []
    cells = 0.0
    for hits in (before, after):
        seeds, n = hits.shape
        sides.append((float(hits.mean(axis=1).var(ddof=1)) / seeds, seeds - 1))
        cells += _cell_variance(hits) / (n * seeds)
    of_seeds = sum(variance for variance, _ in sides)
    least, freedom = LEAST_OF_IMAGES * images, before.shape[1] - 1
    total = max(images - cells + of_seeds, least)
    few = satterthwaite_degrees(total, [*sides, (images, freedom)])
    # The images' own part is what the cells, which the seeds' parts hold, leave of it.
    own = max(images - cells, least - of_seeds, 0.0)
    return _joined(before, after, images, total, min(few, welch_degrees([*sides, (own, freedom)])))


def over_images(before_hits: np.ndarray, after_hits: np.ndarray) -> Joined:
    """Compare these very networks, whatever other seeds would do: bool (seeds, n) each, n above 1.

    The interval (95 %) is for new images of the same kind. Raises ValueError as `over_seeds` does.
    """
    before, after = _table(before_hits), _table(after_hits)
    images = _images_variance(before, after)
    return _joined(before, after, images, images, before.shape[1] - 1.0)


def _table(hits: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.asarray(hits)).astype(np.float64)


def _images_variance(before: np.ndarray, after: np.ndarray) -> float:
    """Variance of the mean over images of each image's difference."""
    if before.shape[1] != after.shape[1] or before.shape[1] < 2:
        raise ValueError(f"hits of shapes {before.shape} and {after.shape} cannot be paired")
    differences = with_added_images(after.mean(axis=0) - before.mean(axis=0))
    return float(differences.var(ddof=1)) / len(differences)


def _cell_variance(hits: np.ndarray) -> float:
    """Variance of a single cell beyond its seed and its image: the mean square of what both leave."""
    seeds, n = hits.shape
    rest = hits - hits.mean(axis=0) - hits.mean(axis=1, keepdims=True) + hits.mean()
    return float((rest**2).sum()) / ((seeds - 1) * (n - 1))


def satterthwaite_degrees(total: float, parts: Sequence[Part]) -> float:
    """Degrees of freedom of a variance with these parts (Satterthwaite 1946)."""
    return total**2 / sum(variance**2 / freedom for variance, freedom in parts)


def welch_degrees(parts: Sequence[Part]) -> float:
    """Degrees of freedom whose t has the 95 % critical value of the series of Welch (1947) and Aspin (1948)
    for these parts, to the third order in 1 / degrees of freedom."""
    total = sum(variance for variance, _ in parts)

    def moment(power: int, order: int) -> float:
        return sum((variance / total) ** power / freedom**order for variance, freedom in parts)

    z = normal_quantile(LEVEL)
    z2, z4, z6 = z**2, z**4, z**6
    one, two, three = moment(2, 1), moment(2, 2), moment(3, 2)
    first = (1 + z2) / 4 * one
    second = -(1 + z2) / 2 * two + (3 + 5 * z2 + z4) / 3 * three - (15 + 32 * z2 + 9 * z4) / 32 * one**2
    third = (1 + z2) * moment(2, 3) - (6 + 10 * z2 + 2 * z4) * moment(3, 3)
    third += (75 + 173 * z2 + 63 * z4 + 5 * z6) / 8 * moment(4, 3) + (15 + 32 * z2 + 9 * z4) / 8 * one * two
    third -= (105 + 298 * z2 + 140 * z4 + 15 * z6) / 12 * one * three
    third += (945 + 3169 * z2 + 1811 * z4 + 243 * z6) / 384 * one**3
    longer = first + second + third
    # Not under the normal distribution's, where one degree of freedom leads the series astray.
    return float(special.stdtridf((1 + LEVEL) / 2, z * (1 + longer))) if longer > 0 else math.inf


def _joined(before: np.ndarray, after: np.ndarray, images: float, total: float, degrees: float) -> Joined:
    difference = float(after.mean() - before.mean())
    error = math.sqrt(total)
    half = float(special.stdtrit(degrees, (1 + LEVEL) / 2)) * error
    found = half + float(special.stdtrit(degrees, POWER)) * error
    spreads = [float(h.mean(axis=1).std(ddof=1)) if len(h) > 1 else None for h in (before, after)]
    return Joined(
        n=before.shape[1],
        seeds=(len(before), len(after)),
        difference=difference,
        low=max(-1.0, difference - half),
        high=min(1.0, difference + half),
        p=float(2 * special.stdtr(degrees, -abs(difference) / error)),
        spread=(spreads[0], spreads[1]),
        images_error=math.sqrt(images),
        seeds_error=math.sqrt(max(0.0, total - images)),
        degrees=degrees,
        smallest=Smallest(half, found),
    )
