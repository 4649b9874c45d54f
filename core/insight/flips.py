"""Between two runs: which images the second one fixed, and which it broke."""

from dataclasses import dataclass

import numpy as np

from core.errors import BadInput
from core.insight.outcomes import Outcomes


@dataclass(frozen=True)
class Flips:
    """Where two runs on the same images differ; places in the split, the clearest change first."""

    fixed: np.ndarray  # int64: wrong before, right after
    broken: np.ndarray  # int64: right before, wrong after
    both_right: int
    both_wrong: int
    wrong_otherwise: int
    """Of those that both have wrong: images with another wrong answer than before."""

    @property
    def net(self) -> int:
        """Images won: fixed minus broken."""
        return len(self.fixed) - len(self.broken)


@dataclass(frozen=True)
class ClassFlips:
    """What changed in one class."""

    label: int
    images: int
    fixed: int
    broken: int

    @property
    def net(self) -> int:
        """Images of the class that were won: fixed minus broken."""
        return self.fixed - self.broken


def flips(before: Outcomes, after: Outcomes) -> Flips:
    """Fixed images by how much the true class's probability rose, broken ones by how much it fell.

    Raises BadInput where the outcomes are not of the same images.
    """
    _same_images(before, after)
    rise = after.true_probability.astype(np.float64) - before.true_probability
    was, now = before.hits, after.hits
    fixed, broken = np.flatnonzero(~was & now), np.flatnonzero(was & ~now)
    wrong = ~was & ~now
    return Flips(
        fixed=fixed[np.argsort(-rise[fixed], kind="stable")],
        broken=broken[np.argsort(rise[broken], kind="stable")],
        both_right=int((was & now).sum()),
        both_wrong=int(wrong.sum()),
        wrong_otherwise=int((wrong & (before.predicted != after.predicted)).sum()),
    )


def net_by_class(before: Outcomes, after: Outcomes, classes: int) -> list[ClassFlips]:
    """One row per class, in the classes' order. Raises BadInput as `flips` does."""
    found = flips(before, after)
    # A file without labels tells the class of a hit only; a flip has one on either side.
    labels = np.where(before.labels >= 0, before.labels, after.labels)
    images = np.bincount(labels[labels >= 0], minlength=classes)
    fixed = np.bincount(labels[found.fixed], minlength=classes)
    broken = np.bincount(labels[found.broken], minlength=classes)
    return [
        ClassFlips(label, int(images[label]), int(fixed[label]), int(broken[label]))
        for label in range(classes)
    ]


def _same_images(before: Outcomes, after: Outcomes) -> None:
    if before.split != after.split:
        raise BadInput(
            f"One run's answers are of the {before.split} split and the other's of {after.split}: choose the "
            "same split for both."
        )
    both = (
        (before.labels >= 0) & (after.labels >= 0)
        if len(before.labels) == len(after.labels)
        else np.array([])
    )
    if len(before.labels) != len(after.labels) or (before.labels[both] != after.labels[both]).any():
        raise BadInput(
            f"The two runs answered for other {before.split} images, so no image can be compared: choose two "
            "runs on the same data set and split."
        )
