"""A run's checkpoint on one of its data set's splits; every look is remembered in the run."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from core.augment import describe
from core.classify.predictor import Predictor, SplitTTA
from core.data import Dataset, Library, Progress
from core.errors import BadInput
from core.runs import CheckpointChoice, Look, Run, now
from core.runs.answers import AnswerFile, has_labels, write_answers
from core.train import Card, Compute, Outcomes, fits, to_device

EvaluatedSplit = Literal["val", "test"]


def evaluate_run(
    run: Run,
    library: Library,
    compute: Compute,
    *,
    checkpoint: CheckpointChoice = "best",
    split: EvaluatedSplit = "val",
    views: int = 0,
    averaged: bool = False,
    progress: Progress | None = None,
) -> Look:
    """Accuracy and loss of a checkpoint on a split, with `views` also by test-time augmentation;
    `averaged` evaluates the average of the weights (EMA) instead. The answer for each image and the
    votes of the views are kept in the run too (core/runs/answers.py).

    `progress` is told after each batch, and may raise to cancel; only a whole evaluation counts as a look.

    Raises NotFound, Damaged; BadInput where the split has no labelled images, or the data set is
    not the one that the run was trained on.
    """
    predictor = Predictor.load(run.checkpoint(checkpoint), compute, averaged=averaged)
    card = predictor.card
    dataset = trained_on(card, library)
    indices = _held_out(run, dataset, split)
    where = compute.device if fits(dataset.images.nbytes, compute.device) else torch.device("cpu")
    images = to_device(dataset.images, predictor.recipe.data.color, where)
    labels = torch.from_numpy(dataset.labels).to(compute.device)
    plain = predictor.evaluate(images, labels, indices, progress=progress)
    tta = None
    if views:
        tta = predictor.evaluate_tta(images, labels, indices, plain, views=views, progress=progress)
    look = _look(split, card.epoch, averaged, plain, tta)
    # First: no answers on test may be found that no look was counted for.
    run.add_look(look)
    truth = dataset.labels[indices.numpy()].astype(np.int16)
    file = AnswerFile(split, card.epoch, averaged)
    _keep_plain(run, file, plain, truth)
    if tta is not None:
        words = tuple(describe(augmentation) for augmentation in predictor.recipe.augmentations)
        _keep_votes(run, replace(file, views=views), plain, tta, truth, words)
    return look


def _look(split: EvaluatedSplit, epoch: int, averaged: bool, plain: Outcomes, tta: SplitTTA | None) -> Look:
    """What is remembered of an evaluation."""
    look = Look(
        at=now(),
        split=split,
        checkpoint_epoch=epoch,
        images=len(plain.correct),
        accuracy=plain.accuracy,
        loss=plain.loss,
        averaged=averaged,
    )
    if tta is None:
        return look
    voted = {
        "tta_views": tta.votes.shape[1],
        "tta_accuracy": tta.accuracy,
        "fixed": tta.fixed,
        "broken": tta.broken,
    }
    return look.model_copy(update=voted)


def _keep_plain(run: Run, file: AnswerFile, plain: Outcomes, truth: np.ndarray) -> None:
    """The plain answers; the trainer's own file of the same answers is left alone."""
    trainers = file.split == "val" and not file.averaged
    if trainers and has_labels(run, file):
        return
    arrays = {
        "label": truth,
        "predicted": plain.predicted.numpy(),
        "probability": plain.probability.numpy(),
        "true_probability": plain.true_probability.numpy(),
    }
    write_answers(run, file, arrays)


def _keep_votes(
    run: Run, file: AnswerFile, plain: Outcomes, tta: SplitTTA, truth: np.ndarray, words: tuple[str, ...]
) -> None:
    """What the views voted, and what came of it."""
    views = tta.views
    arrays = {
        "label": truth,
        "plain": plain.predicted.numpy(),
        "predicted": tta.predicted.astype(np.int16),
        "votes": views.votes,
        "candidates": views.candidates,
        "probabilities": views.probabilities,
        "active": views.active.astype(np.uint8),
    }
    write_answers(run, file, arrays, augmentations=words)


def _held_out(run: Run, dataset: Dataset, split: EvaluatedSplit) -> torch.Tensor:
    """The split's images, which this run must not have been trained on."""
    if dataset.info.split_fingerprint != run.status().split_fingerprint:
        raise BadInput(
            f"The data set {dataset.info.name!r} was split anew since run {run.id} was trained on it: what "
            "is val and test now may have been trained on; train a clone of the run on it."
        )
    indices = torch.from_numpy(dataset.indices(split))
    if len(indices) == 0:
        raise BadInput(
            f"The data set {dataset.info.name!r} has no labelled {split} images; choose another split."
        )
    return indices


def trained_on(card: Card, library: Library) -> Dataset:
    """The data set that a checkpoint was trained on. Raises NotFound, Damaged; BadInput where the data
    set of that name is another one now."""
    dataset = library.open(card.dataset)
    if dataset.info.fingerprint != card.dataset_fingerprint:
        raise BadInput(
            f"The data set {card.dataset!r} has changed since run {card.run} was trained on it: "
            "its figures would not compare; train a clone of the run on it."
        )
    return dataset


def look_as_json(look: Look) -> dict[str, Any]:
    """An evaluation as the command line prints it."""
    tta = None
    if look.tta_views:
        tta = {
            "views": look.tta_views,
            "accuracy": look.tta_accuracy,
            "fixed": look.fixed,
            "broken": look.broken,
        }
    return {
        "split": look.split,
        "checkpoint_epoch": look.checkpoint_epoch,
        "images": look.images,
        "accuracy": look.accuracy,
        "loss": look.loss,
        "weights": "ema" if look.averaged else "raw",
        "tta": tta,
    }
