"""The root of all of a run's settings."""

import re
from typing import Literal

from pydantic import field_validator

from core.augment import AnyAugmentation, AnyMixing, NoMixing
from core.models import AnyArchitecture, MyNet
from core.optim import AnyOptimizer, AnyScheduler, ConstantSpec, SGDSpec, Warmup
from core.recipe.normalization import AnyNormalization, DatasetNormalization
from core.spec import Spec, setting

VERSION = 1


class DataSettings(Spec):
    """Which images a run learns from. Source: the data sets of the Data page."""

    name: str = setting("", label="Data set", max_length=64)
    """An imported data set."""
    color: Literal["as stored", "rgb"] = setting("as stored", label="Channels", level="expert")
    """'rgb' repeats a greyscale image's one channel three times."""


class LossSettings(Spec):
    """Cross entropy. Source: torch.nn.CrossEntropyLoss."""

    label_smoothing: float = setting(0.0, label="Label smoothing", ge=0, lt=1, step=0.05)
    """Share of the target that is spread evenly over all classes."""


class AverageSettings(Spec):
    """An exponential moving average (EMA) of the weights, evaluated beside the weights themselves.
    Source: torch.optim.swa_utils.get_ema_multi_avg_fn; Polyak and Juditsky, 1992."""

    decay: float = setting(0.0, label="EMA decay", ge=0, lt=1, step=0.001, level="expert")
    """Share of the average that each optimizer step keeps, such as 0.999; 0 for no average."""


class CheckpointSettings(Spec):
    """Which epochs' weights are kept. The last epoch's are always kept: a resume needs them."""

    best: bool = setting(True, label="Keep the best epoch")
    """The epoch with the highest val accuracy so far."""
    every: int = setting(0, label="Keep every", unit="epochs", ge=0, le=100_000, level="expert")
    """Keep every k-th epoch; 0 for none."""
    epochs: tuple[int, ...] = setting((), label="Keep epochs", level="expert")
    """Epochs to keep by number."""

    def keeps(self, epoch: int) -> bool:
        """Whether this epoch is kept whether or not it is the best or the last."""
        return epoch in self.epochs or (self.every > 0 and epoch % self.every == 0)


class Recipe(Spec):
    """All of a run's settings; what a run, a preset and a recipe file hold."""

    version: Literal[1] = 1
    data: DataSettings = setting(DataSettings(), label="Data")
    """Which images."""
    architecture: AnyArchitecture = setting(MyNet(), label="Architecture")
    """The network."""
    augmentations: tuple[AnyAugmentation, ...] = setting((), label="Augmentations")
    """Random changes to each training image, in this order."""
    mixing: AnyMixing = setting(NoMixing(), label="Mixing", level="expert")
    """Blends images of a batch, and their labels, with each other."""
    optimizer: AnyOptimizer = setting(SGDSpec(), label="Optimizer")
    """How the weights follow the gradient."""
    scheduler: AnyScheduler = setting(ConstantSpec(), label="Scheduler")
    """How the learning rate changes over the run."""
    warmup: Warmup = setting(Warmup(), label="Warm-up")
    """A linear climb in front of the scheduler."""
    clip_norm: float | None = setting(None, label="Clip gradients at", gt=0, le=1e6, level="expert")
    """The highest norm of all gradients together; larger ones are scaled down to it. Empty: no
    limit (torch.nn.utils.clip_grad_norm_)."""
    ema: AverageSettings = setting(AverageSettings(), label="Average of the weights", level="expert")
    """A second, averaged network."""
    loss: LossSettings = setting(LossSettings(), label="Loss")
    """What is minimised."""
    normalization: AnyNormalization = setting(DatasetNormalization(), label="Normalization")
    """What is subtracted from the pixels, and what they are divided by."""
    batch_size: int = setting(64, label="Batch size", unit="images", ge=1, le=65_536)
    """Images per optimizer step."""
    epochs: int = setting(15, label="Epochs", ge=1, le=100_000)
    """How often the run goes through all training images."""
    seed: int = setting(0, label="Seed", ge=0, le=2**31 - 1)
    """First weights, order of the images, augmentation and dropout all follow from it."""
    checkpoints: CheckpointSettings = setting(CheckpointSettings(), label="Checkpoints")
    """Which epochs' weights are kept."""
    precision: Literal["auto", "fp32"] = setting("auto", label="Precision", level="expert")
    """'auto' computes in half precision where this machine is faster with it: bfloat16, or float16 on
    older GPUs."""
    compile: bool = setting(False, label="Compile the network", level="expert")
    """Through torch.compile, which takes seconds to minutes at the start; on a GPU it takes the place of
    the CUDA graph. Where it fails, the run goes on without."""
    device: str = setting("auto", label="Device", level="expert")
    """'auto' takes the first GPU, else the CPU; or 'cpu', 'cuda:0', 'cuda:1', ..., 'mps'."""
    launcher: Literal["auto", "thread", "process"] = setting("auto", label="Train in", level="expert")
    """'auto' takes the app's own thread, or what PLATEAU_LAUNCHER says; 'process' isolates it: a crash of
    the training cannot take the app with it, at the price of some seconds and memory for loading torch
    a second time. The numbers are the same."""

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?|mps", value):
            raise ValueError(
                "must be auto, cpu, mps, cuda or cuda with a number; write cuda:0 for the first GPU"
            )
        return value
