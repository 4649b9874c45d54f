"""What an image file is made of, before a decoder sees it: whether it is whole, and how much work it is.

A picture's size does not say how long it takes to decode: a file may hold a million empty pieces, and a
progressive JPEG draws the whole picture again with every scan, of which a few bytes are enough.
"""

import re
import struct
import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
"""What every PNG begins with."""
JPEG = b"\xff\xd8\xff"
"""What every JPEG begins with."""
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers that no length follows."""
_SCAN, _END = 0xDA, 0xD9


def png_chunks(content: bytes, most: int) -> int:
    """How many chunks a PNG has up to its end; counted no further than to one more than `most`. 0 where
    the end is missing, or a chunk's checksum does not fit.

    Pillow looks at some chunks' checksums only, and takes a picture whose end is missing. Source: the PNG
    specification, 5.3.
    """
    whole, at, found = memoryview(content), len(PNG), 0
    while at + 12 <= len(whole):
        size, kind = struct.unpack_from(">I4s", whole, at)
        end = at + 12 + size
        if (
            end > len(whole)
            or zlib.crc32(whole[at + 4 : end - 4]) != struct.unpack_from(">I", whole, end - 4)[0]
        ):
            return 0
        found += 1
        if kind == b"IEND" or found > most:
            return found
        at = end
    return 0


def jpeg_scans(content: bytes, most: int) -> int:
    """How many scans a JPEG has up to its end; counted no further than to one more than `most`. A preview
    inside its metadata is no scan of it. Source: ITU-T T.81, B.1.1 and B.2."""
    found = 0
    for kind, _ in _markers(content):
        found += kind == _SCAN
        if found > most:
            break
    return found


def jpeg_header_pieces(content: bytes, most: int) -> int:
    """How many bytes before a JPEG's first scan belong to no segment, but are markers, fill bytes or junk:
    a reader takes them one by one. Counted no further than to some more than `most`."""
    found = 0
    for kind, outside in _markers(content):
        found += outside
        if kind == _SCAN or found > most:
            break
    return found


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """The markers of a JPEG up to its end, and of how many bytes each was found behind the segment before,
    its own with them."""
    at = 0
    while (marker := _MARKER.search(content, at)) and marker[1][0] != _END:
        kind, outside, at = marker[1][0], marker.end() - at, marker.end()
        yield kind, outside
        if kind not in _ALONE and at + 2 <= len(content):
            at += struct.unpack_from(">H", content, at)[0]
