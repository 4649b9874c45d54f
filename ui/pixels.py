"""Small images at their true pixels, enlarged by a whole factor without smoothing.

Two ways: one PNG of many images for `st.image`, and HTML for `st.html`, which wraps with the
window, stays crisp on every screen, and can carry captions and frames in the theme's own colours.
"""

import base64
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

Frame = Literal["none", "right", "wrong"]

RIGHT, WRONG = "#009e73", "#d55e00"
"""Green and vermilion of Okabe and Ito: they differ in brightness too, and a mark says the same."""


def factor_for(size: int, target: int = 96) -> int:
    """The whole factor that brings `size` pixels nearest to `target` on the screen, at least 1."""
    return max(1, round(target / size))


def png(pixels: np.ndarray, factor: int = 1) -> bytes:
    """A uint8 image (H, W), (H, W, 1) or (H, W, 3) as PNG, every pixel a square of factor x factor."""
    return _encoded(_picture(pixels, factor))


def grid_png(
    images: Sequence[np.ndarray] | np.ndarray,
    *,
    columns: int,
    factor: int = 1,
    gap: int = 4,
) -> bytes:
    """Images (H, W, C) of one size in rows of `columns`, as one PNG on a transparent ground."""
    if len(images) == 0:
        raise ValueError("a grid needs at least one image")
    pictures = [_picture(image, factor) for image in images]
    width, height = pictures[0].size
    cell = (width + gap, height + gap)
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGBA", (columns * cell[0] + gap, rows * cell[1] + gap))
    for at, picture in enumerate(pictures):
        sheet.paste(picture, (gap + at % columns * cell[0], gap + at // columns * cell[1]))
    return _encoded(sheet)


@dataclass(frozen=True)
class Tile:
    """One image of a `tiles` grid."""

    pixels: np.ndarray
    caption: str = ""
    frame: Frame = "none"
    tooltip: str = ""


def image_tag(pixels: np.ndarray, factor: int, *, alt: str, frame: Frame = "none", tooltip: str = "") -> str:
    """An `<img>` with the true pixels; the browser enlarges them without smoothing."""
    height, width = pixels.shape[:2]
    source = base64.b64encode(png(pixels)).decode()
    color = {"none": "", "right": RIGHT, "wrong": WRONG}[frame]
    outline = f"outline:2px solid {color};" if color else ""
    return (
        f'<img src="data:image/png;base64,{source}" width="{width * factor}" height="{height * factor}" '
        f'alt="{html.escape(alt)}" title="{html.escape(tooltip or alt)}" '
        f'style="image-rendering:pixelated;display:block;max-width:none;border-radius:2px;{outline}">'
    )


def tiles(items: Sequence[Tile], factor: int, *, gap: int = 8) -> str:
    """HTML of images side by side that wrap with the window, each with its caption below."""
    figures = []
    for item in items:
        width = item.pixels.shape[1] * factor
        tag = image_tag(
            item.pixels,
            factor,
            alt=item.caption or item.tooltip or "image",
            frame=item.frame,
            tooltip=item.tooltip,
        )
        caption = _caption(item, max(width, 56)) if item.caption else ""
        figures.append(f'<figure style="margin:0;">{tag}{caption}</figure>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:{gap}px;padding:2px;">{"".join(figures)}</div>'


def _caption(item: Tile, width: int) -> str:
    mark = {"none": "", "right": "✓ ", "wrong": "✗ "}[item.frame]
    return (
        f'<figcaption style="width:{width}px;font-size:0.78rem;line-height:1.25;opacity:0.8;overflow:hidden;'
        f"display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow-wrap:anywhere;"
        f'font-variant-numeric:tabular-nums;" '
        f'title="{html.escape(item.caption)}">{mark}{html.escape(item.caption)}</figcaption>'
    )


def _picture(pixels: np.ndarray, factor: int) -> Image.Image:
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels must be uint8, got {pixels.dtype}")
    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return Image.fromarray(np.ascontiguousarray(flat.repeat(factor, axis=0).repeat(factor, axis=1)))


def _encoded(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG", compress_level=3)
    return target.getvalue()
