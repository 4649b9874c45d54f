"""What a split's views said, in the least that still tells how any of them would have voted.

A vote's tie is decided by the mean probabilities of the classes that have votes. So beside the votes
only the probabilities of classes that some view voted for are kept: two or three of them on most
images, and not 200. They stay float32: where a network is sure of itself, probabilities of
different views differ in their last digits, and those decide.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ViewRecord:
    """The votes of all views of n images. C is the largest number of classes with votes on one image."""

    votes: np.ndarray  # (n, views) int16
    candidates: np.ndarray  # (n, C) int16: classes with votes, ascending, then -1
    probabilities: np.ndarray  # (n, views, C) float32: what each view gives to each of them
    active: np.ndarray  # (n, views, augmentations) bool: which augmentations changed each view


class Recorder:
    """Takes the views of an image batch one after the other, then those of the next batch."""

    def __init__(self, views: int) -> None:
        self._views = views
        self._open: list[tuple[np.ndarray, np.ndarray]] = []
        self._done: list[ViewRecord] = []

    def add(self, probabilities: np.ndarray, active: np.ndarray) -> None:
        """One view of a batch: probabilities (n, classes) and `active` (n, augmentations)."""
        self._open.append((probabilities, active))
        if len(self._open) == self._views:
            self._done.append(_record(*(np.stack(each) for each in zip(*self._open, strict=True))))
            self._open = []

    def record(self) -> ViewRecord:
        """All batches together."""
        widest = max(part.candidates.shape[1] for part in self._done)
        return ViewRecord(
            votes=np.concatenate([part.votes for part in self._done]),
            candidates=np.concatenate([_widened(part.candidates, widest, -1) for part in self._done]),
            probabilities=np.concatenate([_widened(part.probabilities, widest, 0.0) for part in self._done]),
            active=np.concatenate([part.active for part in self._done]),
        )


def _record(probabilities: np.ndarray, active: np.ndarray) -> ViewRecord:
    """Of one batch: probabilities (views, n, classes), active (views, n, augmentations)."""
    votes = probabilities.argmax(axis=2)
    voted = np.zeros(probabilities.shape[1:], dtype=bool)
    np.put_along_axis(voted, votes.T, True, axis=1)
    count = voted.sum(axis=1)
    # False sorts first, and stable keeps the classes in their order.
    candidates = np.argsort(~voted, axis=1, kind="stable")[:, : int(count.max())]
    kept = np.take_along_axis(probabilities, candidates[None], axis=2).astype(np.float32)
    beyond = np.arange(candidates.shape[1]) >= count[:, None]
    return ViewRecord(
        votes=votes.T.astype(np.int16),
        candidates=np.where(beyond, -1, candidates).astype(np.int16),
        probabilities=np.where(beyond[:, None, :], np.float32(0), kept.transpose(1, 0, 2)),
        active=active.transpose(1, 0, 2).astype(bool),
    )


def _widened(array: np.ndarray, width: int, value: float) -> np.ndarray:
    """The last axis filled up to `width`."""
    missing = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
    return np.pad(array, missing, constant_values=value)
