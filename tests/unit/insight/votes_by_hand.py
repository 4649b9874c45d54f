"""Votes as an evaluation would have left them, from probabilities that a test makes up."""

import numpy as np

from core.classify import majority
from core.classify.votes import Recorder
from core.insight.answers import Votes
from core.runs.answers import AnswerFile


def made_votes(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    plain: np.ndarray | None = None,
    active: np.ndarray | None = None,
    augmentations: tuple[str, ...] = (),
) -> Votes:
    """Of probabilities (views, n, classes); `active` is (n, views, augmentations)."""
    views, n, _ = probabilities.shape
    if active is None:
        active = np.zeros((n, views, len(augmentations)), dtype=bool)
    recorder = Recorder(views)
    for view in range(views):
        recorder.add(probabilities[view], active[:, view])
    record = recorder.record()
    predicted = winners(probabilities)
    return Votes(
        file=AnswerFile("val", 1, False, views),
        labels=labels.astype(np.int64),
        plain=(predicted if plain is None else plain).astype(np.int64),
        predicted=predicted,
        votes=record.votes.astype(np.int64),
        candidates=record.candidates.astype(np.int64),
        probabilities=record.probabilities,
        active=record.active,
        augmentations=augmentations,
    )


def winners(probabilities: np.ndarray) -> np.ndarray:
    """(n,) the majority's class, as the predictor counts it, of probabilities (views, n, classes)."""
    classes = probabilities.shape[2]
    votes = np.eye(classes, dtype=np.int64)[probabilities.argmax(axis=2)].sum(axis=0)
    return majority(votes, probabilities.mean(axis=0))


def random_votes(seed: int, views: int, n: int = 60, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and probabilities (views, n, classes) of a network that is often unsure."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(1, n, classes)) + rng.normal(size=(views, n, classes))
    logits[:, np.arange(n), labels] += 0.8
    odds = np.exp(logits)
    return labels, (odds / odds.sum(axis=2, keepdims=True)).astype(np.float32)
