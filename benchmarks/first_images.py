"""The first images of a data set as a folder of class folders: a smaller data set that anybody can make.

    python -m benchmarks.first_images NAME FOLDER --train N [--test N]

NAME is a data set of the library (PLATEAU_DATA names another one). FOLDER gets the first N of its images
for training, those that the import took for val among them, in the order of the source; and, where --test
says how many, the first test images without their labels. `python -m core data import FOLDER` imports it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from core.data import Dataset, Library
from core.errors import BadInput, PlateauError
from core.workspace import find_workspace


def write_first(dataset: Dataset, folder: Path, train: int, test: int = 0) -> None:
    """PNG files `train/CLASS/000000.png`, numbered over all classes, and `test/000000.png`.

    Raises BadInput where the data set has fewer, a class's name is no name of a folder, or the folder
    has something in it already.
    """
    there = np.union1d(dataset.indices("train"), dataset.indices("val"))
    tests = dataset.indices("test")
    for name, wanted, found in (("--train", train, len(there)), ("--test", test, len(tests))):
        if not 0 <= wanted <= found:
            raise BadInput.at(name, wanted, f"must be from 0 to the data set's {found:,}", "give fewer")
    classes = dataset.info.classes
    odd = [name for name in classes if Path(name).name != name]
    if odd:
        raise BadInput(f"The class {odd[0]!r} cannot name a folder; choose another data set.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} has something in it already; name a folder that is not there yet.")
    for number, index in enumerate(there[:train]):
        _write(dataset, index, folder / "train" / classes[dataset.labels[index]] / f"{number:06d}.png")
    for number, index in enumerate(tests[:test]):
        _write(dataset, index, folder / "test" / f"{number:06d}.png")


def _write(dataset: Dataset, index: int, path: Path) -> None:
    pixels = np.asarray(dataset.images[index])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the folder; a problem is one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.first_images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="a data set of the library")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a folder that is not there yet")
    parser.add_argument("--train", type=int, required=True, metavar="N", help="training images")
    parser.add_argument("--test", type=int, default=0, metavar="N", help="test images, unlabelled")
    call = parser.parse_args(arguments)
    try:
        write_first(Library(find_workspace().data).open(call.name), call.folder, call.train, call.test)
    except OSError as error:
        sys.stderr.write(f"{call.folder} cannot be written ({error.strerror}); name another folder.\n")
        return 1
    except PlateauError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
