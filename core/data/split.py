"""The stratified, seeded split into train, val and test."""

import numpy as np

from core.data.collection import TEST, TRAIN, UNLABELLED, VAL
from core.data.options import ImportOptions
from core.errors import BadInput, shown

DEFAULT_FRACTION = 0.15


def assign_splits(
    labels: np.ndarray, given: np.ndarray, classes: tuple[str, ...], options: ImportOptions
) -> np.ndarray:
    """The split of every image, uint8 (N,).

    Splits that the source gives stay as they are; val and test, where they are missing, are carved
    out of train, class by class. Every class keeps at least one train image.
    """
    val_share, test_share = _shares(given, options)
    counts = np.bincount(labels[given == TRAIN], minlength=len(classes))
    _check_counts(counts, classes)
    quotas = _quotas(counts, val_share, test_share)
    if (val_share and not quotas[:, 0].sum()) or (test_share and not quotas[:, 1].sum()):
        raise BadInput(
            f"There are too few images to split ({_listed(counts, classes)}): every class needs one train "
            "image, and val and test need at least one image each; add images or lower the shares."
        )
    splits = given.astype(np.uint8)
    for label, (val_quota, test_quota) in enumerate(quotas):
        pool = np.flatnonzero((labels == label) & (given == TRAIN))
        shuffled = np.random.default_rng([options.seed, label]).permutation(pool)
        splits[shuffled[:val_quota]] = VAL
        splits[shuffled[val_quota : val_quota + test_quota]] = TEST
    return splits


def _shares(given: np.ndarray, options: ImportOptions) -> tuple[float, float]:
    """What is to be carved from train for val and for test."""
    has_val, has_test = bool((given == VAL).any()), bool((given == TEST).any())
    if has_val and options.val_fraction is not None:
        raise BadInput("The source has val images of its own: leave the validation share empty.")
    if has_test and options.test_fraction:
        raise BadInput("The source has test images of its own: leave the test share empty.")
    val = 0.0 if has_val else DEFAULT_FRACTION
    test = 0.0 if has_test or (given == UNLABELLED).any() else DEFAULT_FRACTION
    val = val if options.val_fraction is None else options.val_fraction
    test = test if options.test_fraction is None else options.test_fraction
    if val + test >= 1:
        raise BadInput(
            f"The validation share {val:g} and the test share {test:g} leave nothing to train on; "
            "lower one, for together they must stay below 1."
        )
    return val, test


def _check_counts(counts: np.ndarray, classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        found = f"only one, '{shown(classes[0])}'" if classes else "none"
        raise BadInput(f"A data set needs at least two classes; there is {found}, so add another.")
    empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if empty:
        more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise BadInput(
            f"The class '{shown(empty[0])}'{more} has no readable image to train on; add some or remove it."
        )


def _quotas(counts: np.ndarray, val_share: float, test_share: float) -> np.ndarray:
    """How many images of each class go to val and to test, int64 (K, 2).

    What one class loses by rounding, the next one gets: the shares hold over the whole set too.
    """
    quotas = np.zeros((len(counts), 2), dtype=np.int64)
    carried = np.zeros(2)
    shares = np.array([val_share, test_share])
    for label, count in enumerate(counts):
        exact = count * shares + carried
        least = np.array([count >= 2, count >= 3]) & (shares > 0)
        quota = np.maximum(np.floor(exact + 0.5).astype(np.int64), least)
        quota[0] = min(quota[0], count - 1 - least[1])
        quota[1] = min(quota[1], count - 1 - quota[0])
        quotas[label] = quota
        carried = np.clip(exact - quota, -1.0, 1.0)
    return quotas


def _listed(counts: np.ndarray, classes: tuple[str, ...], most: int = 8) -> str:
    listed = [f"'{shown(name)}' {count}" for name, count in zip(classes[:most], counts, strict=False)]
    if len(classes) > most:
        listed.append(f"{len(classes) - most} more classes")
    return ", ".join(listed)
