"""A trained network's answers: single images, whole splits, folders; with and without TTA."""

from core.classify.evaluation import EvaluatedSplit, evaluate_run, look_as_json, trained_on
from core.classify.folder import (
    Answer,
    Answers,
    Found,
    NamedImage,
    classify_images,
    classify_unlabelled,
    found_images,
    zipped_images,
)
from core.classify.predictor import MAX_VIEWS, TTA, Prediction, Predictor, SplitTTA, View, majority

__all__ = [
    "MAX_VIEWS",
    "TTA",
    "Answer",
    "Answers",
    "EvaluatedSplit",
    "Found",
    "NamedImage",
    "Prediction",
    "Predictor",
    "SplitTTA",
    "View",
    "classify_images",
    "classify_unlabelled",
    "evaluate_run",
    "found_images",
    "look_as_json",
    "majority",
    "trained_on",
    "zipped_images",
]
