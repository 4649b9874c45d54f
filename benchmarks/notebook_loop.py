"""The training loop as it stands in a notebook: torch, torchvision's transforms on PIL images, and
nothing of Plateau. The benchmarks compare the engine with it, in what it learns and in speed.

Written after torch's own tutorials ('Training a classifier'): a Dataset that opens one image at a
time, a DataLoader, a loop over its batches with `.item()` in every step.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Dataset

Transform = Callable[[Image.Image], Tensor]
"""From a PIL image to a float tensor (C, H, W): one of torchvision.transforms.v2."""


@dataclass(frozen=True)
class EpochRow:
    """What the loop prints after an epoch. Accuracies are fractions of 1."""

    epoch: int
    """From 1."""
    train_loss: float
    """Mean over the epoch's images, while the weights move."""
    train_accuracy: float
    val_accuracy: float
    train_seconds: float
    """Training alone, the start of the workers included."""
    seconds: float
    """Training and evaluation."""


class ArrayImages(Dataset[tuple[Tensor, int]]):
    """Some images of an array uint8 (N, H, W, C), opened one at a time as a file would be."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, indices: np.ndarray, transform: Transform
    ) -> None:
        self.images = images
        self.labels = labels
        self.indices = indices
        self.transform = transform

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        index = int(self.indices[position])
        pixels = self.images[index]
        # Pillow takes one channel without its axis only.
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        return self.transform(image), int(self.labels[index])


def run(
    images: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    val: np.ndarray,
    network: nn.Module,
    optimizer: Optimizer,
    scheduler: LRScheduler,
    transform: Transform,
    val_transform: Transform,
    *,
    epochs: int,
    batch_size: int,
    workers: int = 0,
    seed: int = 0,
    device: str = "cpu",
) -> list[EpochRow]:
    """Train `network` on `images[train]` and evaluate it on `images[val]` after every epoch.

    `images` is uint8 (N, H, W, C), `labels` (N,); `train` and `val` are indices. `network` and the
    optimizer's state must be on `device` already. The scheduler is stepped once per epoch. As in a
    notebook, `torch.manual_seed(seed)` decides on order, augmentation and dropout, for the whole process.
    """
    torch.manual_seed(seed)
    batches = DataLoader(
        ArrayImages(images, labels, train, transform), batch_size, shuffle=True, num_workers=workers
    )
    val_batches = DataLoader(ArrayImages(images, labels, val, val_transform), batch_size, num_workers=workers)
    criterion = nn.CrossEntropyLoss()
    rows = []
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        loss, accuracy = train_epoch(network, batches, criterion, optimizer, device)
        scheduler.step()
        trained = time.perf_counter()
        val_accuracy = evaluate(network, val_batches, device)
        ended = time.perf_counter()
        rows.append(EpochRow(epoch, loss, accuracy, val_accuracy, trained - began, ended - began))
    return rows


def train_epoch(
    network: nn.Module,
    batches: DataLoader[tuple[Tensor, int]],
    criterion: nn.Module,
    optimizer: Optimizer,
    device: str,
) -> tuple[float, float]:
    """One pass over the training images; mean loss and accuracy."""
    network.train()
    total_loss, correct, seen = 0.0, 0, 0
    for inputs, targets in batches:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        logits = network(inputs)
        loss = criterion(logits, targets)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(targets)
        correct += (logits.argmax(dim=1) == targets).sum().item()
        seen += len(targets)
    return total_loss / seen, correct / seen


@torch.no_grad()
def evaluate(network: nn.Module, batches: DataLoader[tuple[Tensor, int]], device: str) -> float:
    """Accuracy in evaluation mode."""
    network.eval()
    correct, seen = 0, 0
    for inputs, targets in batches:
        inputs, targets = inputs.to(device), targets.to(device)
        correct += (network(inputs).argmax(dim=1) == targets).sum().item()
        seen += len(targets)
    return correct / seen
