"""Statistics and warnings."""

import numpy as np

from core.data.statistics import channel_statistics, class_counts, find_warnings, split_counts


def test_mean_and_deviation_are_exact() -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 5, 5, 3)).astype(np.int64)
    mean, std = channel_statistics(images.sum(axis=(1, 2)), (images**2).sum(axis=(1, 2)), 25)
    assert np.allclose(mean, (images / 255).mean(axis=(0, 1, 2)), atol=1e-12)
    assert np.allclose(std, (images / 255).std(axis=(0, 1, 2)), atol=1e-12)


def test_counts_per_split_and_class() -> None:
    labels, splits = np.array([0, 0, 1, 1, -1]), np.array([0, 1, 0, 2, 3], np.uint8)
    assert split_counts(splits) == {"train": 2, "val": 1, "test": 1, "unlabelled": 1}
    assert class_counts(labels, splits, 2) == {"train": (1, 1), "val": (1, 0), "test": (0, 1)}


def _warnings(train: tuple[int, ...], val: tuple[int, ...] = (9, 9), **arrays: list[int]) -> str:
    splits = np.array(arrays.get("splits", [0]), np.uint8)
    digests = np.array(arrays.get("digests", [1]), np.uint64)
    return " ".join(find_warnings(("cat", "dog"), {"train": train, "val": val}, splits, digests))


def test_a_balanced_set_has_no_warnings() -> None:
    assert _warnings((100, 10)) == ""


def test_imbalance_tiny_and_unseen_classes_are_named() -> None:
    assert "'cat' has 1,100 train images, 'dog' has 100" in _warnings((1100, 100))
    assert "fewer than 5 train images: 'dog' (4)" in _warnings((20, 4))
    assert "Classes without a val image: 'dog'" in _warnings((20, 20), (3, 0))


def test_duplicates_across_splits_are_counted() -> None:
    found = _warnings((9, 9), splits=[0, 0, 1, 2, 2, 3], digests=[5, 6, 5, 6, 7, 5])
    assert "2 of the 3 val and test images and 1 of the unlabelled images equal a train image" in found
    assert _warnings((9, 9), splits=[0, 0, 1], digests=[5, 5, 7]) == ""
