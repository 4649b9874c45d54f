"""The known data sets of torchvision, downloaded or taken from where they already are."""

from pathlib import Path
from typing import ClassVar, Literal

from core.data.collection import Collection, Workplace
from core.data.known.cifar import CIFAR10, CIFAR100
from core.data.known.download import Downloads
from core.data.known.eurosat import EUROSAT
from core.data.known.flowers102 import FLOWERS102
from core.data.known.gtsrb import GTSRB
from core.data.known.idx import FASHION_MNIST, MNIST
from core.data.known.known_set import KnownSet
from core.data.known.oxford_pets import OXFORD_PETS
from core.data.known.stl10 import STL10
from core.data.known.svhn import SVHN
from core.spec import Spec, setting

KnownName = Literal[
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "mnist",
    "svhn",
    "stl10",
    "eurosat",
    "gtsrb",
    "flowers102",
    "oxford_iiit_pet",
]

KNOWN_SETS: dict[str, KnownSet] = {
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "fashion_mnist": FASHION_MNIST,
    "mnist": MNIST,
    "svhn": SVHN,
    "stl10": STL10,
    "eurosat": EUROSAT,
    "gtsrb": GTSRB,
    "flowers102": FLOWERS102,
    "oxford_iiit_pet": OXFORD_PETS,
}


def is_here(name: str, downloads: Path) -> bool:
    """Whether files of this set are on this machine already, in this folder or the system's own."""
    return KNOWN_SETS[name].is_in(downloads)


class KnownSource(Spec):
    """A known data set with its own test split; files that are there already are used without a
    network. Source: torchvision.datasets, whose addresses, checksums and folders are used."""

    label: ClassVar[str] = "Known data set"
    kind: Literal["known"] = "known"

    dataset: KnownName = setting("cifar10", label="Data set")
    """Which one; files that are not here yet are downloaded."""

    folder: str = setting("", label="Folder of its files", level="expert")
    """What torchvision calls the root. Empty: the folder 'downloads' beside the data sets."""

    def collect(self, place: Workplace) -> Collection:
        """The set's images, downloaded where its files are not there."""
        known = KNOWN_SETS[self.dataset]
        root = Path(self.folder).expanduser() if self.folder else place.downloads
        return known.collect(
            Downloads(root, known.title, place.progress, known.system_folders, known.most_bytes)
        )
