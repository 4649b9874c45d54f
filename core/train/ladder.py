"""How a run takes its steps: the fastest way that its device, its precision and its settings allow.

One CUDA graph per step; else one operation after the other, without waiting for the device; and
fp32 where half precision does not run (`HalfPrecisionRefused`, which the loop answers).
"""

from dataclasses import dataclass

import torch

from core.optim import Schedule
from core.train.device import Compute
from core.train.evaluate import Forward, plain_forward
from core.train.graph import CudaRecorder, GraphForward, GraphStep, graph_refusal
from core.train.step import CompiledStep, EagerStep, Step, TrainingStep


@dataclass(frozen=True)
class Way:
    """The steps, the evaluation's forward, and in words how and why."""

    step: Step
    forward: Forward
    words: str
    """'one CUDA graph per step', or why not; empty where nothing else was to be expected."""


def choose_way(
    body: TrainingStep,
    *,
    batch_size: int,
    generator: torch.Generator,
    schedule: Schedule,
    compiled: bool,
    graph: bool = True,
) -> Way:
    """The way for this run. `graph` off: none is tried."""
    compute = body.compute
    if compiled:
        return Way(CompiledStep(body), plain_forward, "the network compiled, each step by itself")
    if compute.device.type != "cuda":
        return Way(EagerStep(body), plain_forward, "")
    refusal = _refusal(compute, schedule) if graph else "it was not asked for"
    if refusal:
        return Way(EagerStep(body), plain_forward, f"no CUDA graph: {refusal}")
    step = GraphStep(body, batch_size, generator, CudaRecorder(compute.device))
    return Way(step, GraphForward(step.recorder, step.notices), "one CUDA graph per step")


def _refusal(compute: Compute, schedule: Schedule) -> str:
    """Why a graph is not tried: '' where it is."""
    if schedule.changes_momentum:
        return "the scheduler changes the momentum too, which a graph would freeze"
    if compute.dtype == torch.float16:
        return "fp16's loss scaler skips steps"
    return graph_refusal(compute.device)
