"""Where and in which precision a run computes."""

import os
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import nn

from core.errors import Unavailable

_CAPTURING = threading.RLock()


@dataclass(frozen=True)
class Compute:
    """A device, the type that matrix work is done in, and why."""

    device: torch.device
    dtype: torch.dtype
    """torch.float32, or the type that autocast uses for matrix work."""
    reason: str
    name: str
    """The device in words: 'NVIDIA H200', 'CPU, 2 threads'."""

    @property
    def autocast(self) -> bool:
        return self.dtype != torch.float32

    def in_fp32(self, reason: str) -> "Compute":
        """The same device without half precision."""
        return replace(self, dtype=torch.float32, reason=f"fp32: {reason}")


def available_devices() -> list[str]:
    """The devices of this machine, best first: 'cuda:0', ..., 'mps', 'cpu'."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def resolve_device(name: str) -> str:
    """'auto' as the device that it stands for, 'cuda' as 'cuda:0'.

    Raises Unavailable for a device that this machine does not have.
    """
    devices = available_devices()
    if name == "auto":
        return devices[0]
    resolved = "cuda:0" if name == "cuda" else name
    if resolved not in devices:
        raise Unavailable.at(
            "device", name, "this machine has no such device", f"choose 'auto' or {' or '.join(devices)}"
        )
    return resolved


def resolve_compute(device_name: str, precision: str) -> Compute:
    """Device and precision for a recipe's `device` and `precision`. Raises Unavailable."""
    device = torch.device(resolve_device(device_name))
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "mps":
        name = "Apple GPU"
    else:
        threads = torch.get_num_threads()
        name = f"CPU, {threads} thread{'s' if threads != 1 else ''}"
    if precision == "fp32":
        return Compute(device, torch.float32, "fp32 was chosen", name)
    dtype, reason = _fastest_type(device)
    return Compute(device, dtype, reason, name)


def device_turn(device: torch.device) -> AbstractContextManager[object]:
    """Held for as long as one asks things of a GPU that another thread's graph capture may not meet.

    One capture at a time in a process, with nobody else at the GPU meanwhile: an allocation or a
    synchronization of another thread can break it, in spite of its thread-local mode.
    """
    return _CAPTURING if device.type == "cuda" else nullcontext()


def to_compute(model: nn.Module, compute: Compute) -> nn.Module:
    """The model on the device, its weights laid out channels_last."""
    return model.to(compute.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _fastest_type(device: torch.device) -> tuple[torch.dtype, str]:
    """The type in which this device is fastest at matrix work, and the reason in words."""
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        if major >= 8:
            return torch.bfloat16, "bf16: the GPU has bf16 matrix units"
        if major >= 7:
            return torch.float16, "fp16 with a loss scaler: the GPU is older than bf16 matrix units"
        return torch.float32, "fp32: the GPU is older than half-precision matrix units"
    if device.type == "cpu":
        flags = _cpu_flags()
        found = next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags), None)
        if found:
            return torch.bfloat16, f"bf16: the CPU has {found}"
        # Without these instructions bf16 is emulated, and slower than fp32.
        return torch.float32, "fp32: the CPU has neither avx512_bf16 nor AMX"
    return torch.float32, "fp32: not tried on this kind of device"


def _cpu_flags() -> frozenset[str]:
    """The CPU's feature flags as Linux lists them; empty where that list does not exist."""
    if os.name != "posix":
        return frozenset()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()
