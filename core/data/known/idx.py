"""MNIST and FashionMNIST: idx files, gzipped or not."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from core.data.collection import TEST, TRAIN, Collection
from core.data.known.arrays import array_collection
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet
from core.errors import BadInput

MOST_BYTES = 100 * 1024**2
"""More than twice the largest official file, unpacked."""

# Debian's package dataset-fashion-mnist puts the files here.
_DEBIAN = (Path("/usr/share/datasets/fashion-mnist"),)


def collect_mnist(downloads: Downloads) -> Collection:
    """Handwritten digits."""
    return _collect("MNIST", downloads)


def collect_fashion_mnist(downloads: Downloads) -> Collection:
    """Articles of clothing."""
    return _collect("FashionMNIST", downloads)


def _collect(name: str, downloads: Downloads) -> Collection:
    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    description = getattr(torchvision.datasets, name)
    resources = dict(description.resources)
    arrays = {}
    for file, md5 in resources.items():
        plain = file.removesuffix(".gz")
        path = _existing(plain, (downloads.root / name / "raw", downloads.root, *downloads.system_folders))
        if path is None:
            remote = RemoteFile(file, tuple(mirror + file for mirror in description.mirrors), md5)
            path = downloads.get(remote, downloads.root / name / "raw")
        arrays[plain] = read_idx(path)
    train = arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]
    test = arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]
    classes = tuple(str(name) for name in description.classes)
    return array_collection(classes, {TRAIN: train, TEST: test}, downloads.label)


def _existing(plain: str, folders: tuple[Path, ...]) -> Path | None:
    """The idx file in the first of these folders that has it.

    A repacked gzip file has another checksum than torchvision's: its own CRC guards it.
    """
    for folder in folders:
        for path in (folder / plain, folder / f"{plain}.gz"):
            if path.is_file():
                return path
    return None


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array of an idx file. Source: http://yann.lecun.com/exdb/mnist/ (file format)."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(
            f"{path.name} in {path.parent} is damaged or cut short; remove it and import again."
        ) from error
    if len(content) > MOST_BYTES:
        raise BadInput(
            f"{path.name} in {path.parent} is larger than the official file; remove it and import again."
        )
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:3] != b"\0\0\x08" or not 1 <= dimensions <= 3 or len(content) < start:
        raise BadInput(f"{path.name} in {path.parent} is no idx file; remove it and import again.")
    shape = tuple(int(n) for n in np.frombuffer(content, dtype=">u4", count=dimensions, offset=4))
    if len(content) - start != int(np.prod(shape, dtype=np.int64)):
        raise BadInput(f"{path.name} in {path.parent} is damaged or cut short; remove it and import again.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


MNIST = KnownSet("MNIST", collect_mnist, ("MNIST/raw",), 12)
FASHION_MNIST = KnownSet(
    "FashionMNIST", collect_fashion_mnist, ("FashionMNIST/raw",), 31, system_folders=_DEBIAN
)
