"""What is known of a known set before it is imported."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.data.collection import Collection
from core.data.known.download import Downloads


@dataclass(frozen=True)
class KnownSet:
    """A set of torchvision's: its title, how its files become a collection, and where they lie."""

    title: str
    collect: Callable[[Downloads], Collection]
    files: tuple[str, ...]
    """Below the folder of downloads, as torchvision has them: any of these tells that the set is
    here. The last one is what a download puts there, or the folder that it fills."""
    megabytes: int
    """To download."""
    system_folders: tuple[Path, ...] = ()
    """Where a package of the system puts the files."""

    @property
    def most_bytes(self) -> int:
        """What a single file of the set has at most: all of them, and a tenth more."""
        return self.megabytes * 1_100_000 + 1_000_000

    def is_in(self, folder: Path) -> bool:
        """Whether files of this set are in a folder of downloads, or the system's own. A hint: the
        import itself checks every file."""
        places = (*(folder / file for file in self.files), *self.system_folders)
        return any(place.exists() for place in places)

    def folder_by_hand(self, folder: Path) -> Path:
        """Where a person may put the official files below a folder of downloads."""
        place = folder / self.files[-1]
        return place.parent if place.suffix else place
