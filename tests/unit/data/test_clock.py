"""Time as a limit of untrusted files."""

import io
import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import clock
from core.data.archive import extract_zip
from core.data.clock import Clock, ClockedBytes
from core.data.decode import decode_image
from core.data.limits import LIMITS
from core.errors import BadInput

from .pictures import encoded

LARGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
"""Noise: more bytes than a decoder asks for at once."""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> "itertools.count[float]":
    """Every look at the clock is seven seconds after the one before."""
    times = itertools.count(0.0, 7.0)
    monkeypatch.setattr(clock.time, "monotonic", lambda: next(times))
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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF"])
def test_an_image_that_takes_too_long_is_refused(kind: str, slow: "itertools.count[float]") -> None:
    content = encoded(LARGE, kind)
    with pytest.raises(BadInput) as caught:
        decode_image(content, "cat.png")
    assert str(caught.value) == (
        "cat.png takes more than 30 seconds to decode; save it as a plain JPEG or PNG."
    )
    assert next(slow) >= LIMITS.image_seconds


def test_an_archive_that_takes_too_long_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = itertools.count(0.0, 1000.0)
    monkeypatch.setattr(clock.time, "monotonic", lambda: next(times))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(8):
            archive.writestr(f"{number}.png", b"x")
    with pytest.raises(BadInput) as caught:
        extract_zip(file, tmp_path / "out", name="pets.zip")
    assert str(caught.value) == (
        "pets.zip takes more than 60 minutes to extract; unpack it yourself and give the folder."
    )
    assert list(tmp_path.iterdir()) == []
