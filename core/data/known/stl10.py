"""STL10: raw pixels, stored column by column."""

from pathlib import Path

import numpy as np

from core.data.collection import TEST, TRAIN, Collection
from core.data.known.arrays import array_collection
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet

_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
_FILES = {TRAIN: ("train_X.bin", "train_y.bin"), TEST: ("test_X.bin", "test_y.bin")}


def collect_stl10(downloads: Downloads) -> Collection:
    """The labelled images; its 100,000 unlabelled ones are left out."""
    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    description = torchvision.datasets.STL10
    md5s = dict([*description.train_list, *description.test_list])
    folder = downloads.root / description.base_folder
    wanted = [file for files in _FILES.values() for file in files]
    if not all(downloads.checked(folder / file, md5s[file]) for file in wanted):
        remote = RemoteFile(description.filename, (description.url,), description.tgz_md5)
        archive = downloads.get(remote, downloads.root)
        downloads.unpack(archive, downloads.root, [f"{description.base_folder}/{file}" for file in wanted])
    parts = {split: (_pixels(folder / x), _labels(folder / y)) for split, (x, y) in _FILES.items()}
    return array_collection(_CLASSES, parts, downloads.label)


def _pixels(path: Path) -> np.ndarray:
    flat = np.memmap(path, dtype=np.uint8, mode="r")
    return flat.reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1)


def _labels(path: Path) -> np.ndarray:
    return np.fromfile(path, dtype=np.uint8).astype(np.int64) - 1


STL10 = KnownSet("STL10", collect_stl10, ("stl10_binary", "stl10_binary.tar.gz"), 2640)
