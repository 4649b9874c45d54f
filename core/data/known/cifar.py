"""CIFAR-10 and CIFAR-100: Python's own pickles, read by an unpickler that knows arrays only.

torchvision's files exist as pickles alone. They are read only once their checksum is the official
one, and even then nothing but numpy's arrays can come out of them.
"""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.data.collection import TEST, TRAIN, Collection
from core.data.known.arrays import array_collection
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet
from core.errors import BadInput


def collect_cifar10(downloads: Downloads) -> Collection:
    """Ten classes of things and animals."""
    return _collect("CIFAR10", downloads)


def collect_cifar100(downloads: Downloads) -> Collection:
    """A hundred classes."""
    return _collect("CIFAR100", downloads)


def _collect(name: str, downloads: Downloads) -> Collection:
    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    description = getattr(torchvision.datasets, name)
    listed = [
        *description.train_list,
        *description.test_list,
        [description.meta["filename"], description.meta["md5"]],
    ]
    contents = _contents(description, dict(listed), downloads)
    batches = {file: read_batch(content, file) for file, content in contents.items()}
    parts = {}
    for split, files in ((TRAIN, description.train_list), (TEST, description.test_list)):
        chosen = [batches[file] for file, _ in files]
        pixels = np.concatenate([np.asarray(batch["data"], dtype=np.uint8) for batch in chosen])
        labels = [batch.get("labels") or batch["fine_labels"] for batch in chosen]
        parts[split] = (pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.concatenate(labels))
    classes = tuple(batches[description.meta["filename"]][description.meta["key"]])
    return array_collection(classes, parts, downloads.label)


def _contents(description: Any, files: dict[str, str], downloads: Downloads) -> dict[str, bytes]:
    """The batches, from the extracted folder or out of the archive."""
    folder = downloads.root / description.base_folder
    if all(downloads.checked(folder / file, md5) for file, md5 in files.items()):
        return {file: (folder / file).read_bytes() for file in files}
    remote = RemoteFile(description.filename, (description.url,), description.tgz_md5)
    return _from_tar(downloads.get(remote, downloads.root), description.base_folder, files)


def _from_tar(archive: Path, folder: str, files: dict[str, str]) -> dict[str, bytes]:
    contents = {}
    with tarfile.open(archive) as tar:
        for entry in tar:
            parent, _, file = entry.name.rpartition("/")
            opened = tar.extractfile(entry) if parent == folder and file in files else None
            if opened:
                contents[file] = opened.read()
    if set(contents) != set(files):
        raise BadInput(
            f"{archive.name} does not hold what the official file holds; remove it and import again."
        )
    return contents


class _PickledType:
    """Stands for numpy's dtype: bytes without a sign, and no other."""

    def __init__(self, code: str, *_: object) -> None:
        if code != "u1":
            raise pickle.UnpicklingError(f"arrays of {code} are not allowed")

    def __setstate__(self, state: object) -> None:
        """Bytes have nothing more to say of themselves."""


class _PickledArray:
    """Stands for numpy's ndarray, whose own reading of a state trusts it and can crash the process."""

    array: np.ndarray

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[int, tuple[int, ...], _PickledType, bool, bytes]) -> None:
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _PickledType):
            raise pickle.UnpicklingError("an array without a type is not allowed")
        self.array = np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


class _ArraysOnly(pickle._Unpickler):
    """Makes arrays of bytes, numbers, texts, lists and dicts; refuses every other name.

    Python's own unpickler, not the one in C, which reserves as much memory as a changed byte says; and
    without bytearrays, for which this one does so too. They came with protocol 5, and CIFAR's is 2.
    """

    dispatch: ClassVar[dict[int, Any]] = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module: str, name: str) -> Any:
        """What a pickled array needs, and nothing else."""
        if (module, name) == ("numpy", "dtype"):
            return _PickledType
        if (module, name) in (
            ("numpy", "ndarray"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        ):
            return _PickledArray
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def _encode(text: str, encoding: str) -> bytes:
    """How newer versions of numpy store an array's bytes in an old pickle protocol."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding} is not allowed")
    return text.encode("latin1")


def read_batch(content: bytes, name: str) -> dict[str, Any]:
    """The dict of one batch file."""
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
        return {key: getattr(value, "array", value) for key, value in batch.items()}
    except Exception as error:
        raise BadInput(f"{name} is no batch of CIFAR; remove it and import again.") from error


CIFAR10 = KnownSet("CIFAR-10", collect_cifar10, ("cifar-10-batches-py", "cifar-10-python.tar.gz"), 170)
CIFAR100 = KnownSet("CIFAR-100", collect_cifar100, ("cifar-100-python", "cifar-100-python.tar.gz"), 169)
