"""One optimizer step, and the metrics that it adds up on the device."""

import torch
from torch import nn
from torch.optim import Optimizer

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


class EagerStep:
    """Forward, backward, update: one batch at a time, without a host sync."""

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, criterion: nn.Module, compute: Compute, meter: Meter
    ) -> None:
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.compute, self.meter = compute, meter

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """`images` (n, C, H, W) normalized, `labels` (n,) int64."""
        with autocast(self.compute):
            logits = self.model(images)
        loss = self.criterion(logits.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            correct = (logits.argmax(dim=1) == labels).sum()
            self.meter.add(loss.detach(), correct, len(labels))
