"""Images that are refused, as bytes under the name that a person might give them."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin

from core.data.decode import decode_image
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit.data.pictures import encoded, pixels, png

PHOTO = Image.fromarray(pixels(1, 24))


def cut(kind: str, share: float = 0.6) -> bytes:
    """The first part of a file of this format."""
    whole = encoded(PHOTO, kind)
    return whole[: int(len(whole) * share)]


def chunk(kind: bytes, body: bytes) -> bytes:
    """One part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """A whole PNG with one part more, behind its header."""
    whole = png(1)
    return whole[:33] + chunk(kind, body) + whole[33:]


def flipped(part: bytes) -> bytes:
    """A PNG with one bit of a part's checksum changed."""
    whole = bytearray(with_chunk(b"tEXt", b"where\0at home"))
    at = whole.index(part)
    (size,) = struct.unpack_from(">I", whole, at - 4)
    whole[at + 4 + size] ^= 1
    return bytes(whole)


def header_only(width: int, height: int) -> bytes:
    """A PNG that says it is of this size, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def with_profile(kind: str) -> bytes:
    """A photograph whose colour profile is larger than any."""
    return encoded(PHOTO, kind, icc_profile=bytes(5_000_000))


def with_text() -> bytes:
    """A PNG with a text of 5 MB that nothing shrinks."""
    text = PngImagePlugin.PngInfo()
    text.add_text("novel", "x" * 5_000_000)
    return encoded(PHOTO, pnginfo=text)


def with_scans() -> bytes:
    """A progressive photograph that is drawn over and over again."""
    whole = encoded(PHOTO, "JPEG", progressive=True)
    return whole[:-2] + whole[whole.rfind(b"\xff\xda") : -2] * 100 + whole[-2:]


def with_segments() -> bytes:
    """A photograph behind a great many empty remarks."""
    whole = encoded(PHOTO, "JPEG")
    return whole[:2] + b"\xff\xfe\0\2" * 20_000 + whole[2:]


def stacked(count: int) -> bytes:
    """Random pixels, larger than a file may be."""
    noise = np.random.default_rng(0).integers(0, 256, (count, count, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "BMP")
    return buffer.getvalue()


_CUT = "is damaged or cut short; save it again."
_SUM = "is damaged or cut short: a checksum in it does not fit; save it again."
_NONE = "is not an image that can be read; give a PNG, JPEG, WebP, BMP, GIF or TIFF."
_PIXELS = "has more than 40 megapixels; save it smaller."
_PIECES = "is cut into more than 20,000 pieces; save it again."
_METADATA = "carries more than {} MB of colour profile, texts or other metadata; save it without."


def _but(kind: str) -> str:
    return f"is not an image that can be read but {kind}; save it as PNG or JPEG."


IMAGES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.png": (lambda: b"", "is empty; save it again."),
    "text.png": (lambda: b"hello, this is text", _NONE),
    "noise.png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(200)), _SUM),
    "signature.png": (lambda: b"\x89PNG\r\n\x1a\n", _SUM),
    "cut-header.png": (lambda: png(1)[:20], _SUM),
    "cut.png": (lambda: png(1)[:120], _SUM),
    "no-end.png": (lambda: png(1)[:-12], _SUM),
    "cut.jpg": (lambda: cut("JPEG"), _CUT),
    "cut.webp": (lambda: cut("WEBP"), _CUT),
    "cut.gif": (lambda: cut("GIF", 0.9), _CUT),
    "cut.bmp": (lambda: cut("BMP"), _CUT),
    "cut.tif": (lambda: cut("TIFF"), _CUT),
    "bad-sum-of-header.png": (lambda: flipped(b"IHDR"), _SUM),
    "bad-sum-of-pixels.png": (lambda: flipped(b"IDAT"), _SUM),
    "bad-sum-of-text.png": (lambda: flipped(b"tEXt"), _SUM),
    "flipped.png": (lambda: png(1)[:60] + b"\0\0" + png(1)[62:], _SUM),
    "bomb.png": (lambda: encoded(Image.new("1", (8_000, 6_000))), _PIXELS),
    "bomb-header.png": (lambda: header_only(60_000, 60_000), _PIXELS),
    "largest-header.png": (lambda: header_only(2**31 - 1, 2**31 - 1), _PIXELS),
    "nothing-wide.png": (lambda: header_only(0, 10), _NONE),
    "wide.png": (
        lambda: encoded(Image.new("L", (1_010, 10))),
        "is 1010 x 10 pixels; at most 100 times as long as wide can be used, so cut it first.",
    ),
    "tall.png": (
        lambda: encoded(Image.new("L", (1, 101))),
        "is 1 x 101 pixels; at most 100 times as long as wide can be used, so cut it first.",
    ),
    "eps.png": (lambda: encoded(PHOTO, "EPS"), _but("an EPS drawing")),
    "pdf.png": (lambda: encoded(PHOTO, "PDF"), _but("a PDF document")),
    "psd.jpg": (lambda: b"8BPS\0\1" + bytes(60), _but("a Photoshop document")),
    "svg.png": (lambda: b'<?xml version="1.0"?>\n<svg xmlns="x"/>', _but("an SVG drawing")),
    "heic.jpg": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), _but("a HEIC photograph")),
    "avif.png": (lambda: b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(40), _but("an AVIF image")),
    "video.gif": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(40), _but("a video")),
    "page.png": (lambda: b"<!DOCTYPE html><title>404</title>", _but("a web page")),
    "icon.png": (lambda: encoded(PHOTO, "ICO"), _but("an icon")),
    "jpeg2000.jpg": (lambda: encoded(PHOTO, "JPEG2000"), _but("a JPEG 2000 image")),
    "zip.png": (lambda: b"PK\x03\x04" + bytes(60), _but("a zip archive")),
    "weights.png": (lambda: b"\x80\x02}q\0." + bytes(20), _but("a pickle, which may hold programs")),
    "tga.png": (lambda: encoded(PHOTO, "TGA"), _NONE),
    "ppm.png": (lambda: encoded(PHOTO, "PPM"), _NONE),
    "profile.jpg": (lambda: with_profile("JPEG"), _METADATA.format(4)),
    "profile.webp": (lambda: with_profile("WEBP"), _METADATA.format(4)),
    "profile.png": (
        lambda: with_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(5_000_000))),
        _METADATA.format(1),
    ),
    "text-chunk.png": (with_text, _METADATA.format(4)),
    "text-bomb.png": (
        lambda: with_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(90_000_000))),
        _METADATA.format(1),
    ),
    "float.tif": (
        lambda: encoded(Image.new("F", (8, 8)), "TIFF"),
        "has 32 bits per pixel; save it with 8 or 16 bits.",
    ),
    "integers.tif": (
        lambda: encoded(Image.new("I", (8, 8)), "TIFF"),
        "has 32 bits per pixel; save it with 8 or 16 bits.",
    ),
    "many-chunks.png": (lambda: png(1)[:33] + chunk(b"teSt", b"") * 20_000 + png(1)[33:], _PIECES),
    "many-segments.jpg": (with_segments, _PIECES),
    "many-scans.jpg": (
        with_scans,
        "is built up in more than 32 steps; save it as a plain JPEG or PNG.",
    ),
    "huge.bmp": (lambda: stacked(2_700), "is larger than 20 MB; save it smaller."),
}
"""By name: the bytes, and what is said behind the name."""


def _decoding(name: str) -> Callable[[Desk], Act]:
    return lambda desk: lambda: decode_image(IMAGES[name][0](), name)


BAD_IMAGES = [Bad(name, f"{name} {said}", _decoding(name)) for name, (_, said) in IMAGES.items()]
