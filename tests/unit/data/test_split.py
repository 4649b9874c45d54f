"""The stratified, seeded split."""

import numpy as np
import pytest

from core.data.collection import SPLITS, TEST, TRAIN, UNLABELLED, VAL
from core.data.options import ImportOptions
from core.data.split import assign_splits
from core.errors import BadInput

_CLASSES = ("a", "b", "c")


def _split(counts: list[int], given: list[int] | None = None, **options: float) -> np.ndarray:
    labels = np.repeat(np.arange(len(counts)), counts)
    placed = np.array(given, dtype=np.uint8) if given else np.full(len(labels), TRAIN, np.uint8)
    return assign_splits(labels, placed, _CLASSES[: len(counts)], ImportOptions(**options))


def _shares(splits: np.ndarray) -> dict[str, int]:
    return {name: int((splits == i).sum()) for i, name in enumerate(SPLITS)}


def test_val_and_test_are_fifteen_percent_of_every_class_by_default() -> None:
    splits = _split([200, 100, 40])
    for start, stop in ((0, 200), (200, 300), (300, 340)):
        shares = _shares(splits[start:stop])
        assert shares["val"] == shares["test"] == round(0.15 * (stop - start))


def test_rounding_evens_out_over_many_classes() -> None:
    labels = np.repeat(np.arange(100), 10)
    names = tuple(map(str, range(100)))
    splits = assign_splits(labels, np.zeros(1000, np.uint8), names, ImportOptions())
    assert _shares(splits) == {"train": 700, "val": 150, "test": 150, "unlabelled": 0}


def test_the_seed_decides_and_nothing_else() -> None:
    assert np.array_equal(_split([50, 50], seed=3), _split([50, 50], seed=3))
    assert not np.array_equal(_split([50, 50], seed=3), _split([50, 50], seed=4))


@pytest.mark.parametrize("counts", [[1, 50, 3], [3, 3, 3], [3, 1, 1]])
def test_every_class_keeps_a_train_image(counts: list[int]) -> None:
    splits = _split(counts, val_fraction=0.5, test_fraction=0.4)
    labels = np.repeat(np.arange(len(counts)), counts)
    assert set(labels[splits == TRAIN]) == set(range(len(counts)))


def test_given_splits_stay_and_only_the_missing_one_is_carved() -> None:
    given = [TRAIN] * 40 + [TEST] * 20
    labels = np.array([0, 1] * 30)
    splits = assign_splits(labels, np.array(given, np.uint8), ("a", "b"), ImportOptions())
    assert (splits[40:] == TEST).all()
    assert _shares(splits) == {"train": 34, "val": 6, "test": 20, "unlabelled": 0}
    given = [TRAIN] * 40 + [VAL] * 20
    splits = assign_splits(labels, np.array(given, np.uint8), ("a", "b"), ImportOptions(test_fraction=0.0))
    assert splits.tolist() == given


def test_unlabelled_test_images_mean_no_test_split_unless_asked() -> None:
    labels = np.array([0, 1] * 20 + [-1] * 5)
    given = np.array([TRAIN] * 40 + [UNLABELLED] * 5, np.uint8)
    splits = assign_splits(labels, given, ("a", "b"), ImportOptions())
    assert _shares(splits) == {"train": 34, "val": 6, "test": 0, "unlabelled": 5}
    splits = assign_splits(labels, given, ("a", "b"), ImportOptions(test_fraction=0.25))
    assert _shares(splits)["test"] == 10


@pytest.mark.parametrize(("split", "option"), [(VAL, "val_fraction"), (TEST, "test_fraction")])
def test_a_share_beside_a_given_split_is_refused(split: int, option: str) -> None:
    with pytest.raises(BadInput, match="of its own"):
        _split([2, 2], [TRAIN, split, TRAIN, split], **{option: 0.2})


@pytest.mark.parametrize(
    ("counts", "options", "sentence"),
    [
        ([1, 1], {}, "too few images to split .'a' 1, 'b' 1"),
        ([2, 2], {}, "too few images"),
        ([5, 0], {}, "class 'b' has no readable image"),
        ([5], {}, "at least two classes; there is only one, 'a'"),
        ([], {}, "at least two classes; there is none"),
        ([9, 9], {"val_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
    ],
)
def test_what_cannot_be_split_is_said_with_counts(counts: list[int], options: dict, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        _split(counts, **options)
