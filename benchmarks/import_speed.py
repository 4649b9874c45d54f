"""How fast a folder of small JPEG files becomes a data set, and how fast that opens again.

    python -m benchmarks.import_speed [--images 100000] [--size 40]

The files are made first, in a temporary folder that is removed at the end.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from core.data import FolderSource, ImportOptions, Library

_CLASSES = 10


def make_files(folder: Path, images: int, size: int) -> None:
    """JPEG files of smooth random colours in class folders."""
    rng = np.random.default_rng(0)
    for label in range(_CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
    for i in range(images):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        picture = coarse.resize((size, size), Image.Resampling.BICUBIC)
        picture.save(folder / f"class-{i % _CLASSES}" / f"{i:06d}.jpg", quality=90)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plateau-import-") as temporary:
        files, library = Path(temporary, "files"), Library(Path(temporary, "data"))
        print(f"making {arguments.images} JPEG files of {arguments.size} px ...", flush=True)
        make_files(files, arguments.images, arguments.size)
        wall, cpu = time.perf_counter(), time.process_time()
        info = library.import_dataset(FolderSource(path=str(files)), "speed", ImportOptions())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        opened = time.perf_counter()
        dataset = Library(library.folder).open("speed")
        dataset.indices("train")
        opened = time.perf_counter() - opened
        print(f"import: {wall:.1f} s ({cpu:.1f} s of CPU), {info.images / wall:.0f} images/s")
        print(f"peak memory: {peak:.0f} MB; open: {opened * 1000:.0f} ms")


if __name__ == "__main__":
    main()
