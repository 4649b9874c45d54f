"""Drawing for the built-in data set: outlines with Pillow, colours and textures with numpy.

A class is an outline and a pattern. Everything else about an image is nuisance: where the shape
lies, how large, how turned, in which colours, before which texture, behind which bars, under how
much noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

_SUPERSAMPLING = 4
_Points = np.ndarray


def _regular(corners: int, turn: float = 0.0) -> _Points:
    angle = 2 * np.pi * np.arange(corners) / corners + np.deg2rad(turn) - np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _star(points: int, inner: float) -> _Points:
    star = _regular(2 * points)
    star[1::2] *= inner
    return star


def _heart() -> _Points:
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x, y], axis=1) / 17


def _crescent() -> _Points:
    outer = np.linspace(0.3 * np.pi, 1.7 * np.pi, 28)
    inner = np.linspace(1.62 * np.pi, 0.38 * np.pi, 28)
    outer_arc = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    inner_arc = np.stack([0.42 + 0.78 * np.cos(inner), 0.78 * np.sin(inner)], axis=1)
    return np.concatenate([outer_arc, inner_arc]) + np.array([0.25, 0.0])


def _drop() -> _Points:
    t = np.linspace(0.1 * np.pi, 0.9 * np.pi, 28)
    arc = np.stack([0.68 * np.cos(t), 0.32 + 0.68 * np.sin(t)], axis=1)
    return np.concatenate([[[0.0, -1.0]], arc])


def _listed(*numbers: float) -> _Points:
    return np.array(numbers, dtype=float).reshape(-1, 2)


OUTLINES: dict[str, _Points] = {
    "circle": _regular(36),
    "square": 1.05 * _regular(4, 45),
    "triangle": _regular(3),
    "star": _star(5, 0.42),
    "cross": _listed(
        *(-0.33, -1, 0.33, -1, 0.33, -0.33, 1, -0.33, 1, 0.33, 0.33, 0.33),
        *(0.33, 1, -0.33, 1, -0.33, 0.33, -1, 0.33, -1, -0.33, -0.33, -0.33),
    ),
    "heart": _heart(),
    "crescent": _crescent(),
    "arrow": _listed(-1, -0.3, 0.1, -0.3, 0.1, -0.8, 1, 0, 0.1, 0.8, 0.1, 0.3, -1, 0.3),
    "hexagon": _regular(6),
    "drop": _drop(),
    "pentagon": _regular(5),
    "ellipse": _regular(36) * [1.0, 0.5],
    "semicircle": np.stack(
        [np.cos(np.linspace(0, np.pi, 24)), 0.45 - np.sin(np.linspace(0, np.pi, 24))], axis=1
    ),
    "rhombus": _listed(0, -1, 0.58, 0, 0, 1, -0.58, 0),
    "trapezoid": _listed(-0.45, -0.6, 0.45, -0.6, 1, 0.6, -1, 0.6),
    "bolt": _listed(0.25, -1, -0.6, 0.15, -0.05, 0.15, -0.25, 1, 0.6, -0.2, 0.08, -0.2),
    "corner": _listed(-0.8, -0.9, -0.2, -0.9, -0.2, 0.3, 0.8, 0.3, 0.8, 0.9, -0.8, 0.9),
    "tee": _listed(
        -0.9, -0.85, 0.9, -0.85, 0.9, -0.25, 0.3, -0.25, 0.3, 0.9, -0.3, 0.9, -0.3, -0.25, -0.9, -0.25
    ),
    "gear": _star(9, 0.68),
    "hourglass": _listed(-0.75, -0.95, 0.75, -0.95, 0.12, 0, 0.75, 0.95, -0.75, 0.95, -0.12, 0),
}

_Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _radius(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.sqrt(u * u + v * v)


PATTERNS: dict[str, _Field] = {
    "solid": lambda u, v: np.ones_like(u),
    "striped": lambda u, v: np.sin(3.2 * np.pi * u) / 10,
    "hollow": lambda u, v: np.ones_like(u),
    "dotted": lambda u, v: (np.cos(3 * np.pi * u) + np.cos(3 * np.pi * v) - 0.5) / 12,
    "halved": lambda u, v: v,
    "checked": lambda u, v: np.sin(2.6 * np.pi * u) * np.sin(2.6 * np.pi * v) / 6,
    "ringed": lambda u, v: np.cos(3.4 * np.pi * _radius(u, v)) / 10,
    "quartered": lambda u, v: 3 * u * v,
    "rayed": lambda u, v: _radius(u, v) * np.sin(6 * np.arctan2(v, u)) / 5,
    "waved": lambda u, v: np.sin(3.2 * np.pi * (u + 0.25 * np.sin(2 * np.pi * v))) / 10,
}
"""For a point (u, v) of the shape's own plane, positive where its first colour lies."""

MOST_CLASSES = len(OUTLINES) * len(PATTERNS)


def class_names(count: int) -> tuple[str, ...]:
    """The first `count` classes: all outlines in solid colour first, then in the next pattern."""
    return tuple(f"{pattern} {outline}" for pattern in PATTERNS for outline in OUTLINES)[:count]


@dataclass(frozen=True)
class _Poses:
    """Where each shape lies: centre and radius in pixels, turn in radians, both sides' stretch."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    turn: np.ndarray
    stretch: np.ndarray


def draw_images(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Images of these classes, uint8 (N, size, size, 3)."""
    count = len(labels)
    poses = _Poses(
        x=size * rng.uniform(0.38, 0.62, count),
        y=size * rng.uniform(0.38, 0.62, count),
        radius=size * rng.uniform(0.26, 0.42, count),
        turn=rng.uniform(-0.4, 0.4, count),
        stretch=np.exp(rng.uniform(-0.2, 0.2, count)),
    )
    background = _textures(count, size, rng)
    first, second = _colours(background.mean(axis=(1, 2)), rng)
    masks = _masks(labels, poses, size)[..., None]
    tones = _tones(labels, poses, size)[..., None]
    shapes = tones * first[:, None, None] + (1 - tones) * second[:, None, None]
    shapes = shapes + 0.3 * (_textures(count, size, rng) - 0.5)
    images = background + masks * (shapes - background)
    _occlude(images, size, rng)
    images *= rng.uniform(0.6, 1.15, (count, 1, 1, 1)).astype(np.float32)
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    images += noise * rng.uniform(0.01, 0.08, (count, 1, 1, 1)).astype(np.float32)
    return (np.clip(images, 0, 1) * 255 + 0.5).astype(np.uint8)


def _masks(labels: np.ndarray, poses: _Poses, size: int) -> np.ndarray:
    """How much of each pixel the shape covers, float32 (N, size, size)."""
    outlines, side = list(OUTLINES.values()), size * _SUPERSAMPLING
    hollow = list(PATTERNS).index("hollow")
    masks = np.empty((len(labels), size, size), dtype=np.float32)
    for i, label in enumerate(labels):
        pattern, outline = divmod(int(label), len(outlines))
        points = outlines[outline] * [poses.stretch[i], 1 / poses.stretch[i]] * poses.radius[i]
        cos, sin = np.cos(poses.turn[i]), np.sin(poses.turn[i])
        turned = points @ np.array([[cos, sin], [-sin, cos]]) + [poses.x[i], poses.y[i]]
        corners = [(float(x), float(y)) for x, y in turned * _SUPERSAMPLING]
        mask = Image.new("L", (side, side))
        draw = ImageDraw.Draw(mask)
        if pattern == hollow:
            width = max(_SUPERSAMPLING, round(0.24 * poses.radius[i] * _SUPERSAMPLING))
            draw.line([*corners, corners[0], corners[1]], fill=255, width=width, joint="curve")
        else:
            draw.polygon(corners, fill=255)
        masks[i] = np.asarray(mask.reduce(_SUPERSAMPLING), dtype=np.float32) / 255
    return masks


def _tones(labels: np.ndarray, poses: _Poses, size: int) -> np.ndarray:
    """How much of each pixel has the shape's first colour, float32 (N, size, size)."""
    tones = np.empty((len(labels), size, size), dtype=np.float32)
    grid = np.arange(size) + 0.5
    patterns = labels // len(OUTLINES)
    for index, pattern in enumerate(PATTERNS.values()):
        chosen = np.flatnonzero(patterns == index)
        if not len(chosen):
            continue
        turn, radius, stretch = (a[chosen, None, None] for a in (poses.turn, poses.radius, poses.stretch))
        x = (grid[None, None, :] - poses.x[chosen, None, None]) / radius
        y = (grid[None, :, None] - poses.y[chosen, None, None]) / radius
        u = (x * np.cos(turn) + y * np.sin(turn)) / stretch
        v = (y * np.cos(turn) - x * np.sin(turn)) * stretch
        tones[chosen] = np.clip(0.5 + pattern(u, v) * radius, 0, 1)
    return tones


def _textures(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise at two scales over a plain colour, float32 (N, size, size, 3)."""
    textures = rng.uniform(0.2, 0.8, (count, 1, 1, 3)).astype(np.float32)
    for cells, strength in ((3, 0.35), (9, 0.2)):
        coarse = rng.random((count, cells, cells, 3), dtype=np.float32) - 0.5
        rise = _rise(cells, size)
        share = strength * rng.random((count, 1, 1, 1), dtype=np.float32)
        rows = np.einsum("sc,nckd->nskd", rise, coarse, optimize=True)
        textures = textures + share * 2 * np.einsum("sk,nrkd->nrsd", rise, rows, optimize=True)
    return np.clip(textures, 0, 1)


def _rise(cells: int, size: int) -> np.ndarray:
    """The matrix (size, cells) of linear interpolation between cells."""
    place = np.linspace(0, cells - 1, size)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells))).astype(np.float32)


def _colours(around: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two colours per shape, apart from what is around it and from each other, float32 (N, 3)."""
    count = len(around)
    away = np.where(around.mean(axis=1, keepdims=True) > 0.5, -1.0, 1.0)
    contrast = rng.uniform(0.27, 0.58, (count, 1))
    tint = rng.uniform(-0.25, 0.25, (count, 3))
    first = np.clip(around + away * contrast + tint, 0, 1)
    second = np.clip(
        first + away * rng.uniform(0.3, 0.5, (count, 1)) * np.where(contrast > 0.3, -1.6, 1), 0, 1
    )
    return first.astype(np.float32), second.astype(np.float32)


def _occlude(images: np.ndarray, size: int, rng: np.random.Generator, bars: int = 2) -> None:
    """Lay up to `bars` turned bars of any colour over each image, in place."""
    count = len(images)
    grid = np.arange(size) + 0.5
    for _ in range(bars):
        x, y, turn = (rng.uniform(0, high, (count, 1, 1)) for high in (size, size, np.pi))
        width = size * rng.uniform(0.03, 0.10, (count, 1, 1)) * (rng.random((count, 1, 1)) < 0.55)
        length = size * rng.uniform(0.12, 0.45, (count, 1, 1))
        dx, dy = grid[None, None, :] - x, grid[None, :, None] - y
        along = np.abs(dx * np.cos(turn) + dy * np.sin(turn))
        across = np.abs(dy * np.cos(turn) - dx * np.sin(turn))
        cover = (along < length) & (across < width)
        colour = rng.random((count, 1, 1, 3), dtype=np.float32)
        np.copyto(images, colour, where=cover[..., None])
