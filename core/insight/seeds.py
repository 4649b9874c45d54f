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
would make intervals too wide where seeds hardly differ. Degrees of freedom: Welch 1947, Biometrika 34:28,
with the images as a third term (Satterthwaite 1946, Biometrics Bulletin 2:110).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.insight.significance import LEVEL, POWER, Smallest

SEEDS_NEEDED = 3
"""Seeds on each side before anything is said of the setting: below that their spread is a guess."""
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
    beyond, squares = 0.0, images**2 / (before.shape[1] - 1)
    for hits in (before, after):
        seeds, n = hits.shape
        variance = float(hits.mean(axis=1).var(ddof=1))
        beyond += (variance - _cell_variance(hits) / n) / seeds
        squares += (variance / seeds) ** 2 / (seeds - 1)
    total = max(images + beyond, LEAST_OF_IMAGES * images)
    return _joined(before, after, images, total, total**2 / squares)


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
    """Variance of the mean over images of each image's difference.

    One image that only the first and one that only the second has right are added, so that no split
    looks certain because nothing differed on it (Bonett and Price 2012, JEBS 37:479).
    """
    if before.shape[1] != after.shape[1] or before.shape[1] < 2:
        raise ValueError(f"hits of shapes {before.shape} and {after.shape} cannot be paired")
    differences = np.append(after.mean(axis=0) - before.mean(axis=0), (-1.0, 1.0))
    return float(differences.var(ddof=1)) / len(differences)


def _cell_variance(hits: np.ndarray) -> float:
    """Variance of a single cell beyond its seed and its image: the mean square of what both leave."""
    seeds, n = hits.shape
    rest = hits - hits.mean(axis=0) - hits.mean(axis=1, keepdims=True) + hits.mean()
    return float((rest**2).sum()) / ((seeds - 1) * (n - 1))


def _joined(before: np.ndarray, after: np.ndarray, images: float, total: float, degrees: float) -> Joined:
    difference = float(after.mean() - before.mean())
    error = math.sqrt(total)
    half = float(stats.t.ppf((1 + LEVEL) / 2, degrees)) * error
    found = half + float(stats.t.ppf(POWER, degrees)) * error
    spreads = [float(h.mean(axis=1).std(ddof=1)) if len(h) > 1 else None for h in (before, after)]
    return Joined(
        n=before.shape[1],
        seeds=(len(before), len(after)),
        difference=difference,
        low=max(-1.0, difference - half),
        high=min(1.0, difference + half),
        p=float(2 * stats.t.sf(abs(difference) / error, degrees)),
        spread=(spreads[0], spreads[1]),
        images_error=math.sqrt(images),
        seeds_error=math.sqrt(max(0.0, total - images)),
        degrees=degrees,
        smallest=Smallest(half, found),
    )
