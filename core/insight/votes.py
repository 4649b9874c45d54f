"""Test-time augmentation taken apart: what each view adds, and how many views are enough.

All of it is counted from the stored votes; no image is classified again. A majority's tie goes to
the higher mean probability over the views that vote, as in core/classify/predictor.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt

import numpy as np
from scipy import special

from core.insight.answers import Votes
from core.insight.significance import ALPHA, LEVEL, normal_quantile, paired, wilson, with_added_images

EXACT_UP_TO = 8
"""Up to so many views every subset of them is counted; beyond, those along random orders."""
ORDERS = 100
"""Random orders of the views, drawn from a fixed seed."""


@dataclass(frozen=True)
class ViewRow:
    """One view, by its number in the order in which the views were drawn."""

    view: int
    """From 1."""
    with_majority: float
    """Share of the images on which it votes as the majority of all views does."""
    right: float
    """Share of the images that it alone has right."""
    without: float | None
    """Accuracy of the majority of all other views; None where it is the only one."""
    difference: float | None
    """`without` minus the accuracy of all views: above 0, the vote is better without this view."""
    low: float | None
    high: float | None
    """Its 95 % interval (paired, Tango)."""
    p: float | None
    verdict: str
    """'hurts', 'helps' or 'open': p (McNemar) times the number of views is under 0.05, or not."""


@dataclass(frozen=True)
class AugmentationRow:
    """Views that one augmentation changed, against views of the same images that it left alone."""

    words: str
    share: float
    """Share of all views that it changed."""
    images: int
    """Images with views of both kinds; only these can tell."""
    right_with: float | None
    right_without: float | None
    """Mean share of right votes among the image's views of each kind; None where no image has both."""
    difference: float | None
    """`right_with` minus `right_without`."""
    low: float | None
    high: float | None
    """Its interval over images; those of all augmentations hold together in 95 % (Bonferroni)."""
    verdict: str
    """'hurts', 'helps' or 'open': whether the interval leaves 0 out."""


@dataclass(frozen=True)
class CountRow:
    """A vote of k views, whichever these are."""

    views: int
    accuracy: float
    """The mean over subsets of k views."""
    low: float
    high: float
    """Its 95 % interval over images."""
    missing: float
    """Accuracy of all views minus this one."""
    missing_low: float
    missing_high: float
    """The 95 % interval of that, paired by image."""


@dataclass(frozen=True)
class AgreementRow:
    """Images on which as many views voted for the winner."""

    votes: int
    images: int
    right: int


def fixed_images(votes: Votes) -> np.ndarray:
    """Where TTA is right and the plain answer wrong, int64."""
    return np.flatnonzero(votes.hits & ~votes.plain_hits)


def broken_images(votes: Votes) -> np.ndarray:
    """Where the plain answer is right and TTA wrong, int64."""
    return np.flatnonzero(~votes.hits & votes.plain_hits)


def view_rows(votes: Votes) -> list[ViewRow]:
    """One row per view: whether it votes with the majority, and what the vote is without it."""
    ballot = _Ballot(votes)
    rows = []
    for view in range(votes.views):
        chosen = votes.votes[:, view]
        found = None
        if votes.views > 1:
            found = paired(votes.hits, ballot.hits(np.delete(np.arange(votes.views), view)))
        sure = found is not None and found.p * votes.views < ALPHA
        rows.append(
            ViewRow(
                view=view + 1,
                with_majority=float((chosen == votes.predicted).mean()),
                right=float((chosen == votes.labels).mean()),
                without=float(votes.hits.mean()) + found.difference if found else None,
                difference=found.difference if found else None,
                low=found.low if found else None,
                high=found.high if found else None,
                p=found.p if found else None,
                verdict=_verdict(-found.difference) if found and sure else "open",
            )
        )
    return rows


def augmentation_rows(votes: Votes) -> list[AugmentationRow]:
    """One row per augmentation of the run: are views that it changed right as often as others?"""
    right = votes.votes == votes.labels[:, None]
    counts = votes.active.sum(axis=1)  # (n, augmentations): views that each of them changed
    both = (counts > 0) & (counts < votes.views)
    tested = int((both.sum(axis=0) >= 2).sum())
    rows = []
    for place, words in enumerate(votes.augmentations):
        changed, images = votes.active[:, :, place], both[:, place]
        share, many = float(changed.mean()), int(images.sum())
        if many < 2:
            rows.append(AugmentationRow(words, share, many, None, None, None, None, None, "open"))
            continue
        count = counts[images, place]
        with_it = (right & changed)[images].sum(axis=1) / count
        without = (right & ~changed)[images].sum(axis=1) / (votes.views - count)
        difference = float((with_it - without).mean())
        low, high = _difference_interval(with_it - without, 1 - ALPHA / tested)
        rows.append(
            AugmentationRow(
                words=words,
                share=share,
                images=many,
                right_with=float(with_it.mean()),
                right_without=float(without.mean()),
                difference=difference,
                low=low,
                high=high,
                verdict="open" if low <= 0 <= high else _verdict(difference),
            )
        )
    return rows


def count_rows(votes: Votes) -> list[CountRow]:
    """One row per number of views from 1 to all of them.

    The views of an image are drawn one like the other, so which k of them are taken says nothing:
    the accuracy of k views is the mean over subsets of k. Up to EXACT_UP_TO views all subsets are
    counted, beyond that those along ORDERS random orders. An image's share of subsets with a right
    majority is one number per image, and the intervals are those of its mean over images.
    """
    shares = _shares_right(votes)
    rows = []
    for k, share in enumerate(shares, start=1):
        low, high = _share_interval(share)
        behind = shares[-1] - share
        missing_low, missing_high = _mean_interval(behind)
        rows.append(
            CountRow(k, float(share.mean()), low, high, float(behind.mean()), missing_low, missing_high)
        )
    return rows


def enough_views(rows: list[CountRow]) -> CountRow:
    """The least number of views from which on these images show no further gain: the interval of what
    is missing to all views has 0 in it, there and at every larger number."""
    enough = rows[-1]
    for row in reversed(rows):
        if row.missing_low > 0:
            break
        enough = row
    return enough


def agreement_rows(votes: Votes) -> list[AgreementRow]:
    """How many views voted for the winner, the most first, and how often it was right then."""
    winning = (votes.votes == votes.predicted[:, None]).sum(axis=1)
    return [
        AgreementRow(int(count), int((winning == count).sum()), int(votes.hits[winning == count].sum()))
        for count in sorted(set(winning.tolist()), reverse=True)
    ]


def hits_of(votes: Votes, views: np.ndarray) -> np.ndarray:
    """(n,) bool: whether the majority of some of the views, given by their places, is right."""
    return _Ballot(votes).hits(views)


class _Ballot:
    """The votes of all images, laid out for being counted again and again.

    A view gives a class 1 for its vote and the class's probability divided by twice the number of
    views. Those parts never add up to a whole vote, so the highest sum is the class with the most
    votes and, among equals, with the highest mean probability; last comes the lower class.
    """

    def __init__(self, votes: Votes) -> None:
        self.count = len(votes.labels)
        unanimous = (votes.votes == votes.votes[:, :1]).all(axis=1)
        # Where all views agree, so does every subset. A class without a vote never wins.
        self.sure = unanimous & (votes.votes[:, 0] == votes.labels)
        is_truth = votes.candidates == votes.labels[:, None]
        self.open = np.flatnonzero(~unanimous & is_truth.any(axis=1))
        candidates = votes.candidates[self.open]
        voted = votes.votes[self.open][:, :, None] == candidates[:, None, :]
        points = voted + votes.probabilities[self.open].astype(np.float64) / (2 * votes.views)
        # The true class comes first, the others keep their order.
        order = np.argsort(~is_truth[self.open], axis=1, kind="stable")
        points = np.take_along_axis(points, order[:, None, :], axis=2)
        self.points = np.ascontiguousarray(points.transpose(1, 2, 0))  # (views, C, open)
        self.nothing = np.ascontiguousarray(-1e-12 * order.T.astype(np.float64))

    def hits(self, views: np.ndarray) -> np.ndarray:
        """(n,) bool: whether the majority of these views is right."""
        found = self.sure.copy()
        found[self.open] = self.right(self.nothing + self.points[views].sum(axis=0))
        return found

    def right(self, sums: np.ndarray) -> np.ndarray:
        """Of the open images: whether the true class has the highest of the sums (C, open)."""
        if len(sums) < 2:
            return np.ones(sums.shape[1], dtype=bool)
        won: np.ndarray = sums[0] > sums[1:].max(axis=0)
        return won


def _shares_right(votes: Votes) -> list[np.ndarray]:
    """Per k = 1 ... views: (n,) share of the subsets of k views whose majority is right."""
    ballot = _Ballot(votes)
    shares = [ballot.sure.astype(np.float64) for _ in range(votes.views)]
    counted = _all_subsets if votes.views <= EXACT_UP_TO else _along_orders
    for k, weight, right in counted(ballot, votes.views):
        shares[k - 1][ballot.open] += weight * right
    shares[0] = (votes.votes == votes.labels[:, None]).mean(axis=1)
    # The whole vote as it was counted when it was taken.
    shares[-1] = votes.hits.astype(np.float64)
    return shares


def _all_subsets(ballot: _Ballot, views: int) -> Iterator[tuple[int, float, np.ndarray]]:
    """Every subset of 2 ... views - 1 views: its size, its weight among those, where it is right."""
    for k in range(2, views):
        for chosen in combinations(range(views), k):
            yield (
                k,
                1 / comb(views, k),
                ballot.right(ballot.nothing + ballot.points[list(chosen)].sum(axis=0)),
            )


def _along_orders(ballot: _Ballot, views: int) -> Iterator[tuple[int, float, np.ndarray]]:
    """The first k views of random orders: each is a random subset of k, and costs one addition more
    than the one before."""
    rng = np.random.default_rng(0)
    for _ in range(ORDERS):
        sums = ballot.nothing
        for k, view in enumerate(rng.permutation(views)[:-1], start=1):
            sums = sums + ballot.points[view]
            if k >= 2:
                yield k, 1 / ORDERS, ballot.right(sums)


def _share_interval(shares: np.ndarray) -> tuple[float, float]:
    """Wilson's interval for the mean of shares in 0 ... 1.

    A share between 0 and 1 says more than one hit or miss: n is replaced by the number of hits and
    misses with the same variance of their mean, n m (1 - m) / variance (Kish's effective size). For
    hits and misses alone that is n itself.
    """
    n, mean, variance = len(shares), float(shares.mean()), float(shares.var())
    effective = n * mean * (1 - mean) / variance if variance > 1e-12 else float(n)
    # Wilson's formula holds for fractions of a hit as well.
    return wilson(mean * effective, effective)  # type: ignore[arg-type]


def _mean_interval(values: np.ndarray) -> tuple[float, float]:
    """The normal 95 % interval of a mean over images."""
    half = normal_quantile(LEVEL) * float(values.std(ddof=1)) / sqrt(len(values)) if len(values) > 1 else 0.0
    mean = float(values.mean())
    return mean - half, mean + half


def _difference_interval(differences: np.ndarray, level: float) -> tuple[float, float]:
    """Student's interval for the mean over images of differences in -1 ... 1, two or more of them, with two
    images added: what a few images agree on by chance is then no certainty."""
    added = with_added_images(differences)
    quantile = float(special.stdtrit(len(differences) - 1, (1 + level) / 2))
    mean, half = float(added.mean()), quantile * float(added.std(ddof=1)) / sqrt(len(added))
    return max(-1.0, mean - half), min(1.0, mean + half)


def _verdict(difference: float) -> str:
    return "helps" if difference > 0 else "hurts"
