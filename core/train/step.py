"""One optimizer step, and the metrics that it adds up on the device."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from core.train.averaging import WeightAverage
from core.train.device import Compute
from core.train.evaluate import autocast


class Meter:
    """Loss and hits summed on the device; reading them is the only host sync."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(
            2, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device
        )
        self._images = 0

    def add(self, loss: torch.Tensor, correct: torch.Tensor, images: int) -> None:
        """Add one batch: its mean loss and its number of hits, both still on the device."""
        self._sums[0] += loss * images
        self._sums[1] += correct
        self._images += images

    def read(self) -> tuple[float, float]:
        """Mean loss and accuracy so far; waits for the device."""
        loss, correct = self._sums.tolist()
        count = max(1, self._images)
        return loss / count, correct / count


@dataclass
class EagerStep:
    """Forward, backward, update: one batch at a time, without a host sync."""

    model: nn.Module
    optimizer: Optimizer
    criterion: nn.Module
    compute: Compute
    meter: Meter
    clip_norm: float | None = None
    average: WeightAverage | None = None

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> None:
        """`images` (n, C, H, W) normalized, `labels` (n,) int64; `targets` are the labels, or class
        probabilities (n, classes) where images were mixed. Hits are counted against the labels."""
        with autocast(self.compute):
            logits = self.model(images)
        loss = self.criterion(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.model)
        with torch.no_grad():
            correct = (logits.argmax(dim=1) == labels).sum()
            self.meter.add(loss.detach(), correct, len(labels))
