"""Where the time of a training goes, and how fast it could be at best on this machine.

The floor is the larger of two times: the network's arithmetic at the rate of a large matrix product,
and its memory traffic at the rate of a large copy, both measured here and now.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import torch
from torch import nn

from benchmarks.cases import MEAN, STD, Case
from benchmarks.machine import wait_for
from core.models.randomness import set_generator
from core.models.summary import summarize, totals
from core.train import Compute, autocast, build_model, evaluate
from core.train.batches import Chunk, training_chunks
from core.train.images import Normalizer

REPEATS = 5


@dataclass(frozen=True)
class Shares:
    """Seconds per image of the parts of a training, each by itself and one operation after the other."""

    augmentation_s: float
    forward_backward_s: float
    optimizer_s: float
    evaluation_s: float
    """Per evaluated image."""

    def of_an_epoch(self, evaluated_share: float = 0.35) -> dict[str, float]:
        """Their shares of an epoch that evaluates so many images per training image: 15 % val and as
        many clean training images beside 85 %."""
        seconds = {
            "augmentation": self.augmentation_s,
            "forward and backward": self.forward_backward_s,
            "optimizer": self.optimizer_s,
            "evaluation": self.evaluation_s * evaluated_share,
        }
        whole = sum(seconds.values())
        return {name: value / whole for name, value in seconds.items()}


@dataclass(frozen=True)
class Floor:
    """The least time per image that this machine could take."""

    flops_per_image: float
    """Multiply-adds count twice; the backward pass takes twice the forward's."""
    bytes_per_image: float
    """What the backward pass needs is written and read once, and so is its gradient; weights,
    gradients and momentum are gone through once per batch."""
    peak_flops: float
    bandwidth: float

    @property
    def images_per_s(self) -> float:
        return 1 / max(self.flops_per_image / self.peak_flops, self.bytes_per_image / self.bandwidth)


def measure_shares(case: Case, compute: Compute) -> Shares:
    """Time each part alone, the median of a few."""
    recipe, bank, device = case.recipe(), case.bank(compute.device), compute.device
    normalizer = Normalizer((MEAN, STD), device)
    epochs = count(1)

    def augment_all() -> None:
        for chunk in training_chunks(recipe, bank, normalizer, next(epochs)):
            chunk.images.sum()

    chunk = next(training_chunks(recipe, bank, normalizer, 1))
    model, optimizer = _network(case, compute)
    batch = min(case.batch_size, len(chunk))

    def forward_backward() -> None:
        _gradients(model, chunk, batch, compute)

    forward_backward()
    optimizer.step()
    seconds = _median(forward_backward, device)
    step_s = _median(optimizer.step, device)
    arguments = (bank.images, bank.labels, bank.train[:512], normalizer, compute)
    evaluation_s = _median(lambda: evaluate(model, *arguments), device)
    return Shares(
        _median(augment_all, device) / case.images,
        seconds / batch,
        step_s / batch,
        evaluation_s / len(arguments[2]),
    )


def measure_floor(case: Case, compute: Compute) -> Floor:
    """Count the work of one image, and measure what the machine can do at best."""
    recipe, bank = case.recipe(), case.bank(compute.device)
    model, _ = _network(case, compute)
    _, multiply_adds = totals(summarize(model.cpu(), 3, case.image_size))
    model, _ = _network(case, compute)
    chunk = next(training_chunks(recipe, bank, Normalizer((MEAN, STD), compute.device), 1))
    batch = min(case.batch_size, len(chunk))
    kept = _kept_bytes(model, chunk, batch, compute)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return Floor(
        flops_per_image=6.0 * multiply_adds,
        bytes_per_image=(4 * kept + 7 * weights) / batch,
        peak_flops=peak_flops(compute),
        bandwidth=bandwidth(compute.device),
    )


def peak_flops(compute: Compute) -> float:
    """Operations per second of a large matrix product in the compute's type."""
    size = 8192 if compute.device.type == "cuda" else 2048
    a = torch.randn(size, size, device=compute.device).to(compute.dtype)
    seconds = _median(lambda: torch.mm(a, a), compute.device)
    return 2.0 * size**3 / seconds


def bandwidth(device: torch.device) -> float:
    """Bytes per second that a large copy reads and writes."""
    source = torch.zeros(2**28 if device.type == "cuda" else 2**26, device=device)
    target = torch.empty_like(source)
    seconds = _median(lambda: target.copy_(source), device)
    return 2.0 * source.numel() * source.element_size() / seconds


def _network(case: Case, compute: Compute) -> tuple[nn.Module, torch.optim.Optimizer]:
    recipe = case.recipe()
    model = build_model(recipe, case.bank(torch.device("cpu")), compute)
    set_generator(model, None)
    fused = True if compute.device.type in ("cpu", "cuda") else None
    return model, recipe.optimizer.build(model.parameters(), fused=fused)


def _gradients(model: nn.Module, chunk: Chunk, batch: int, compute: Compute) -> None:
    model.train()
    with autocast(compute):
        logits = model(chunk.images[:batch])
    for parameter in model.parameters():
        parameter.grad = None
    nn.functional.cross_entropy(logits.float(), chunk.labels[:batch]).backward()


def _kept_bytes(model: nn.Module, chunk: Chunk, batch: int, compute: Compute) -> int:
    """What one forward pass keeps for the backward, weights apart."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _gradients(model, chunk, batch, compute)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    return sum(size for pointer, size in kept.items() if pointer not in own)


def _median(work: Callable[[], object], device: torch.device) -> float:
    """Seconds, the median of a few after one that does not count."""
    work()
    times = []
    for _ in range(REPEATS):
        wait_for(device)
        began = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - began)
    return sorted(times)[REPEATS // 2]
