"""Which per-image answers a run keeps, and its votes as the other modules here take them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import Damaged, NotFound
from core.runs import Run
from core.runs.answers import AnswerFile, read_answers, stored_answers

_VOTES = ("label", "plain", "predicted", "votes", "candidates", "probabilities", "active")


@dataclass(frozen=True)
class Votes:
    """What the views of n images voted, and what came of it."""

    file: AnswerFile
    labels: np.ndarray  # (n,) int64
    plain: np.ndarray  # (n,) int64: the class without TTA
    predicted: np.ndarray  # (n,) int64: the class by majority vote
    votes: np.ndarray  # (n, views) int64
    candidates: np.ndarray  # (n, C) int64: classes with votes, ascending, then -1
    probabilities: np.ndarray  # (n, views, C) float32
    active: np.ndarray  # (n, views, augmentations) bool
    augmentations: tuple[str, ...]
    """The run's augmentations in words."""

    @property
    def views(self) -> int:
        """How many views voted."""
        return self.votes.shape[1]

    @cached_property
    def hits(self) -> np.ndarray:
        """Whether the majority is right, (n,) bool."""
        found: np.ndarray = self.predicted == self.labels
        return found

    @cached_property
    def plain_hits(self) -> np.ndarray:
        """Whether the plain answer is right, (n,) bool."""
        found: np.ndarray = self.plain == self.labels
        return found


def plain_files(run: Run) -> list[AnswerFile]:
    """Which plain answers a run keeps: val before test, the newest epoch first."""
    return [file for file in stored_answers(run) if not file.views]


def vote_files(run: Run) -> list[AnswerFile]:
    """Which votes a run keeps, in the same order."""
    return [file for file in stored_answers(run) if file.views]


def stored_votes(run: Run, file: AnswerFile) -> Votes:
    """The votes of one file. Raises NotFound, Damaged."""
    if not file.views:
        raise NotFound(f"{file.name} of run {run.id} holds plain answers and no votes.")
    arrays, words = read_answers(run, file, _VOTES)
    n, views = len(arrays["label"]), file.views
    width = arrays["candidates"].shape[-1]
    shapes = {
        "votes": (n, views),
        "candidates": (n, width),
        "probabilities": (n, views, width),
        "active": (n, views, len(words)),
    }
    answers = [arrays[name] for name in ("plain", "predicted", "votes")]
    sound = all(arrays[name].shape == shape for name, shape in shapes.items())
    # An answer names a class, from 0 on.
    if not sound or any((classes < 0).any() for classes in answers):
        raise Damaged(
            f"predictions/{file.name} of run {run.id} does not hold what it should; "
            "evaluate this checkpoint with TTA again."
        )
    whole = {name: arrays[name].astype(np.int64) for name in ("plain", "predicted", "votes", "candidates")}
    return Votes(
        file=file,
        labels=arrays["label"].astype(np.int64),
        probabilities=arrays["probabilities"],
        active=arrays["active"].astype(bool),
        augmentations=words,
        **whole,
    )
