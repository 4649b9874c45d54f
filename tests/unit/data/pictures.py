"""Small image files for the tests of the data room."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def pixels(seed: int, size: int = 12, channels: int = 3) -> np.ndarray:
    """Random pixels, other ones for every seed."""
    shape = (size, size, 3) if channels == 3 else (size, size)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(seed: int, size: int = 12, channels: int = 3) -> bytes:
    """A PNG file of random pixels."""
    return encoded(Image.fromarray(pixels(seed, size, channels)))


def several_frames(kind: str, size: int = 8) -> bytes:
    """An animation, or a file of two pages: first white, then black."""
    first, second = (Image.new("RGB", (size, size), color) for color in ("white", "black"))
    return encoded(first, kind, save_all=True, append_images=[second])


def write_classes(
    root: Path, counts: dict[str, int], seed: int = 0, channels: int = 3, size: int = 12
) -> Path:
    """Class folders with so many PNG files each."""
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for i in range(count):
            (root / name / f"{i:03d}.png").write_bytes(png(seed + 1000 * label + i, size, channels))
    return root
