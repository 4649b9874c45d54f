"""What the Data page says about the known sets before one is imported."""

from pathlib import Path

from core.data import KNOWN_SETS, is_here


def known_words(dataset: str, downloads: Path) -> str:
    """'CIFAR-10 · download of 170 MB', 'MNIST · on this machine'."""
    known = KNOWN_SETS[dataset]
    if is_here(dataset, downloads):
        return f"{known.title} · on this machine"
    return f"{known.title} · download of {known.megabytes:,} MB"


def by_hand_words(dataset: str, downloads: Path) -> str:
    """Where a person may put the files."""
    folder = KNOWN_SETS[dataset].folder_by_hand(downloads)
    return f"Without a network, put the official files into {folder}; they are used from there."
