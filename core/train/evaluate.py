"""How good a network is on given images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from core.train.device import Compute, device_turn
from core.train.images import Normalizer, plain_images

EVALUATION_BATCH = {"cpu": 512, "cuda": 4096}
"""Images that are evaluated at once, by the kind of device; half as many while memory runs out."""
OTHER_BATCH = 512


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


Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]
"""From a network and its input to logits."""


def plain_forward(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The network's own forward."""
    logits: torch.Tensor = model(images)
    return logits


def logits_by_chunk(
    model: nn.Module,
    images: torch.Tensor,
    indices: torch.Tensor,
    normalizer: Normalizer,
    compute: Compute,
    *,
    forward: Forward = plain_forward,
    on_smaller: Callable[[int], None] = lambda size: None,
) -> Iterator[torch.Tensor]:
    """float32 logits of images[indices] in evaluation mode, as many at a time as memory allows.

    Out of memory halves the batch, and `on_smaller` is told the new one; a single image that does not
    fit raises as torch does.
    """
    model.eval()
    size = EVALUATION_BATCH.get(compute.device.type, OTHER_BATCH)
    done = 0
    while done < len(indices):
        part = indices[done : done + size]
        try:
            # Not around the yield: the mode would stay on in whoever asks for the next chunk.
            with device_turn(compute.device), torch.inference_mode(), autocast(compute):
                inputs = plain_images(images, part, normalizer, compute.device)
                logits = forward(model, inputs).float()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or len(part) == 1:
                raise
            logits, inputs = None, None
            size = max(1, len(part) // 2)
        if logits is None:
            # Outside of the handler: the error holds the frames, and they the tensors.
            if compute.device.type == "cuda":
                torch.cuda.empty_cache()
            on_smaller(size)
            continue
        done += len(part)
        yield logits


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch has a class for it on GPUs, and only words on the CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def autocast(compute: Compute) -> torch.autocast:
    """Matrix work in the compute's type."""
    return torch.autocast(compute.device.type, dtype=compute.dtype, enabled=compute.autocast)
