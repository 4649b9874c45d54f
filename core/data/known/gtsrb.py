"""GTSRB: German traffic signs, files of the old format PPM."""

import csv
from pathlib import Path

import numpy as np

from core.data.collection import TEST, TRAIN, Collection, FilePictures
from core.data.decode import FORMATS
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet
from core.errors import BadInput, shown

# torchvision keeps addresses and checksums inside its download function; a test compares them.
_BASE = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
_TRAIN = RemoteFile(
    "GTSRB-Training_fixed.zip", (f"{_BASE}GTSRB-Training_fixed.zip",), "513f3c79a4c5141765e10e952eaa2478"
)
_TEST = RemoteFile(
    "GTSRB_Final_Test_Images.zip",
    (f"{_BASE}GTSRB_Final_Test_Images.zip",),
    "c7e4e6327067d32654124b0fe9e82185",
)
_TEST_LABELS = RemoteFile(
    "GTSRB_Final_Test_GT.zip", (f"{_BASE}GTSRB_Final_Test_GT.zip",), "fe31e9c9270bbcd7b84b7f21a9d9d9e5"
)
_TABLE = "GT-final_test.csv"


def collect_gtsrb(downloads: Downloads) -> Collection:
    """The signs; classes have the numbers that the benchmark gives them."""
    folder = downloads.root / "gtsrb"
    train, test = folder / "GTSRB" / "Training", folder / "GTSRB" / "Final_Test" / "Images"
    if not train.is_dir():
        downloads.unpack(downloads.get(_TRAIN, folder), folder, ["GTSRB/Training"])
    if not test.is_dir():
        downloads.unpack(downloads.get(_TEST, folder), folder, ["GTSRB/Final_Test/Images"])
    if not (folder / _TABLE).is_file():
        downloads.unpack(downloads.get(_TEST_LABELS, folder), folder, [_TABLE])
    numbers = sorted(path.name for path in train.iterdir() if path.is_dir())
    for name in numbers:
        if not (name.isascii() and name.isdigit()):
            raise BadInput(
                f"The folder '{shown(name)}' in {train} is no class of GTSRB; remove it and import again."
            )
    rows = [
        (path, label, TRAIN)
        for label, name in enumerate(numbers)
        for path in sorted((train / name).glob("*.ppm"))
    ]
    rows += [(test / file, label, TEST) for file, label in _test_rows(folder / _TABLE, len(numbers))]
    return Collection(
        classes=tuple(f"sign {int(name)}" for name in numbers),
        pictures=FilePictures([path for path, _, _ in rows], (*FORMATS, "PPM")),
        names=[path.relative_to(folder / "GTSRB").as_posix() for path, _, _ in rows],
        labels=np.array([label for _, label, _ in rows], dtype=np.int64),
        splits=np.array([split for _, _, split in rows], dtype=np.uint8),
    )


def _test_rows(table: Path, classes: int) -> list[tuple[str, int]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter=";", skipinitialspace=True)
            rows = [(Path(row["Filename"]).name, int(row["ClassId"])) for row in reader]
        if any(not 0 <= label < classes for _, label in rows):
            raise ValueError("a class that is not there")
        return rows
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise BadInput(f"{table.name} in {table.parent} is damaged; remove it and import again.") from error


GTSRB = KnownSet("GTSRB", collect_gtsrb, ("gtsrb/GTSRB", "gtsrb/GTSRB-Training_fixed.zip"), 277)
