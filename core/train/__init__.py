"""The training loop and what belongs to it: device, images, evaluation, checkpoints."""

from core.train.checkpoint import (
    Card,
    read_card,
    read_checkpoint,
    read_state,
    read_state_rows,
    write_checkpoint,
    write_state,
)
from core.train.device import Compute, available_devices, resolve_compute, resolve_device, to_compute
from core.train.engine import Diverged, StopRequest, Task, build_model, fit, steps_per_epoch
from core.train.evaluate import Interrupted, Outcomes, autocast, evaluate, predict_logits
from core.train.events import CheckpointReady, EpochEnded, Event, Progress, Resume, Stopped
from core.train.images import (
    ImageBank,
    Normalizer,
    channels_for,
    load_images,
    statistics_for,
    to_device,
    to_float,
)
from core.train.preflight import (
    Advice,
    Timing,
    architecture_stages,
    check,
    measure,
    network_problem,
    preview_lr,
    schedule_advice,
)
from core.train.seeds import derive_seed, generator_for

__all__ = [
    "Advice",
    "Card",
    "CheckpointReady",
    "Compute",
    "Diverged",
    "EpochEnded",
    "Event",
    "ImageBank",
    "Interrupted",
    "Normalizer",
    "Outcomes",
    "Progress",
    "Resume",
    "StopRequest",
    "Stopped",
    "Task",
    "Timing",
    "architecture_stages",
    "autocast",
    "available_devices",
    "build_model",
    "channels_for",
    "check",
    "derive_seed",
    "evaluate",
    "fit",
    "generator_for",
    "load_images",
    "measure",
    "network_problem",
    "predict_logits",
    "preview_lr",
    "read_card",
    "read_checkpoint",
    "read_state",
    "read_state_rows",
    "resolve_compute",
    "resolve_device",
    "schedule_advice",
    "statistics_for",
    "steps_per_epoch",
    "to_compute",
    "to_device",
    "to_float",
    "write_checkpoint",
    "write_state",
]
