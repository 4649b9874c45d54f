"""What an image file is made of, before a decoder sees it."""

import io
import zlib

import pytest
from PIL import Image

from core.data.decode import decode_image
from core.data.limits import LIMITS, Limits
from core.data.parts import jpeg_header_pieces, jpeg_scans, png_chunks
from core.errors import BadInput
from tests.unit.data.pictures import encoded, pixels, png

MOST = 200
EMPTY_CHUNK = b"\0\0\0\0teSt" + zlib.crc32(b"teSt").to_bytes(4, "big")
PROGRESSIVE = 10
"""Scans that Pillow's encoder makes of a colour picture."""


def photo(side: int = 16) -> Image.Image:
    return Image.fromarray(pixels(1, side))


def progressive(more_scans: int = 0) -> bytes:
    buffer = io.BytesIO()
    photo().save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content[content.rfind(b"\xff\xda") : -2]
    return content[:-2] + last * more_scans + content[-2:]


class TestPng:
    def test_it_is_whole_up_to_its_end_alone(self) -> None:
        whole = png(1)
        assert png_chunks(whole, MOST) == 3
        assert png_chunks(whole + b"and more behind it", MOST) == 3
        assert not any(png_chunks(whole[:length], MOST) for length in range(8, len(whole)))

    def test_any_changed_bit_is_noticed(self) -> None:
        whole = png(1)
        for at in range(8, len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 1
            assert not png_chunks(bytes(changed), MOST), at

    def test_more_than_the_most_are_not_counted(self) -> None:
        whole = png(1)
        many = whole[:33] + EMPTY_CHUNK * 50 + whole[33:]
        assert png_chunks(many, MOST) == 53 and png_chunks(many, 10) == 11

    def test_a_picture_of_too_many_is_refused(self) -> None:
        whole = png(1)
        many = whole[:33] + EMPTY_CHUNK * 50 + whole[33:]
        assert decode_image(many, "a.png").size
        with pytest.raises(BadInput, match="is cut into more than 40 pieces; save it again"):
            decode_image(many, "a.png", limits=Limits(image_pieces=40))


class TestJpeg:
    @pytest.mark.parametrize("more", [0, 1, 7])
    def test_scans_are_counted(self, more: int) -> None:
        assert jpeg_scans(progressive(more), MOST) == PROGRESSIVE + more

    def test_a_plain_one_has_one(self) -> None:
        assert jpeg_scans(encoded(photo(64), "JPEG"), MOST) == 1

    def test_what_stands_behind_its_end_or_in_its_metadata_is_none_of_it(self) -> None:
        preview = progressive()
        content = encoded(photo(), "JPEG")
        segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
        assert jpeg_scans(content[:2] + segment + content[2:] + preview, MOST) == 1

    @pytest.mark.parametrize("cut", range(2, 40, 3))
    def test_one_cut_short_is_counted_as_far_as_it_goes(self, cut: int) -> None:
        assert jpeg_scans(encoded(photo(), "JPEG")[:cut], MOST) == 0

    def test_a_picture_of_too_many_is_refused(self) -> None:
        assert decode_image(progressive(LIMITS.jpeg_scans - PROGRESSIVE), "a.jpg").size
        with pytest.raises(BadInput, match="is built up in more than 32 steps; save it as a plain JPEG"):
            decode_image(progressive(LIMITS.jpeg_scans - PROGRESSIVE + 1), "a.jpg")

    @pytest.mark.parametrize("piece", [b"\xff\xe5\0\2", b"\xff", b"\xff\xd0", b"\xff\xe5\0\2no mark"])
    def test_a_header_of_too_many_pieces_is_refused(self, piece: bytes) -> None:
        plain = encoded(photo(), "JPEG")
        few, many = (plain[:2] + piece * count + plain[2:] for count in (10, 20_000))
        assert jpeg_header_pieces(plain, MOST) < jpeg_header_pieces(few, MOST) < MOST
        with pytest.raises(BadInput, match="is cut into more than 20,000 pieces; save it again"):
            decode_image(many, "a.jpg")
