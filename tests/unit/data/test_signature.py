"""What a file is by its first bytes."""

import io
import tarfile

import pytest
from PIL import Image

from core.data.signature import kind_by_content
from tests.unit.data.pictures import encoded, pixels

PHOTO = Image.fromarray(pixels(1, 16))


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encoded(PHOTO, "PDF"), "a PDF document"),
        (encoded(PHOTO, "EPS"), "an EPS drawing"),
        (encoded(PHOTO, "ICO"), "an icon"),
        (encoded(PHOTO, "JPEG2000"), "a JPEG 2000 image"),
        (b"\0\0\0\x18ftypheic", "a HEIC photograph"),
        (b"\0\0\0\x18ftypavif", "an AVIF image"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (_tar(), "a tar archive"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\x80\x04\x95", "a pickle, which may hold programs"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML>", "a web page"),
        (b'<?xml version="1.0"?><svg/>', "an SVG drawing"),
    ],
)
def test_what_people_mix_up_with_images_is_named(content: bytes, kind: str) -> None:
    assert kind_by_content(content) == kind


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"<note/>", encoded(PHOTO, "PNG"), encoded(PHOTO, "JPEG")]
)
def test_anything_else_has_no_name(content: bytes) -> None:
    assert kind_by_content(content) == ""
