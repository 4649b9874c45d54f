"""OxfordIIITPet: photographs, with labels and split in text files."""

from pathlib import Path

import numpy as np

from core.data.collection import TEST, TRAIN, Collection, FilePictures
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet
from core.errors import BadInput

_LISTS = {"trainval.txt": TRAIN, "test.txt": TEST}


def collect_oxford_pets(downloads: Downloads) -> Collection:
    """37 breeds of cats and dogs."""
    from core.vision import torchvision  # torch takes seconds to import; most sources need none of it

    folder = downloads.root / "oxford-iiit-pet"
    for url, md5 in torchvision.datasets.OxfordIIITPet._RESOURCES:
        archive = RemoteFile(url.rpartition("/")[2], (url,), md5)
        inside = archive.name.removesuffix(".tar.gz")
        if not (folder / inside).is_dir():
            downloads.unpack(downloads.get(archive, folder), folder, [inside])
    rows = [(*row, split) for file, split in _LISTS.items() for row in _rows(folder / "annotations" / file)]
    breeds = {label: name.rpartition("_")[0].replace("_", " ").title() for name, label, _ in rows}
    return Collection(
        classes=tuple(breeds[label] for label in sorted(breeds)),
        pictures=FilePictures([folder / "images" / f"{name}.jpg" for name, _, _ in rows]),
        names=[f"{name}.jpg" for name, _, _ in rows],
        labels=np.array([label for _, label, _ in rows], dtype=np.int64),
        splits=np.array([split for _, _, split in rows], dtype=np.uint8),
    )


def _rows(path: Path) -> list[tuple[str, int]]:
    """(name, label) of each line: name, class from 1, and two numbers that are of no use here."""
    try:
        if not path.is_file():
            raise FileNotFoundError(path)
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [(Path(line[0]).name, int(line[1]) - 1) for line in lines]
    except (OSError, IndexError, ValueError) as error:
        raise BadInput(
            f"{path.name} in {path.parent} is missing or damaged; remove the folder and import again."
        ) from error


OXFORD_PETS = KnownSet(
    "Oxford-IIIT Pet", collect_oxford_pets, ("oxford-iiit-pet/images", "oxford-iiit-pet/images.tar.gz"), 811
)
