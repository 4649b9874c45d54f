"""Data sets: where they come from, how they are imported, split, stored and opened."""

from typing import Annotated

from pydantic import Field

from core.data.collection import Progress
from core.data.dataset import DamagedDataset, Dataset, DatasetInfo, Split, sample_indices
from core.data.folder import FolderSource
from core.data.known import KNOWN_SETS, KnownSource, is_here
from core.data.library import DOWNLOADS, Library, check_name
from core.data.limits import LIMITS, Limits
from core.data.options import ImportOptions
from core.data.shapes import ShapesSource
from core.data.table import TableSource
from core.data.zipped import ZipSource

Source = Annotated[
    ShapesSource | FolderSource | ZipSource | TableSource | KnownSource, Field(discriminator="kind")
]

__all__ = [
    "DOWNLOADS",
    "KNOWN_SETS",
    "LIMITS",
    "DamagedDataset",
    "Dataset",
    "DatasetInfo",
    "FolderSource",
    "ImportOptions",
    "KnownSource",
    "Library",
    "Limits",
    "Progress",
    "ShapesSource",
    "Source",
    "Split",
    "TableSource",
    "ZipSource",
    "check_name",
    "is_here",
    "sample_indices",
]
