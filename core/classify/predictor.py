"""A trained network, rebuilt from a checkpoint alone, and its answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from core.classify.views import draw_views
from core.classify.votes import Recorder, ViewRecord
from core.data import Progress
from core.data.decode import fit_image
from core.errors import BadInput, Damaged
from core.models.weights import load_state
from core.recipe import Recipe
from core.train import (
    Card,
    Compute,
    Normalizer,
    Outcomes,
    autocast,
    device_turn,
    evaluate,
    gather,
    is_out_of_memory,
    predict_logits,
    read_checkpoint,
    to_compute,
    to_device,
    to_float,
)

VIEW_BATCH = 256
"""Images whose views are made and classified together: few enough to stay in a CPU's cache. What is
drawn does not depend on it."""


@dataclass(frozen=True)
class View:
    """One augmented look at an image, and what the network says to it."""

    pixels: np.ndarray  # (H, W, C) uint8
    predicted: int
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer for one image: probabilities by class, plain, and with TTA where it was asked."""

    probabilities: np.ndarray  # (classes,) float32
    tta: "TTA | None" = None

    @property
    def predicted(self) -> int:
        return int(self.probabilities.argmax())

    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """The most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(i), float(self.probabilities[i])) for i in order]


@dataclass(frozen=True)
class TTA:
    """Test-time augmentation of one image: n views, a vote each."""

    votes: np.ndarray  # (classes,) int64
    mean_probabilities: np.ndarray  # (classes,) float32
    views: tuple[View, ...] = ()
    """Empty where the views' pixels were not to be kept."""

    @property
    def count(self) -> int:
        """How many views voted."""
        return int(self.votes.sum())

    @property
    def predicted(self) -> int:
        """The class with the most votes; a tie goes to the higher mean probability."""
        return int(majority(self.votes[None], self.mean_probabilities[None])[0])


def majority(votes: np.ndarray, mean_probabilities: np.ndarray) -> np.ndarray:
    """(n,) the class with the most votes per row; a tie goes to the higher mean probability.

    `votes` and `mean_probabilities` are (n, classes).
    """
    tied = votes == votes.max(axis=1, keepdims=True)
    return np.where(tied, mean_probabilities, -1.0).argmax(axis=1)


@dataclass(frozen=True)
class SplitTTA:
    """TTA over many images."""

    predicted: np.ndarray  # (n,) by majority vote
    views: ViewRecord
    """What each view said."""
    accuracy: float
    fixed: int
    """Images that TTA gets right and the plain prediction wrong."""
    broken: int
    """The other way round."""

    @property
    def votes(self) -> np.ndarray:
        """(n, views) the class that each view voted for."""
        return self.views.votes


class Predictor:
    """A network in evaluation mode with everything it needs; free of runs and data sets."""

    def __init__(self, card: Card, weights: dict[str, torch.Tensor], compute: Compute) -> None:
        self.card, self.compute = card, compute
        self.recipe: Recipe = card.parsed_recipe()
        # The weights come from the checkpoint: nothing is downloaded for the sake of the first ones.
        architecture = self.recipe.architecture
        if "pretrained" in type(architecture).model_fields:
            architecture = architecture.model_copy(update={"pretrained": "none"})
        model = architecture.build(len(card.classes), card.channels, card.image_size, 0)
        try:
            load_state(model, weights)
        except BadInput as error:
            raise Damaged(
                f"The checkpoint of epoch {card.epoch} does not fit its architecture; use another epoch's."
            ) from error
        self.model: nn.Module = to_compute(model, compute).eval()
        self.normalizer = Normalizer((card.mean, card.std), compute.device)

    @classmethod
    def load(cls, path: Path, compute: Compute, *, averaged: bool = False) -> "Predictor":
        """The predictor of a checkpoint file, or of the averaged weights in it.

        Raises NotFound, Damaged.
        """
        card, weights = read_checkpoint(path, averaged=averaged)
        return cls(card, weights, compute)

    def prepare(self, image: Image.Image) -> np.ndarray:
        """A decoded image as the network's input size has it: (H, W, C) uint8."""
        return fit_image(image, self.card.image_size, self.card.resize, self.card.channels)

    def as_seen(self, stored: np.ndarray) -> np.ndarray:
        """A data set's images (n, H, W, C) as the network sees them: a grey one's channel repeated
        where the run was trained on colour."""
        if stored.shape[3] == 1 and self.card.channels == 3:
            return stored.repeat(3, axis=3)
        return np.asarray(stored)

    def predict(
        self, images: Sequence[np.ndarray], *, views: int = 0, seed: int = 0, keep_views: bool = True
    ) -> list[Prediction]:
        """Answers for prepared images; with `views`, each also by test-time augmentation.

        With `keep_views` off the views vote, but neither they nor their pixels are kept.
        """
        if not images:
            return []
        stack = to_device(np.stack(images), "as stored", self.compute.device)
        everything = torch.arange(len(stack))
        logits = predict_logits(self.model, stack, everything, self.normalizer, self.compute)
        plain = logits.softmax(dim=1).cpu().numpy()
        if views == 0:
            return [Prediction(row) for row in plain]
        ballot = _Ballot(len(images), plain.shape[1], views)
        kept: list[list[View]] = [[] for _ in images]
        for part in self._views(stack, everything, views, seed):
            choices = ballot.add(part)
            if keep_views:
                for i, view in enumerate(_as_views(part, choices), start=part.rows.start):
                    kept[i].append(view)
        mean = ballot.mean
        return [
            Prediction(plain[i], TTA(ballot.counts[i], mean[i], tuple(kept[i]))) for i in range(len(images))
        ]

    def evaluate(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        indices: torch.Tensor,
        *,
        progress: Progress | None = None,
    ) -> Outcomes:
        """Plain accuracy and loss on images[indices]; `images` is (N, H, W, C) uint8, `labels` on the device.

        `progress` is told after each batch, and may raise to cancel.
        """

        def on_chunk(done: int, total: int) -> None:
            if progress:
                progress("Classifying the images", done, total)

        return evaluate(self.model, images, labels, indices, self.normalizer, self.compute, on_chunk=on_chunk)

    def evaluate_tta(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        indices: torch.Tensor,
        plain: Outcomes,
        *,
        views: int,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> SplitTTA:
        """Accuracy by majority vote over `views` augmented passes, against the plain outcomes.

        `progress` is told after each batch of each view, and may raise to cancel.
        """
        truth = labels.cpu()[indices].numpy()
        ballot = _Ballot(len(indices), len(self.card.classes), views)
        recorder = Recorder(views)
        for part in self._views(images, indices, views, seed):
            ballot.add(part)
            recorder.add(part.probabilities, part.active)
            if progress:
                progress("Classifying the views", ballot.done, len(indices) * views)
        predicted = majority(ballot.counts, ballot.mean)
        right, was_right = predicted == truth, plain.correct.numpy()
        return SplitTTA(
            predicted=predicted,
            views=recorder.record(),
            accuracy=float(right.mean()),
            fixed=int((right & ~was_right).sum()),
            broken=int((~right & was_right).sum()),
        )

    def _views(
        self, images: torch.Tensor, indices: torch.Tensor, views: int, seed: int
    ) -> Iterator["_ViewPart"]:
        """All views, a batch of images after the other; within it view by view."""
        start = 0
        for part in indices.split(VIEW_BATCH):
            stored = gather(images, part, self.compute.device)
            drawn = draw_views(stored.cpu().numpy(), self.recipe.augmentations, views, seed)
            plain = to_float(stored)
            rows = slice(start, start + len(part))
            for view in range(views):
                pixels = drawn.apply(plain, view)
                probabilities = self._probabilities(pixels).cpu().numpy()
                yield _ViewPart(view, rows, pixels, probabilities, drawn.active(view))
            start = rows.stop

    def _probabilities(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, classes); in two halves where memory runs out."""
        try:
            with device_turn(self.compute.device), torch.inference_mode(), autocast(self.compute):
                batch = self.normalizer(pixels).contiguous(memory_format=torch.channels_last)
                return self.model(batch).float().softmax(dim=1)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or len(pixels) == 1:
                raise
            batch = None
        return torch.cat([self._probabilities(half) for half in pixels.chunk(2)])


@dataclass(frozen=True)
class _ViewPart:
    """One view of some images that lie side by side among those asked for."""

    view: int
    rows: slice
    pixels: torch.Tensor
    """(n, C, H, W) in [0, 1], before normalization."""
    probabilities: np.ndarray  # (n, classes)
    active: np.ndarray  # (n, augmentations) bool: which of them changed this view


class _Ballot:
    """Counts the votes of all views."""

    def __init__(self, images: int, classes: int, views: int) -> None:
        self._views = views
        self.counts = np.zeros((images, classes), dtype=np.int64)
        self._total = np.zeros((images, classes), dtype=np.float32)
        self.done = 0

    def add(self, part: _ViewPart) -> np.ndarray:
        """Take the votes of a part, and give them back."""
        choices: np.ndarray = part.probabilities.argmax(axis=1)
        self.counts[part.rows][np.arange(len(choices)), choices] += 1
        self._total[part.rows] += part.probabilities
        self.done += len(choices)
        return choices

    @property
    def mean(self) -> np.ndarray:
        """(images, classes) mean probabilities over the views."""
        mean: np.ndarray = self._total / np.float32(self._views)
        return mean


def _as_views(part: _ViewPart, choices: np.ndarray) -> Iterator[View]:
    """A part as a person sees it."""
    shown = (part.pixels.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for i, choice in enumerate(choices):
        yield View(shown[i], int(choice), float(part.probabilities[i, choice]))
