"""How good a network is on given images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from core.train.device import Compute
from core.train.images import Normalizer, plain_chunks

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Outcomes:
    """A network's answer for each image, in the order of the indices asked for (on the CPU)."""

    predicted: torch.Tensor  # (n,) int16
    probability: torch.Tensor  # (n,) float32: of the predicted class
    true_probability: torch.Tensor  # (n,) float32: of the true class
    correct: torch.Tensor  # (n,) bool
    loss: float
    """Mean cross entropy, without label smoothing."""

    @property
    def accuracy(self) -> float:
        """Share of images whose predicted class is the true one."""
        return int(self.correct.sum()) / len(self.correct) if len(self.correct) else 0.0


class Interrupted(Exception):
    """Raised out of an evaluation when somebody asked to stop."""


OnChunk = Callable[[int, int], None]
"""Told how many images are done, of how many; may raise to cancel."""


def evaluate(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    indices: torch.Tensor,
    normalizer: Normalizer,
    compute: Compute,
    *,
    on_chunk: OnChunk = lambda done, total: None,
) -> Outcomes:
    """The network's answers for `images[indices]`, in evaluation mode.

    `images` is (N, H, W, C) uint8 and `labels` (N,) int64, both on the device. Leaves the model in
    evaluation mode.
    """
    logits = predict_logits(model, images, indices, normalizer, compute, on_chunk=on_chunk)
    return outcomes_of(logits, labels[indices.to(labels.device)])


def outcomes_of(logits: torch.Tensor, truth: torch.Tensor) -> Outcomes:
    """What logits (n, classes) say about images whose classes are `truth` (n,)."""
    log_probabilities = F.log_softmax(logits, dim=1)
    best, predicted = log_probabilities.max(dim=1)
    of_truth = log_probabilities.gather(1, truth[:, None]).squeeze(1)
    return Outcomes(
        predicted=predicted.to(torch.int16).cpu(),
        probability=best.exp().cpu(),
        true_probability=of_truth.exp().cpu(),
        correct=(predicted == truth).cpu(),
        loss=float(-of_truth.mean()),
    )


def predict_logits(
    model: nn.Module,
    images: torch.Tensor,
    indices: torch.Tensor,
    normalizer: Normalizer,
    compute: Compute,
    *,
    on_chunk: OnChunk = lambda done, total: None,
) -> torch.Tensor:
    """float32 logits (n, classes) on the device."""
    parts: list[torch.Tensor] = []
    done = 0
    for logits in logits_by_chunk(model, images, indices, normalizer, compute):
        parts.append(logits)
        done += len(logits)
        on_chunk(done, len(indices))
    return torch.cat(parts)


def logits_by_chunk(
    model: nn.Module,
    images: torch.Tensor,
    indices: torch.Tensor,
    normalizer: Normalizer,
    compute: Compute,
) -> Iterator[torch.Tensor]:
    """float32 logits of EVALUATION_BATCH images at a time, in evaluation mode."""
    model.eval()
    for chunk in plain_chunks(images, indices, normalizer, EVALUATION_BATCH):
        # Not around the yield: the mode would stay on in whoever asks for the next chunk.
        with torch.inference_mode(), autocast(compute):
            logits = model(chunk).float()
        yield logits


def autocast(compute: Compute) -> torch.autocast:
    """Matrix work in the compute's type."""
    return torch.autocast(compute.device.type, dtype=compute.dtype, enabled=compute.autocast)
