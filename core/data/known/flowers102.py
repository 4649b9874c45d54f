"""Flowers102: photographs, with labels and split in MATLAB files."""

import numpy as np

from core.data.collection import TEST, TRAIN, VAL, Collection, FilePictures
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet

_SPLITS = {"trnid": TRAIN, "valid": VAL, "tstid": TEST}


def collect_flowers102(downloads: Downloads) -> Collection:
    """102 kinds of flowers, with a val split of its own."""
    from scipy.io import loadmat  # only these files need it

    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    description = torchvision.datasets.Flowers102
    folder = downloads.root / "flowers-102"
    remote = {
        key: RemoteFile(file, (description._download_url_prefix + file,), md5)
        for key, (file, md5) in description._file_dict.items()
    }
    if not (folder / "jpg").is_dir():
        downloads.unpack(downloads.get(remote["image"], folder), folder, ["jpg"])
    labels = loadmat(downloads.get(remote["label"], folder), squeeze_me=True)["labels"].astype(np.int64) - 1
    ids = loadmat(downloads.get(remote["setid"], folder), squeeze_me=True)
    numbers = np.concatenate([np.atleast_1d(ids[key]).astype(np.int64) for key in _SPLITS])
    splits = np.concatenate([np.full(np.size(ids[key]), split, np.uint8) for key, split in _SPLITS.items()])
    names = [f"image_{number:05d}.jpg" for number in numbers]
    return Collection(
        classes=tuple(description.classes),
        pictures=FilePictures([folder / "jpg" / name for name in names]),
        names=names,
        labels=labels[numbers - 1],
        splits=splits,
    )


FLOWERS102 = KnownSet(
    "Flowers102", collect_flowers102, ("flowers-102/jpg", "flowers-102/102flowers.tgz"), 345
)
