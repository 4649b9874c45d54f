"""What is computed once about an imported data set, and shown."""

from collections.abc import Sequence

import numpy as np

from core.data.collection import SPLITS, TEST, TRAIN, UNLABELLED, VAL

_IMBALANCE = 10
_TINY = 5


def channel_statistics(
    sums: np.ndarray, squares: np.ndarray, pixels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, in 0..1, out of exact integer sums.

    `sums` and `squares` are int64 (N, C): per image, over its `pixels` pixels, of the values 0..255
    and of their squares. Over a whole set they stay far below 2**63.
    """
    count = len(sums) * pixels
    mean = sums.sum(axis=0) / count
    variance = np.maximum(squares.sum(axis=0) / count - mean * mean, 0.0)
    return tuple(float(m) for m in mean / 255), tuple(float(s) for s in np.sqrt(variance) / 255)


def split_counts(splits: np.ndarray) -> dict[str, int]:
    """Images per split."""
    counts = np.bincount(splits, minlength=len(SPLITS))
    return {name: int(count) for name, count in zip(SPLITS, counts, strict=True)}


def class_counts(labels: np.ndarray, splits: np.ndarray, classes: int) -> dict[str, tuple[int, ...]]:
    """Images per class, per labelled split."""
    return {
        SPLITS[split]: tuple(int(n) for n in np.bincount(labels[splits == split], minlength=classes))
        for split in (TRAIN, VAL, TEST)
    }


def find_warnings(
    classes: Sequence[str], counts: dict[str, tuple[int, ...]], splits: np.ndarray, digests: np.ndarray
) -> tuple[str, ...]:
    """Sentences on what makes the figures of a run on this data set less telling."""
    found = [
        _imbalance(classes, counts["train"]),
        _tiny(classes, counts["train"]),
        _unseen(classes, counts["val"]),
        _duplicates(splits, digests),
    ]
    return tuple(sentence for sentence in found if sentence)


def _imbalance(classes: Sequence[str], train: tuple[int, ...]) -> str:
    most, least = int(np.argmax(train)), int(np.argmin(train))
    if train[most] <= _IMBALANCE * train[least]:
        return ""
    return (
        f"The classes are imbalanced: '{classes[most]}' has {train[most]:,} train images, "
        f"'{classes[least]}' has {train[least]:,}."
    )


def _tiny(classes: Sequence[str], train: tuple[int, ...]) -> str:
    tiny = [f"'{name}' ({n})" for name, n in zip(classes, train, strict=True) if n < _TINY]
    return f"Classes with fewer than {_TINY} train images: {_shortened(tiny)}." if tiny else ""


def _unseen(classes: Sequence[str], val: tuple[int, ...]) -> str:
    unseen = [f"'{name}'" for name, n in zip(classes, val, strict=True) if n == 0]
    return f"Classes without a val image: {_shortened(unseen)}." if unseen else ""


def _duplicates(splits: np.ndarray, digests: np.ndarray) -> str:
    """`digests` is one 64-bit hash of the stored pixels per image."""
    train = np.unique(digests[splits == TRAIN])
    held_out = digests[(splits == VAL) | (splits == TEST)]
    count = int(np.isin(held_out, train).sum())
    unlabelled = int(np.isin(digests[splits == UNLABELLED], train).sum())
    parts = []
    if count:
        parts.append(f"{count:,} of the {len(held_out):,} val and test images")
    if unlabelled:
        parts.append(f"{unlabelled:,} of the unlabelled images")
    return (
        f"Duplicates across splits: {' and '.join(parts)} equal a train image pixel for pixel."
        if parts
        else ""
    )


def _shortened(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
