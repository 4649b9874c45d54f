"""What a bad input is: how it is made, what takes it, and the sentence that a person reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.data import Dataset, ImportOptions, Library, Source
from core.runs import Run, RunStore
from tests.unit import tiny


@dataclass(frozen=True)
class Desk:
    """A folder for a case's own files, a library with one data set, and a store with one trained run."""

    place: Path
    library: Library
    store: RunStore
    run: Run

    @property
    def dataset(self) -> Dataset:
        """24 drawn shapes in 2 classes, of which the run learned."""
        return self.library.open(tiny.DATASET)

    def file(self, name: str, content: bytes) -> Path:
        """A file of the case."""
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def importing(self, source: Source, name: str = "new", **options: object) -> "Act":
        """An import of this source."""
        return lambda: self.library.import_dataset(source, name, ImportOptions.model_validate(options))


Act = Callable[[], object]
"""Hand the input over. Raises PlateauError where it is refused."""


@dataclass(frozen=True)
class Bad:
    """One bad input."""

    name: str
    said: str
    """The whole sentence; {place} stands for the case's folder, {run} for the run's id."""
    make: Callable[[Desk], Act]

    def sentence(self, desk: Desk) -> str:
        """What is to be said at this desk."""
        return self.said.replace("{place}", str(desk.place)).replace("{run}", desk.run.id)
