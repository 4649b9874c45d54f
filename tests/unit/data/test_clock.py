"""Time as a limit of untrusted files."""

import io
import itertools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile, TiffImagePlugin, WebPImagePlugin

from core.data import clock
from core.data.archive import extract_zip
from core.data.clock import Clock, ClockedBytes
from core.data.decode import FORMATS, decode_image
from core.errors import BadInput

from .pictures import encoded

LARGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
"""Noise: more bytes than a decoder asks for at once."""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> "itertools.count[float]":
    """Every look at the clock is seven seconds after the one before."""
    times = itertools.count(0.0, 7.0)
    monkeypatch.setattr(clock, "monotonic", lambda: next(times))
    return times


def test_a_clock_says_its_sentence_once_the_time_is_over(slow: "itertools.count[float]") -> None:
    running = Clock(10.0, "Too slow.")
    running.check()
    with pytest.raises(BadInput, match=r"^Too slow\.$"):
        running.check()


def test_bytes_are_read_while_the_clock_runs(slow: "itertools.count[float]") -> None:
    file = ClockedBytes(b"abcdef", Clock(20.0, "Too slow."))
    assert file.read(2) == b"ab"
    assert file.read() == b"cdef"
    with pytest.raises(BadInput, match="Too slow"):
        file.read(1)


@pytest.fixture
def slow_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes time but decoding, which takes a minute."""
    now = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])

    def slowly(load: Any) -> Any:
        def loaded(image: Any) -> Any:
            now[0] += 60.0 if image.tile or image.format == "WEBP" else 0.0
            return load(image)

        return loaded

    for kind in (ImageFile.ImageFile, TiffImagePlugin.TiffImageFile, WebPImagePlugin.WebPImageFile):
        monkeypatch.setattr(kind, "load", slowly(kind.load))


def picture(kind: str) -> bytes:
    if kind != "TIFF, compressed":
        return encoded(LARGE, kind)
    file = io.BytesIO()
    LARGE.save(file, "TIFF", compression="tiff_lzw")
    return file.getvalue()


@pytest.mark.parametrize("kind", [*FORMATS, "TIFF, compressed"])
def test_an_image_that_takes_too_long_is_refused(kind: str, slow_decoders: None) -> None:
    with pytest.raises(BadInput) as caught:
        decode_image(picture(kind), "cat.png")
    assert str(caught.value) == (
        "cat.png takes more than 30 seconds to decode; save it as a plain JPEG or PNG."
    )


@pytest.mark.parametrize("kind", [*FORMATS, "TIFF, compressed"])
def test_an_image_that_takes_no_time_is_taken(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
    assert decode_image(picture(kind), "cat.png").size == LARGE.size


@pytest.mark.parametrize("kind", FORMATS)
def test_at_no_look_does_a_late_clock_give_another_picture(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late time runs out, the image is refused, or it is upright as always."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, kind, **({} if kind in ("BMP", "GIF") else {"exif": exif}))
    upright = decode_image(file.getvalue(), "cat.png").size
    refused = 0
    for late in range(1, 60):
        looks = itertools.count()
        monkeypatch.setattr(clock, "monotonic", lambda late=late, looks=looks: 99.0 * (next(looks) >= late))
        try:
            assert decode_image(file.getvalue(), "cat.png").size == upright
        except BadInput:
            refused += 1
    assert 0 < refused < 59


@pytest.mark.parametrize(("files", "size"), [(8, 1), (1, 5 * 1024**2)], ids=["many files", "a large one"])
def test_an_archive_that_takes_too_long_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, size: int
) -> None:
    times = itertools.count(0.0, 1000.0)
    monkeypatch.setattr(clock, "monotonic", lambda: next(times))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(files):
            archive.writestr(f"{number}.png", bytes(size))
    with pytest.raises(BadInput) as caught:
        extract_zip(file, tmp_path / "out", name="pets.zip")
    assert str(caught.value) == (
        "pets.zip takes more than 60 minutes to extract; unpack it yourself and give the folder."
    )
    assert list(tmp_path.iterdir()) == []
