"""A trained network's answers: single images, whole splits, folders; with and without TTA."""

from core.classify.compute import compute_for
from core.classify.evaluation import EvaluatedSplit, evaluate_run, look_as_json, trained_on
from core.classify.folder import (
    Answer,
    Answers,
    Found,
    NamedImage,
    Vote,
    classify_images,
    classify_unlabelled,
    found_images,
    ids_have_endings,
    zipped_images,
)
from core.classify.predictor import TTA, Prediction, Predictor, SplitTTA, View, majority
from core.classify.threads import OneThread
from core.classify.views import MAX_VIEWS

__all__ = [
    "MAX_VIEWS",
    "TTA",
    "Answer",
    "Answers",
    "EvaluatedSplit",
    "Found",
    "NamedImage",
    "OneThread",
    "Prediction",
    "Predictor",
    "SplitTTA",
    "View",
    "Vote",
    "classify_images",
    "classify_unlabelled",
    "compute_for",
    "evaluate_run",
    "found_images",
    "ids_have_endings",
    "look_as_json",
    "majority",
    "trained_on",
    "zipped_images",
]
