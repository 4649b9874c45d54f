"""A result of benchmarks.effect with accuracies of a test's choice."""

from typing import Any

from benchmarks.effect import CASES
from benchmarks.effect_figures import Result


def content_of(accuracies: dict[tuple[str, str], list[float]]) -> dict[str, Any]:
    """As the file holds it: per model and side, the last epoch's accuracy of each seed from 0."""
    usual = {"seconds": 1.5, "date": "2026-01-02", "cpu": "a processor", "threads": 1}
    rows = [
        {"model": model, "who": who, "seed": seed, "val_accuracy": [0.1, value], **usual}
        for (model, who), values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return {
        "precision": "fp32",
        "versions": {"torch": "2.0.0"},
        "data": {
            "name": "some-set",
            "fingerprint": "0123456789abcdef",
            "image_size": 28,
            "train": 40,
            "val": 10,
        },
        "cases": {name: vars(case) for name, case in CASES.items()},
        "trainings": rows,
    }


def result_of(accuracies: dict[tuple[str, str], list[float]]) -> Result:
    return Result.model_validate(content_of(accuracies))
