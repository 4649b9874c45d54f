"""The known data sets of torchvision, downloaded or taken from where they already are."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

from core.data.collection import Collection, Workplace
from core.data.known.cifar import collect_cifar10, collect_cifar100
from core.data.known.download import Downloads
from core.data.known.eurosat import collect_eurosat
from core.data.known.flowers102 import collect_flowers102
from core.data.known.gtsrb import collect_gtsrb
from core.data.known.idx import collect_fashion_mnist, collect_mnist
from core.data.known.oxford_pets import collect_oxford_pets
from core.data.known.stl10 import collect_stl10
from core.data.known.svhn import collect_svhn
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

KNOWN_SETS: dict[str, tuple[str, Callable[[Downloads], Collection]]] = {
    "cifar10": ("CIFAR-10", collect_cifar10),
    "cifar100": ("CIFAR-100", collect_cifar100),
    "fashion_mnist": ("FashionMNIST", collect_fashion_mnist),
    "mnist": ("MNIST", collect_mnist),
    "svhn": ("SVHN", collect_svhn),
    "stl10": ("STL10", collect_stl10),
    "eurosat": ("EuroSAT", collect_eurosat),
    "gtsrb": ("GTSRB", collect_gtsrb),
    "flowers102": ("Flowers102", collect_flowers102),
    "oxford_iiit_pet": ("Oxford-IIIT Pet", collect_oxford_pets),
}
"""What a person reads, and how the files become a collection."""


class KnownSource(Spec):
    """A known data set with its own test split; files that are there already are used without a
    network. Source: torchvision.datasets, whose addresses, checksums and folders are used."""

    label: ClassVar[str] = "Known data set"
    kind: Literal["known"] = "known"

    dataset: KnownName = setting("cifar10", label="Data set")
    """Which one; the download is between 12 MB (MNIST) and 2.6 GB (STL10)."""

    folder: str = setting("", label="Folder of its files", level="expert")
    """What torchvision calls the root. Empty: the folder 'downloads' beside the data sets."""

    def collect(self, place: Workplace) -> Collection:
        """The set's images, downloaded where its files are not there."""
        label, collect = KNOWN_SETS[self.dataset]
        root = Path(self.folder).expanduser() if self.folder else place.downloads
        return collect(Downloads(root, label, place.progress))
