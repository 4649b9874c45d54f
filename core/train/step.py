"""One optimizer step, and the metrics that it adds up on the device."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from core.errors import PlateauError, first_line
from core.train.averaging import WeightAverage
from core.train.batches import Chunk
from core.train.device import Compute
from core.train.evaluate import autocast


class HalfPrecisionRefused(PlateauError):
    """The network's first step does not run in half precision on this device."""


class Meter:
    """Loss and hits summed on the device; reading them is the only host sync."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(
            2, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device
        )
        self._images = 0

    def reset(self) -> None:
        """Begin anew, in the same tensor: a CUDA graph adds to it."""
        self._sums.zero_()
        self._images = 0

    def add(self, loss: torch.Tensor, correct: torch.Tensor, images: int) -> None:
        """Add one batch's mean loss and number of hits, both still on the device."""
        self._sums[0] += loss * images
        self._sums[1] += correct

    def count(self, images: int) -> None:
        """So many images went into what was added."""
        self._images += images

    def read(self) -> tuple[float, float]:
        """Mean loss and accuracy so far; waits for the device."""
        loss, correct = self._sums.tolist()
        count = max(1, self._images)
        return loss / count, correct / count


@dataclass
class TrainingStep:
    """Forward, backward, update, and the metrics: device work alone, without a host sync."""

    model: nn.Module
    """The network, or its compiled form."""
    optimizer: Optimizer
    criterion: nn.Module
    compute: Compute
    meter: Meter
    clip_norm: float | None = None
    average: WeightAverage | None = None
    scaler: GradScaler | None = None
    """For fp16, whose gradients would vanish unscaled."""

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> None:
        """`images` (n, C, H, W) normalized, `labels` (n,) int64; `targets` are the labels, or class
        probabilities (n, classes) where images were mixed. Hits are counted against the labels."""
        with autocast(self.compute):
            logits = self.model(images)
        loss = self.criterion(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        if self.scaler is None:
            loss.backward()
            self._clip()
            self.optimizer.step()
        else:
            self._scaled(loss, self.scaler)
        if self.average is not None:
            self.average.update(self._plain_model())
        with torch.no_grad():
            correct = (logits.argmax(dim=1) == labels).sum()
            self.meter.add(loss.detach(), correct, len(labels))

    def _scaled(self, loss: torch.Tensor, scaler: GradScaler) -> None:
        scaler.scale(loss).backward()
        if self.clip_norm is not None:
            scaler.unscale_(self.optimizer)
            self._clip()
        scaler.step(self.optimizer)
        scaler.update()

    def _clip(self) -> None:
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)

    def _plain_model(self) -> nn.Module:
        original = getattr(self.model, "_orig_mod", self.model)
        assert isinstance(original, nn.Module)
        return original


class Step(Protocol):
    """The way in which a run takes its optimizer steps."""

    notices: list[str]
    """What a person should know about it; whoever reads them takes them out."""

    def load(self, chunk: Chunk) -> None:
        """The batches that the next calls take."""

    def __call__(self, start: int, stop: int) -> None:
        """One optimizer step on the chunk's images from `start` to `stop`."""

    def finish(self) -> None:
        """What comes next on the device comes after all steps so far. Does not wait."""


class EagerStep:
    """One operation after the other, launched from Python."""

    def __init__(self, body: TrainingStep) -> None:
        self.body = body
        self.notices: list[str] = []
        self._chunk: Chunk | None = None
        self._begun = False

    def load(self, chunk: Chunk) -> None:
        self._chunk = chunk

    def __call__(self, start: int, stop: int) -> None:
        assert self._chunk is not None
        part, chunk = slice(start, stop), self._chunk
        try:
            self.body(chunk.images[part], chunk.labels[part], chunk.targets[part])
        except (RuntimeError, NotImplementedError) as error:
            if self._begun or not self.body.compute.autocast or _is_of_the_device(error):
                raise
            raise HalfPrecisionRefused(first_line(error)) from error
        self._begun = True
        self.body.meter.count(stop - start)

    def finish(self) -> None:
        pass


class CompiledStep(EagerStep):
    """The network through torch.compile; where that fails, the network as it is."""

    def __init__(self, body: TrainingStep) -> None:
        super().__init__(body)
        self._plain, body.model = body.model, torch.compile(body.model)  # type: ignore[assignment]

    def __call__(self, start: int, stop: int) -> None:
        if self._begun:
            super().__call__(start, stop)
            return
        try:
            super().__call__(start, stop)
        except Exception as error:
            if _is_of_the_device(error):
                raise
            self.body.model = self._plain
            self.notices.append(f"Not compiled: torch.compile failed here ({first_line(error)}).")
            super().__call__(start, stop)


def _is_of_the_device(error: Exception) -> bool:
    """Memory and a broken device are no matter of precision or compiler."""
    return isinstance(error, torch.OutOfMemoryError | torch.AcceleratorError | MemoryError)
