"""What a figure was measured on."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch

from core.vision import torchvision


def cpu_name() -> str:
    """The processor's model as Linux names it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe(device: torch.device) -> dict[str, str]:
    """Machine, versions and date, for whoever reads the figures later."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores, {torch.get_num_threads()} threads",
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": str(torchvision.__version__),
    }


def wait_for(device: torch.device) -> None:
    """Until all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
