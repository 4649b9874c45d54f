"""What a run answered for each val image, and whether two runs answered for the same images."""

from dataclasses import dataclass

import numpy as np

from core.errors import Damaged, NotFound
from core.runs import Run
from core.runs.answers import AnswerFile, read_answers
from core.runs.run import no_such_run
from core.runs.status import Status

_NEEDED = ("predicted", "probability", "true_probability")


@dataclass(frozen=True)
class Outcomes:
    """A run's answers after an epoch, in the order of the split's images."""

    epoch: int
    split: str
    labels: np.ndarray  # (n,) int64: the true class; -1 where an older file does not tell it
    predicted: np.ndarray  # (n,) int64
    probability: np.ndarray  # (n,) float32: of the predicted class
    true_probability: np.ndarray  # (n,) float32: of the true class

    @property
    def hits(self) -> np.ndarray:
        """Whether each image was answered right, (n,) bool."""
        return self.labels == self.predicted


def val_outcomes(run: Run, epoch: int | None = None) -> Outcomes:
    """The run's answers for the val images after `epoch`, by default its best one.

    Raises NotFound where there is no such run any more, where it has no whole epoch or keeps no answers of
    this one, Damaged where its file cannot be read.
    """
    try:
        return plain_outcomes(run, AnswerFile("val", epoch)) if epoch is not None else _of_best(run)
    except (NotFound, Damaged):
        if run.folder.is_dir():
            raise
        raise NotFound(no_such_run(run.id)) from None


def _of_best(run: Run) -> Outcomes:
    best = _best_epoch(run)
    try:
        return plain_outcomes(run, AnswerFile("val", best))
    except NotFound:
        # A run that trains may have found a better epoch since, and removed the answers of this one.
        better = _best_epoch(run)
        if better == best:
            raise
        return plain_outcomes(run, AnswerFile("val", better))


def _best_epoch(run: Run) -> int:
    best = run.status().best
    if best is None:
        raise NotFound(f"Run {run.id} has no whole epoch yet, so there is nothing to compare.")
    return best.epoch


def plain_outcomes(run: Run, file: AnswerFile) -> Outcomes:
    """The plain answers of one file. Raises NotFound, Damaged.

    A file from before labels were stored tells a hit by its probabilities: that of the true class is
    that of the predicted one, to the bit. It errs only where two classes share the highest probability;
    the label of a miss is not known then and reads -1.
    """
    arrays, _ = read_answers(run, file, _NEEDED)
    shape = arrays["predicted"].shape
    sound = len(shape) == 1 and all(arrays[key].shape == shape for key in _NEEDED)
    sound = sound and arrays.get("label", arrays["predicted"]).shape == shape
    sound = sound and all(np.isfinite(arrays[key]).all() for key in _NEEDED)
    # An answer names a class; below 0 it would agree with a label that is not known.
    if not sound or (arrays["predicted"] < 0).any():
        raise Damaged(
            f"predictions/{file.name} of run {run.id} does not hold what it should; "
            "evaluate this checkpoint again."
        )
    predicted = arrays["predicted"].astype(np.int64)
    if "label" in arrays:
        labels = arrays["label"].astype(np.int64)
    else:
        labels = np.where(arrays["true_probability"] == arrays["probability"], predicted, -1)
    return Outcomes(
        epoch=file.epoch,
        split=file.split,
        labels=labels,
        predicted=predicted,
        probability=arrays["probability"].astype(np.float32),
        true_probability=arrays["true_probability"].astype(np.float32),
    )


def comparable(before: Status, after: Status) -> str:
    """'' where both runs were judged on the same val images, else the sentence why they cannot be compared.

    What counts is the images and their split, not the data set's name.
    """
    if not all((s.dataset_fingerprint and s.split_fingerprint) for s in (before, after)):
        return "Not compared: one of the runs does not say which images it was judged on, so they may differ."
    if before.dataset_fingerprint != after.dataset_fingerprint:
        if before.dataset != after.dataset:
            return (
                f"Not compared: these runs saw different data sets ({before.dataset} and {after.dataset}), "
                "so their accuracies do not measure the same thing."
            )
        return (
            f"Not compared: the data set {before.dataset} was changed between these runs, "
            "so their accuracies do not measure the same thing."
        )
    if before.split_fingerprint != after.split_fingerprint:
        return (
            f"Not compared: the split of {before.dataset} was changed between these runs, "
            "so they were judged on different val images, and one may have trained on the other's."
        )
    return ""
