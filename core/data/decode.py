"""Images out of untrusted bytes, and their way to a square of pixels.

Transparent parts are laid on white: that is what a browser shows behind a picture, and most
drawings with transparency are dark on nothing. An animation or a file of several pages counts as
its first frame.
"""

from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from core.data.clock import Clock, ClockedBytes
from core.data.limits import LIMITS, Limits
from core.data.parts import JPEG, PNG, jpeg_header_pieces, jpeg_scans, png_chunks
from core.data.signature import kind_by_content
from core.errors import BadInput, shown

Resize = Literal["crop", "pad", "stretch"]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
KINDS = "PNG, JPEG, WebP, BMP, GIF or TIFF"
"""The formats as a person reads them."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff")

_PLAIN = ("RGB", "L")
_ORIENTATION = 0x0112
_MORE_FRAMES = "more frames"


def decode_image(
    content: bytes, name: str, *, limits: Limits = LIMITS, formats: tuple[str, ...] = FORMATS
) -> Image.Image:
    """The image in `content`: mode 'RGB' or 'L', upright, without its metadata; of several frames or
    pages the first (see `first_frame_sentence`).

    `name` stands in the message of the BadInput that is raised for anything else.
    """
    name = shown(name, 200)
    if not content:
        raise BadInput(f"{name} is empty; save it again.")
    if len(content) > limits.image_bytes:
        raise BadInput(f"{name} is larger than {limits.image_bytes // 1024**2} MB; save it smaller.")
    slow = (
        f"{name} takes more than {limits.image_seconds:g} seconds to decode; save it as a plain JPEG or PNG."
    )
    clock = Clock(limits.image_seconds, slow)
    _check_parts(content, name, limits)
    try:
        # Pillow's decoders raise a dozen kinds of errors on hostile bytes; all mean the same here.
        with Image.open(ClockedBytes(content, clock), formats=formats) as image:
            _check_size(image.size, name, limits)
            _check_metadata(image, name, limits)
            several = _has_more_frames(image)
            image.load()
            _check_metadata(image, name, limits)
            plain = _plain(_upright(image), name)
            # Decoders that take all of the file at once never asked, and an answer may have been caught.
            clock.check()
            plain.info = {_MORE_FRAMES: True} if several else {}
            return plain
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(_too_many_pixels(name, limits)) from error
    except UnidentifiedImageError as error:
        kind = kind_by_content(content)
        raise BadInput(
            f"{name} is not an image that can be read but {kind}; save it as PNG or JPEG."
            if kind
            else f"{name} is not an image that can be read; give a {KINDS}."
        ) from error
    except Exception as error:
        if "MAX_TEXT" in str(error):
            most = PngImagePlugin.MAX_TEXT_CHUNK // 1024**2
            raise BadInput(_too_much_metadata(name, most)) from error
        raise BadInput(f"{name} is damaged or cut short; save it again.") from error


def first_frame_sentence(image: Image.Image, name: str) -> str:
    """What to say of an image that `decode_image` gave, where there was more in it; else empty."""
    if _MORE_FRAMES not in image.info:
        return ""
    return f"{shown(name, 200)} has several frames or pages; the first one counts."


def fit_image(image: Image.Image, size: int, resize: Resize, channels: int) -> np.ndarray:
    """The image as uint8 (size, size, channels): the only way from a picture to pixels.

    'crop' keeps the aspect and cuts the middle out, 'pad' keeps the aspect and fills up with
    black, 'stretch' squeezes. Scaling is bilinear with anti-aliasing, torchvision's own default.
    """
    mode = "L" if channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (size, size):
        image = _resized(image, size, resize)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[..., None] if channels == 1 else pixels


def _resized(image: Image.Image, size: int, resize: Resize) -> Image.Image:
    width, height = image.size
    if resize == "stretch":
        return _scaled(image, (size, size))
    if resize == "pad":
        scale = size / max(width, height)
        inner = _scaled(image, (max(1, round(width * scale)), max(1, round(height * scale))))
        padded = Image.new(image.mode, (size, size))
        padded.paste(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
        return padded
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return _scaled(image, (size, size), (left, top, left + side, top + side))


def _scaled(
    image: Image.Image, size: tuple[int, int], box: tuple[int, int, int, int] | None = None
) -> Image.Image:
    # A gap of 3 lets Pillow shrink huge photographs by whole factors first, with the same look.
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)


def _check_parts(content: bytes, name: str, limits: Limits) -> None:
    """Raise BadInput for a PNG that is not whole, and for what would take a decoder very long."""
    pieces = 0
    if content.startswith(PNG):
        pieces = png_chunks(content, limits.image_pieces)
        if not pieces:
            raise BadInput(f"{name} is damaged or cut short: a checksum in it does not fit; save it again.")
    elif content.startswith(JPEG):
        pieces = jpeg_header_pieces(content, limits.image_pieces)
        if jpeg_scans(content, limits.jpeg_scans) > limits.jpeg_scans:
            raise BadInput(
                f"{name} is built up in more than {limits.jpeg_scans} steps; save it as a plain JPEG or PNG."
            )
    if pieces > limits.image_pieces:
        raise BadInput(f"{name} is cut into more than {limits.image_pieces:,} pieces; save it again.")


def _check_size(size: tuple[int, int], name: str, limits: Limits) -> None:
    width, height = size
    if width * height > limits.image_pixels:
        raise BadInput(_too_many_pixels(name, limits))
    if max(width, height) > limits.image_aspect * min(width, height):
        raise BadInput(
            f"{name} is {width} x {height} pixels; at most {limits.image_aspect:g} times as long as wide "
            "can be used, so cut it first."
        )


def _check_metadata(image: Image.Image, name: str, limits: Limits) -> None:
    sizes = (len(value) for value in image.info.values() if isinstance(value, str | bytes))
    if sum(sizes) > limits.image_metadata_bytes:
        raise BadInput(_too_much_metadata(name, limits.image_metadata_bytes // 1024**2))


def _too_much_metadata(name: str, most: int) -> str:
    return f"{name} carries more than {most} MB of colour profile, texts or other metadata; save it without."


def _has_more_frames(image: Image.Image) -> bool:
    """Whether it is an animation or a file of several pages. The second picture that phones put into a
    JPEG is a preview of the first, and doesn't count."""
    try:
        return image.format in ("PNG", "WEBP", "GIF", "TIFF") and bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001  (what comes after the first frame may be broken)
        return False


def _too_many_pixels(name: str, limits: Limits) -> str:
    return f"{name} has more than {limits.image_pixels // 10**6} megapixels; save it smaller."


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says; an unreadable EXIF block counts as none."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
    except Exception:  # noqa: BLE001  (as above: any error of the parser)
        return image
    return ImageOps.exif_transpose(image) if turned else image


def _plain(image: Image.Image, name: str) -> Image.Image:
    """Mode 'L' or 'RGB', without metadata."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _from_16_bit(image)
    if mode in ("I", "F"):
        raise BadInput(f"{name} has 32 bits per pixel; save it with 8 or 16 bits.")
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return _on_white(image)
    if mode in _PLAIN:
        return _bare(image)
    return _bare(image.convert("L" if mode == "1" else "RGB"))


def _from_16_bit(image: Image.Image) -> Image.Image:
    wide = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    grey = image.mode in ("L", "LA", "La", "1")
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    paper.alpha_composite(layer)
    return _bare(paper.convert("L" if grey else "RGB"))


def _bare(image: Image.Image) -> Image.Image:
    """The same pixels without EXIF, profiles, comments."""
    image.load()
    bare = image if type(image) is Image.Image else image.copy()
    info: dict[Any, Any] = {}
    bare.info = info
    return bare
