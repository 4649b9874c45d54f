"""Where a network errs: which classes, which pairs of them, which images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.insight.outcomes import Outcomes
from core.insight.significance import wilson


@dataclass(frozen=True)
class ClassRow:
    """One class among the images of a split."""

    label: int
    images: int
    right: int
    accuracy: float | None
    """Share of the class's images that are answered right; None where it has none."""
    low: float
    high: float
    """Wilson's 95 % interval of the accuracy."""
    answered: int
    """How many images were taken for this class, rightly or not."""
    taken_for: int | None
    """The class that its missed images are most often taken for; None where none was missed."""
    times: int
    """How many of its images were."""

    @property
    def precision(self) -> float | None:
        """Share of the images taken for this class that are of it; None where there are none."""
        return self.right / self.answered if self.answered else None


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other."""

    first: int
    second: int
    forth: int
    """Images of `first` that are taken for `second`."""
    back: int
    """Images of `second` that are taken for `first`."""
    images: int
    """Images of both classes."""

    @property
    def count(self) -> int:
        """Images taken for the other class, both ways."""
        return self.forth + self.back


def confusion(outcomes: Outcomes, classes: int) -> np.ndarray:
    """(classes, classes) int64: how many images of the row's class were taken for the column's.

    Images whose class is not known (-1) are left out.
    """
    known = outcomes.labels >= 0
    cells = outcomes.labels[known] * classes + outcomes.predicted[known]
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def class_rows(matrix: np.ndarray) -> list[ClassRow]:
    """One row per class, in the classes' order, from a confusion matrix."""
    missed = matrix - np.diag(np.diag(matrix))
    rows = []
    for label in range(len(matrix)):
        images, right = int(matrix[label].sum()), int(matrix[label, label])
        low, high = wilson(right, images)
        times = int(missed[label].max())
        rows.append(
            ClassRow(
                label=label,
                images=images,
                right=right,
                accuracy=right / images if images else None,
                low=low,
                high=high,
                answered=int(matrix[:, label].sum()),
                taken_for=int(missed[label].argmax()) if times else None,
                times=times,
            )
        )
    return rows


def confused_pairs(matrix: np.ndarray, most: int = 100) -> list[Pair]:
    """The pairs of classes with the most images taken one for the other, first the most confused."""
    both = np.triu(matrix + matrix.T, k=1)
    order = np.argsort(-both, axis=None, kind="stable")[:most]
    images = matrix.sum(axis=1)
    pairs = []
    for first, second in zip(*np.unravel_index(order, both.shape), strict=True):
        if both[first, second] == 0:
            break
        forth, back = int(matrix[first, second]), int(matrix[second, first])
        # The direction that happens more often is told first.
        a, b = (int(first), int(second)) if forth >= back else (int(second), int(first))
        pairs.append(Pair(a, b, max(forth, back), min(forth, back), int(images[first] + images[second])))
    return pairs


def most_confused(matrix: np.ndarray, most: int) -> list[int]:
    """Up to `most` classes of the most confused pairs, then those with the most errors, ascending."""
    chosen: dict[int, None] = {}
    for pair in confused_pairs(matrix, most * most):
        chosen |= {pair.first: None, pair.second: None}
        if len(chosen) >= most:
            break
    errors = matrix.sum(axis=1) - np.diag(matrix)
    chosen |= dict.fromkeys(np.argsort(-errors, kind="stable").tolist())
    return sorted(list(chosen)[:most])


def side_by_side(matrix: np.ndarray, labels: Sequence[int]) -> list[int]:
    """The labels in an order that puts classes next to each other that are taken for each other.

    Average linkage on 1 - s / max(s), where s is the number of images of two classes taken for each
    other over the square root of the product of their sizes; leaves in the optimal order of Bar-Joseph,
    Gifford, Jaakkola 2001 (Bioinformatics 17:S22), as scipy computes it.
    """
    # scipy's cluster module is slow to load, and only this needs it.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(labels) < 3:
        return list(labels)
    part = matrix[np.ix_(labels, labels)].astype(np.float64)
    sizes = np.maximum(1, matrix.sum(axis=1)[list(labels)])
    likeness = (part + part.T) / np.sqrt(np.outer(sizes, sizes))
    np.fill_diagonal(likeness, 0.0)
    if likeness.max() == 0:
        return list(labels)
    distance = 1 - likeness / likeness.max()
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [int(labels[place]) for place in leaves_list(tree)]


def worst_errors(outcomes: Outcomes, *, truth: int | None = None, predicted: int | None = None) -> np.ndarray:
    """Where the wrong answers are, int64, the most confident first; of one true or predicted class
    where these are given."""
    wrong = (outcomes.labels >= 0) & ~outcomes.hits
    if truth is not None:
        wrong &= outcomes.labels == truth
    if predicted is not None:
        wrong &= outcomes.predicted == predicted
    places = np.flatnonzero(wrong)
    found: np.ndarray = places[np.argsort(-outcomes.probability[places], kind="stable")]
    return found
