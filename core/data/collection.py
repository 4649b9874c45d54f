"""What a source hands to the import: names, labels, given splits, and the pictures themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from core.data.decode import FORMATS

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) now and then; it may raise, which cancels what is under way."""

SPLITS = ("train", "val", "test", "unlabelled")
TRAIN, VAL, TEST, UNLABELLED = range(4)
NO_LABEL = -1

BLOCK = 256
"""How many pictures are read, fitted and written together."""


class Pictures(Protocol):
    """Pictures in a fixed order, read in blocks."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Sequence[Path] | np.ndarray:
        """Files that are still to be decoded, or uint8 pixels (n, H, W) or (n, H, W, 3)."""
        ...


@dataclass(frozen=True)
class FilePictures:
    """Pictures in files of their own."""

    paths: Sequence[Path]
    formats: tuple[str, ...] = FORMATS

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, start: int, stop: int) -> Sequence[Path]:
        """The files of this block."""
        return self.paths[start:stop]


@dataclass(frozen=True)
class ArrayPictures:
    """Pictures that are pixels already, in one or more arrays of one shape, one after the other."""

    arrays: Sequence[np.ndarray]

    def __len__(self) -> int:
        return sum(len(array) for array in self.arrays)

    def read(self, start: int, stop: int) -> np.ndarray:
        """The pixels of this block."""
        parts, offset = [], 0
        for array in self.arrays:
            first, last = max(start - offset, 0), min(stop - offset, len(array))
            if first < last:
                parts.append(array[first:last])
            offset += len(array)
        return np.concatenate(parts)


@dataclass(frozen=True)
class Collection:
    """Everything of a source before it is decoded, resized and split."""

    classes: tuple[str, ...]
    pictures: Pictures
    names: Sequence[str]
    labels: np.ndarray
    """int64, -1 = unlabelled."""
    splits: np.ndarray
    """uint8: where the source puts each image. What is missing (val, test) is carved from train."""
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.pictures), len(self.names), len(self.labels), len(self.splits)}
        if len(lengths) != 1:
            raise ValueError(f"pictures, names, labels and splits differ in length: {sorted(lengths)}")


@dataclass(frozen=True)
class Workplace:
    """Where a source may work while it collects."""

    scratch: Path
    """A folder that is removed after the import."""
    downloads: Path
    """Where downloaded files stay."""
    progress: Progress = field(default=lambda stage, done, total: None)
