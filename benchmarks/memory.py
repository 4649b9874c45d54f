"""What a training holds in memory on the CPU: `python -m benchmarks.memory [--images 100000] [--seconds 90]`.

EfficientNetV2-S with ShakeDrop, 40 px, batch 32, by `python -m core train` in a process of its own. The
peak (Linux's VmHWM) of so many images is taken over the first steps, since an epoch of them takes an hour
on two cores; a second training on 1,000 images is let through a whole epoch, evaluations and
checkpoint included, so that what these add is seen too.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import torch

from benchmarks.cases import DIARY_EFFNET
from benchmarks.machine import describe
from core.data import ImportOptions, Library, ShapesSource

GOAL_GB = 4.0
SMALL = 1000


def peak_gb(process: int) -> float:
    """The most resident memory that the process has had, 1 GB = 1e9 bytes."""
    text = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def train_peak_gb(folder: Path, data: str, seconds: float | None) -> tuple[float, int]:
    """Train one epoch, or for so long, in a process of its own: its peak, and its exit status."""
    recipe = {
        "data": {"name": data},
        "architecture": DIARY_EFFNET,
        "augmentations": [{"kind": "horizontal_flip"}],
        "batch_size": 32,
        "epochs": 1,
    }
    (folder / "recipe.json").write_text(json.dumps(recipe))
    environment = os.environ | {"PLATEAU_RUNS": str(folder / "runs"), "PLATEAU_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "core", "train", str(folder / "recipe.json")]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    began, peak = time.monotonic(), 0.0
    while child.poll() is None:
        with suppress(OSError, StopIteration):
            peak = max(peak, peak_gb(child.pid))
        if seconds is not None and time.monotonic() - began > seconds:
            child.send_signal(signal.SIGINT)
            seconds = None
        time.sleep(0.2)
    return peak, child.returncode


def main() -> None:
    """Print both peaks."""
    parser = argparse.ArgumentParser(description="memory of a training on the CPU")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=90.0)
    chosen = parser.parse_args()
    print(describe(torch.device("cpu")))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = Library(folder / "data")
        for data, images in (("small", SMALL), ("large", chosen.images)):
            source = ShapesSource(classes=200, images=images, image_size=40)
            library.import_dataset(source, data, ImportOptions(image_size=40))
        for data, images, seconds in (("small", SMALL, None), ("large", chosen.images, chosen.seconds)):
            peak, status = train_peak_gb(folder, data, seconds)
            how = "a whole epoch" if seconds is None else f"the first {seconds:.0f} s"
            print(f"{images:7,} images, {how}: peak {peak:.2f} GB (goal under {GOAL_GB:.0f}), exit {status}")


if __name__ == "__main__":
    main()
