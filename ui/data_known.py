"""What the Data page says about the known sets before one is imported."""

from pathlib import Path

from core.data import KNOWN_SETS

_SYSTEM = {"fashion_mnist": (Path("/usr/share/datasets/fashion-mnist"),)}

_FILES: dict[str, tuple[str, int]] = {
    "cifar10": ("cifar-10-batches-py cifar-10-python.tar.gz", 170),
    "cifar100": ("cifar-100-python cifar-100-python.tar.gz", 169),
    "fashion_mnist": ("FashionMNIST/raw", 31),
    "mnist": ("MNIST/raw", 12),
    "svhn": ("train_32x32.mat", 246),
    "stl10": ("stl10_binary stl10_binary.tar.gz", 2640),
    "eurosat": ("eurosat/2750 eurosat/EuroSAT.zip", 94),
    "gtsrb": ("gtsrb/GTSRB gtsrb/GTSRB-Training_fixed.zip", 277),
    "flowers102": ("flowers-102/jpg flowers-102/102flowers.tgz", 345),
    "oxford_iiit_pet": ("oxford-iiit-pet/images oxford-iiit-pet/images.tar.gz", 811),
}
"""Where torchvision puts a set's files, any of which tells that it is here; megabytes to download.

A hint only: the import itself checks every file."""


def is_here(dataset: str, downloads: Path) -> bool:
    """Whether files of this set are on this machine already."""
    places = [downloads / path for path in _FILES[dataset][0].split()] if dataset in _FILES else []
    return any(place.exists() for place in (*places, *_SYSTEM.get(dataset, ())))


def known_words(dataset: str, downloads: Path) -> str:
    """'CIFAR-10 · download of 170 MB', 'MNIST · on this machine'."""
    label = KNOWN_SETS[dataset][0]
    if is_here(dataset, downloads):
        return f"{label} · on this machine"
    return f"{label} · download of {_FILES[dataset][1]:,} MB" if dataset in _FILES else label


def by_hand_words(dataset: str, downloads: Path) -> str:
    """Where a person may put the files."""
    place = _FILES[dataset][0].split()[-1] if dataset in _FILES else ""
    folder = (downloads / place).parent if "." in Path(place).name else downloads / place
    return f"Without a network, put the official files into {folder}; they are used from there."
