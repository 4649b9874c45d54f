"""SVHN: house numbers, MATLAB files."""

import numpy as np

from core.data.collection import TEST, TRAIN, Collection
from core.data.known.arrays import array_collection
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet


def collect_svhn(downloads: Downloads) -> Collection:
    """The cropped digits, without the extra set."""
    from scipy.io import loadmat  # only these files need it

    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    parts = {}
    for split, name in ((TRAIN, "train"), (TEST, "test")):
        url, file, md5 = torchvision.datasets.SVHN.split_list[name]
        content = loadmat(downloads.get(RemoteFile(file, (url,), md5), downloads.root))
        # The files call the digit 0 '10'.
        labels = content["y"].astype(np.int64).reshape(-1) % 10
        parts[split] = (content["X"].transpose(3, 0, 1, 2), labels)
    return array_collection(tuple(str(digit) for digit in range(10)), parts, downloads.label)


SVHN = KnownSet("SVHN", collect_svhn, ("train_32x32.mat",), 246)
