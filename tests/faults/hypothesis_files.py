"""Hostile files as Hypothesis draws them: archives, checkpoints, images."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.faults.fuzz_mutations import NAME_PARTS, NUMBERS, as_json
from tests.faults.fuzz_of_data import PNG_BOMB, PNG_EXTRAS, Images, ImportedZip, png_chunks, png_of
from tests.faults.fuzz_of_runs import GROWN, Checkpoints, with_header, with_texts
from tests.faults.fuzz_zips import CONTENTS, GOOD, KINDS, as_zip64, header_numbers
from tests.faults.hypothesis_strategies import (
    STRINGS,
    VALUES,
    Draw,
    as_text,
    documents,
    mutated,
    near,
    one_in,
)
from tests.unit.data.pictures import png

# Archives

_PARTS = st.one_of(
    st.sampled_from(GOOD), st.sampled_from(NAME_PARTS), st.text(st.characters(exclude_categories=["Cs"]))
)
_HOSTILE = st.tuples(st.sampled_from(["/", "", "\\"]), st.lists(_PARTS, min_size=1, max_size=3)).map(
    lambda drawn: drawn[0].join(drawn[1]).encode("utf-8", "replace").decode()
)
_INSIDE = st.one_of(st.just(png(0)), st.sampled_from(CONTENTS), st.binary(max_size=40))


@st.composite
def _member(draw: Draw[Any], name: str, hostile: bool) -> tuple[zipfile.ZipInfo, bytes]:
    """One entry; a hostile one may be said to be anything."""
    member = zipfile.ZipInfo("x")
    member.filename = name
    member.compress_type = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    if hostile:
        kinds = st.sampled_from(KINDS).map(lambda kind: kind << 16)
        member.external_attr = draw(kinds | st.integers(0, 2**32 - 1))
        member.create_system = draw(st.sampled_from((3, 0, 10, 255)))
        member.extra = draw(st.binary(max_size=24))
        member.comment = draw(st.binary(max_size=8))
    return member, draw(_INSIDE) if draw(one_in(3)) else png(len(name) % 3)


@st.composite
def _archive(draw: Draw[Any]) -> bytes:
    names = [(name, False) for name in draw(st.lists(st.sampled_from(GOOD), max_size=6, unique=True))]
    if draw(one_in(2)):
        for name in draw(st.lists(_HOSTILE | st.sampled_from(GOOD), min_size=1, max_size=2)):
            names.insert(draw(st.integers(0, len(names))), (name, True))
    around = draw(st.sampled_from(("", "pets/")))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name, hostile in names:
            archive.writestr(*draw(_member(around + name, hostile)))
        archive.comment = draw(st.binary(max_size=30)) if draw(one_in(10)) else b""
    return buffer.getvalue()


@st.composite
def _lying(draw: Draw[Any], content: bytes) -> bytes:
    """The archive with up to three numbers of its headers changed: sizes, offsets, counts, flags."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at, form = draw(st.sampled_from(header_numbers(content)))
        (old,) = struct.unpack_from("<" + form, changed, at)
        near_old = st.sampled_from((old + 1, old - 1, old ^ 1, old ^ 8, 2 * old))
        value = draw(st.one_of(near_old, st.sampled_from(NUMBERS), st.integers(0, 2**32 - 1)))
        struct.pack_into("<" + form, changed, at, value % 256 ** struct.calcsize(form))
    return bytes(changed)


@st.composite
def zips(draw: Draw[Any], target: ImportedZip) -> bytes:
    """Archives: hostile names and attributes, lying headers, bytes cut off, flipped or put in."""
    content = draw(_archive())
    if draw(one_in(8)):
        numbers = st.none() | st.sampled_from(NUMBERS)
        place, first = draw(numbers), draw(numbers | st.just(0xFFFF))
        content = as_zip64(
            content, None if place is None else place % 2**64, None if first is None else first % 2**16
        )
    if draw(one_in(3)):
        content = draw(_lying(content))
    return draw(mutated(content, least=1)) if draw(one_in(4)) else content


# Checkpoints

_TYPES = ["F32", "F64", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E5M2", "F4", "f32", "Q9"]
_SIZES = st.integers(0, 64) | st.sampled_from(NUMBERS) | st.integers(-(2**70), 2**70)
_FIELDS = {
    "dtype": st.sampled_from(_TYPES) | VALUES,
    "shape": st.lists(_SIZES, max_size=4) | VALUES,
    "data_offsets": st.lists(_SIZES, min_size=2, max_size=2) | VALUES,
}


@st.composite
def _lying_header(draw: Draw[Any], header: dict[str, Any]) -> dict[str, Any]:
    """The header with tensors of other types, shapes and places, or under other names."""
    changed = {name: dict(entry) for name, entry in header.items()}
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(changed)))
        match draw(st.integers(0, 3)):
            case 0 | 1 if name != "__metadata__":
                field = draw(st.sampled_from(sorted(_FIELDS)))
                changed[name][field] = draw(_FIELDS[field])
            case 2:
                changed[draw(STRINGS)] = dict(changed[name])
            case _ if len(changed) > 1:
                del changed[name]
    return changed


@st.composite
def _with_hostile_texts(draw: Draw[Any], target: Checkpoints) -> bytes:
    """Texts that are hostile under the checksum that belongs to them."""
    texts = dict(target.header["__metadata__"])
    for key in draw(st.lists(st.sampled_from(sorted(texts)), min_size=1, max_size=2, unique=True)):
        value = draw(near([json.loads(texts[key])]))
        content = draw(as_text(value))
        texts[key] = (draw(mutated(content)) if draw(one_in(6)) else content).decode("utf-8", "replace")
    return with_texts(target.header, texts, target.body)


@st.composite
def _any_header(draw: Draw[Any], header: dict[str, Any], body: bytes) -> bytes:
    """A header out of the JSON strategies, a lying length, and a body of another size."""
    packed = draw(documents([header]) | _lying_header(header).map(lambda h: as_json(h, None, True, 300)))
    content = with_header(packed, body)
    if draw(one_in(4)):
        size = draw(st.integers(0, len(content)) | st.sampled_from(NUMBERS) | st.integers(0, 2**64 - 1))
        content = struct.pack("<Q", size % 2**64) + content[8:]
    if draw(one_in(4)):
        content = content[: draw(st.integers(0, len(content)))] + draw(st.binary(max_size=16))
    return content


@st.composite
def _grown(draw: Draw[Any], target: Checkpoints) -> bytes:
    """A history or rows of somebody who can count."""
    name = draw(st.sampled_from(GROWN))
    return target.grown(name, draw(documents([target.stored(name)])))


def tensors(target: Checkpoints) -> st.SearchStrategy[bytes]:
    """Checkpoints: lying lengths, types, shapes and places, hostile texts, bytes cut off or changed."""
    return st.one_of(
        _with_hostile_texts(target),
        _with_hostile_texts(target),
        _with_hostile_texts(target),
        _lying_header(target.header).map(lambda h: with_header(as_json(h, None, True, 300), target.body)),
        _any_header(target.header, target.body),
        _grown(target),
        _grown(target),
        mutated(target.whole, least=1),
        mutated(target.whole[:200], least=1),
        st.builds(with_header, documents([{}, {"__metadata__": {}}]), st.binary(max_size=64)),
    )


# Images

_MAGICS = [
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"\xff\xd8\xff\xe1\0\x18Exif\0\0",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"RIFF\x20\0\0\0WEBPVP8L",
    b"RIFF\x20\0\0\0WEBPVP8X",
]


@st.composite
def _with_new_sums(draw: Draw[Any], pngs: Sequence[bytes]) -> bytes:
    """A PNG with chunks changed, doubled, added or lying, each with the checksum that belongs to it."""
    chunks = png_chunks(draw(st.sampled_from(pngs)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(chunks) - 1))
        kind, body = chunks[place]
        match draw(st.integers(0, 3)):
            case 0:
                chunks[place] = (kind, draw(mutated(body, 1, 2)))
            case 1:
                chunks.insert(draw(st.integers(0, len(chunks))), (kind, body))
            case 2:
                inside = draw(st.sampled_from((body, PNG_BOMB)))
                chunks.insert(place, (draw(st.sampled_from(PNG_EXTRAS)), draw(mutated(inside))))
            case _:
                sizes = st.integers(0, 40) | st.sampled_from(NUMBERS)
                dimensions = struct.pack(">2I", draw(sizes) % 2**32, draw(sizes) % 2**32)
                way = bytes(
                    draw(st.lists(st.sampled_from((0, 1, 2, 3, 4, 6, 8, 16)), min_size=5, max_size=5))
                )
                chunks[0] = (b"IHDR", dimensions + way)
    return png_of(chunks)


@st.composite
def images(draw: Draw[Any], target: Images) -> tuple[bytes, int, str, int]:
    """Images with changed bytes or chunks, or a valid beginning and anything; and how they are fitted."""
    content = draw(
        st.one_of(
            st.sampled_from(target.seeds).flatmap(mutated),
            st.sampled_from(target.seeds).flatmap(lambda seed: mutated(seed, 1, 2)),
            _with_new_sums(target.pngs),
            st.builds(bytes.__add__, st.sampled_from(_MAGICS), st.binary(max_size=200)),
        )
    )
    resize = draw(st.sampled_from(("crop", "pad", "stretch")))
    return content, draw(st.sampled_from((8, 16))), resize, draw(st.sampled_from((1, 3)))
