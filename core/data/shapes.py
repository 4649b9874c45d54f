"""The built-in source: drawn shapes, made on first use."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from core.data.collection import BLOCK, TRAIN, Collection, Workplace
from core.data.shapes_draw import MOST_CLASSES, class_names, draw_images
from core.spec import Spec, setting


class ShapesSource(Spec):
    """Images of drawn shapes with varying place, size, turn, colours, texture, cover and noise; the
    same seed gives the same pixels. Source: Pillow's ImageDraw, and numpy for what lies around."""

    label: ClassVar[str] = "Shapes (made here)"
    kind: Literal["shapes"] = "shapes"

    classes: int = setting(10, label="Classes", ge=2, le=MOST_CLASSES)
    """A class is an outline in a pattern: the first 20 are solid, the next 20 striped, and so on."""

    images: int = setting(6000, label="Images", ge=20, le=200_000, step=1000)
    """All splits together, the same number of each class."""

    image_size: int = setting(32, label="Image size", unit="px", ge=28, le=64)
    """Side of the drawn square."""

    seed: int = setting(0, label="Seed", ge=0, le=2**31 - 1, level="expert")
    """The same seed draws the same images."""

    def collect(self, place: Workplace) -> Collection:
        """The collection, whose images are drawn while they are read."""
        labels = np.arange(self.images, dtype=np.int64) % self.classes
        return Collection(
            classes=class_names(self.classes),
            pictures=_ShapePictures(self, labels),
            names=[f"shape-{i:06d}" for i in range(self.images)],
            labels=labels,
            splits=np.full(self.images, TRAIN, dtype=np.uint8),
        )


@dataclass(frozen=True)
class _ShapePictures:
    spec: ShapesSource
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Pixels of this block. They are drawn in fixed blocks, each with a generator of its own,
        so that they depend on the seed and on nothing else."""
        first = start // BLOCK
        blocks = [self._block(block) for block in range(first, -(-stop // BLOCK))]
        return np.concatenate(blocks)[start - first * BLOCK : stop - first * BLOCK]

    def _block(self, block: int) -> np.ndarray:
        rng = np.random.default_rng([self.spec.seed, block])
        labels = np.arange(block * BLOCK, (block + 1) * BLOCK) % self.spec.classes
        return draw_images(labels, self.spec.image_size, rng)
