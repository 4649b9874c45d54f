"""A data set as it is stored: one folder, opened without reading the pixels.

cats/
  dataset.json    what it is (written last: a folder without it is no data set)
  images.u8       the pixels, uint8 (N, H, W, C), nothing else
  labels.npy      int64 (N,), -1 = unlabelled
  split.npy       uint8 (N,): 0 train, 1 val, 2 test, 3 unlabelled
  names.utf8      all names, one after the other
  names.npy       where each name ends, int64 (N,)
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from core.data.collection import SPLITS, UNLABELLED
from core.data.decode import Resize
from core.errors import Damaged
from core.files import open_regular, read_json, to_json
from core.spec import Spec

INFO_FILE = "dataset.json"
IMAGES_FILE = "images.u8"
_LABELS_FILE = "labels.npy"
_SPLIT_FILE = "split.npy"
_NAMES_FILE = "names.utf8"
_NAME_ENDS_FILE = "names.npy"
FILES = (INFO_FILE, IMAGES_FILE, _LABELS_FILE, _SPLIT_FILE, _NAMES_FILE, _NAME_ENDS_FILE)

Split = Literal["train", "val", "test", "unlabelled"]


class DatasetInfo(Spec):
    """What a data set is, without its pixels. Source: dataset.json."""

    version: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    image_size: int
    channels: int
    counts: dict[str, int]
    """Images per split: train, val, test, unlabelled."""
    class_counts: dict[str, tuple[int, ...]]
    """Images per class, for each of train, val, test."""
    mean: tuple[float, ...]
    """Of the train split, per channel, in 0..1."""
    std: tuple[float, ...]
    """Of the train split, per channel, in 0..1."""
    resize: Resize
    source: dict[str, Any]
    options: dict[str, Any]
    fingerprint: str
    """SHA-256 of pixels, labels and class names."""
    split_fingerprint: str
    """SHA-256 of the fingerprint and of the split of every image."""
    warnings: tuple[str, ...]
    created_at: str
    """ISO 8601, UTC."""
    skipped: tuple[str, ...]
    """What was left out, with the reason."""
    skipped_count: int = 0
    """How many images could not be read; `skipped` lists the first of them."""

    @property
    def images(self) -> int:
        """All images together."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class DamagedDataset:
    """A data set that can no longer be read, and the sentence that says why."""

    name: str
    message: str


class Dataset:
    """An opened data set. The pixels stay on the disk until they are used."""

    def __init__(self, folder: Path, info: DatasetInfo) -> None:
        self.folder = folder
        self.info = info
        count, side = info.images, info.image_size
        shape = (count, side, side, info.channels)
        try:
            with open_regular(folder / IMAGES_FILE) as file:
                if os.fstat(file.fileno()).st_size != int(np.prod(shape)):
                    raise Damaged(
                        f"{IMAGES_FILE} of the data set {info.name} has the wrong size; import it again."
                    )
                self.images: np.ndarray = np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
        except (ValueError, OverflowError) as error:
            raise Damaged(
                f"{INFO_FILE} of the data set {info.name} does not hold what it should; import it again."
            ) from error
        except OSError as error:
            raise _unreadable(folder, IMAGES_FILE, error) from error
        self.labels = _load(folder, _LABELS_FILE, np.int64, count)
        self._splits = _load(folder, _SPLIT_FILE, np.uint8, count)
        counts = np.bincount(self._splits, minlength=len(SPLITS)).tolist()
        labelled = self.labels[self._splits != UNLABELLED]
        if (
            counts != [info.counts.get(split) for split in SPLITS]
            or self.labels.max() >= len(info.classes)
            or (len(labelled) and labelled.min() < 0)
        ):
            raise Damaged(f"Labels and split of the data set {info.name} do not fit; import it again.")

    def indices(self, split: Split) -> np.ndarray:
        """Which images are in a split, int64, ascending."""
        return np.flatnonzero(self._splits == SPLITS.index(split)).astype(np.int64)

    def image_name(self, index: int) -> str:
        """The image's name in its source: a file's path, or the Id of a table."""
        text, ends = self._names
        start = int(ends[index - 1]) if index else 0
        return text[start : int(ends[index])].decode(errors="replace")

    @cached_property
    def _names(self) -> tuple[bytes, np.ndarray]:
        ends = _load(self.folder, _NAME_ENDS_FILE, np.int64, self.info.images)
        try:
            with open_regular(self.folder / _NAMES_FILE) as file:
                if os.fstat(file.fileno()).st_size != ends[-1]:
                    raise Damaged(
                        f"{_NAMES_FILE} of the data set {self.info.name} has the wrong size; import it again."
                    )
                text = file.read()
        except OSError as error:
            raise _unreadable(self.folder, _NAMES_FILE, error) from error
        return text, ends


def read_info(folder: Path) -> DatasetInfo:
    """The description of the data set in `folder`. Raises Damaged where it cannot be read."""
    try:
        content = read_json(folder / INFO_FILE, "import it again")
    except OSError as error:
        raise Damaged(f"The data set {folder.name} has no {INFO_FILE}; import it again.") from error
    version = content.get("version")
    if isinstance(version, int) and version > 1:
        raise Damaged(f"The data set {folder.name} was made by a newer version of Plateau; import it again.")
    try:
        return DatasetInfo.model_validate_json(to_json(content))
    except ValidationError as error:
        raise Damaged(
            f"{INFO_FILE} of the data set {folder.name} does not hold what it should; import it again."
        ) from error


def write_arrays(folder: Path, labels: np.ndarray, splits: np.ndarray, names: Sequence[str]) -> None:
    """Everything beside the pixels and the description."""
    np.save(folder / _LABELS_FILE, labels.astype(np.int64), allow_pickle=False)
    np.save(folder / _SPLIT_FILE, splits.astype(np.uint8), allow_pickle=False)
    # Names of files may hold bytes that are no text at all: those become question marks.
    encoded = [name.encode("utf-8", "replace") for name in names]
    ends = np.cumsum([len(name) for name in encoded], dtype=np.int64)
    np.save(folder / _NAME_ENDS_FILE, ends, allow_pickle=False)
    (folder / _NAMES_FILE).write_bytes(b"".join(encoded))


def fingerprints(
    pixels_sha256: str, labels: np.ndarray, splits: np.ndarray, classes: Sequence[str]
) -> tuple[str, str]:
    """(of the data, of the data and its split), SHA-256 in hex."""
    data = hashlib.sha256(pixels_sha256.encode())
    data.update(labels.astype("<i8").tobytes())
    data.update("\0".join(classes).encode("utf-8", "replace"))
    split = hashlib.sha256(data.hexdigest().encode())
    split.update(splits.astype(np.uint8).tobytes())
    return data.hexdigest(), split.hexdigest()


def sample_indices(dataset: Dataset, split: Split, per_class: int, seed: int) -> tuple[np.ndarray, ...]:
    """Up to `per_class` random images of every class, one array per class, each ascending.

    Unlabelled images have no class: there it is one array of up to `per_class` images.
    """
    chosen = dataset.indices(split)
    rng = np.random.default_rng(seed)
    if split == "unlabelled":
        return (_drawn(chosen, per_class, rng),)
    labels = dataset.labels[chosen]
    return tuple(
        _drawn(chosen[labels == label], per_class, rng) for label in range(len(dataset.info.classes))
    )


def _drawn(indices: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(indices)[:count])


def _load(folder: Path, file: str, dtype: type[np.generic], count: int) -> np.ndarray:
    """An array of `count` numbers, as numpy stored it."""
    try:
        with open_regular(folder / file) as stored:
            version = np.lib.format.read_magic(stored)
            shape, _, kind = np.lib.format.read_array_header_1_0(stored)
            # A header may claim any size: only as much memory is taken as the file has bytes.
            rest = os.fstat(stored.fileno()).st_size - stored.tell()
            fits = (version, shape, kind) == ((1, 0), (count,), dtype) and rest >= count * kind.itemsize
            array = np.fromfile(stored, kind, count) if fits else None
    except OSError as error:
        raise _unreadable(folder, file, error) from error
    except Exception as error:  # numpy reads the header with Python's own parser, which raises anything
        raise Damaged(f"{file} of the data set {folder.name} cannot be read; import it again.") from error
    if array is None:
        raise Damaged(f"{file} of the data set {folder.name} does not fit its images; import it again.")
    return array


def _unreadable(folder: Path, file: str, error: OSError) -> Damaged:
    """A link or a pipe in a file's place is no file of a data set either."""
    why = "is missing" if isinstance(error, FileNotFoundError) else "is no file that can be read"
    return Damaged(f"{file} of the data set {folder.name} {why}; import it again.")
