"""From arrays of pixels and labels to a collection."""

from collections.abc import Mapping

import numpy as np

from core.data.collection import SPLITS, ArrayPictures, Collection
from core.errors import BadInput


def array_collection(
    classes: tuple[str, ...], parts: Mapping[int, tuple[np.ndarray, np.ndarray]], label: str
) -> Collection:
    """The collection of (pixels, labels) per split."""
    for split, (pixels, labels) in parts.items():
        if len(pixels) != len(labels) or labels.min() < 0 or labels.max() >= len(classes):
            raise BadInput(
                f"The {SPLITS[split]} files of {label} do not fit each other; remove them and import again."
            )
    return Collection(
        classes=classes,
        pictures=ArrayPictures([pixels for pixels, _ in parts.values()]),
        names=[
            f"{SPLITS[split]}/{i:06d}" for split, (pixels, _) in parts.items() for i in range(len(pixels))
        ],
        labels=np.concatenate([labels.astype(np.int64) for _, labels in parts.values()]),
        splits=np.concatenate(
            [np.full(len(labels), split, np.uint8) for split, (_, labels) in parts.items()]
        ),
    )
