"""Zip archives, hostile in their names, their headers and their bytes."""

import io
import stat
import struct
import warnings
import zipfile
from random import Random

from tests.faults.fuzz_mutations import NUMBERS, hostile_name, mutated_bytes
from tests.unit.data.pictures import png

GOOD = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png", "train/cat/3.png", "test/9.png", "train.csv")
CONTENTS = (
    b"",
    b"x",
    png(1),
    png(2)[:40],
    b"Id,Category\n1.png,a\n2.png,b\n",
    bytes(5_000),
    b"PK\x05\x06" + bytes(18),
)
KINDS = (
    0,
    0,
    0,
    0,
    stat.S_IFREG | 0o644,
    stat.S_IFDIR | 0o755,
    stat.S_IFLNK | 0o777,
    stat.S_IFIFO,
    stat.S_IFCHR,
)


def hostile_zip(rng: Random) -> bytes:
    """One of three: hostile members, a whole archive with numbers of its headers changed, changed bytes."""
    hostile = rng.random()
    content = _packed(rng, names_hostile=hostile < 0.4)
    if 0.4 < hostile < 0.5:
        content = _as_zip64(rng, content)
    if hostile > 0.45:
        content = _changed_headers(rng, content)
    return mutated_bytes(rng, [content]) if rng.random() < 0.2 else content


def _packed(rng: Random, *, names_hostile: bool) -> bytes:
    buffer = io.BytesIO()
    names = rng.sample(GOOD, rng.randint(1, len(GOOD)))
    if names_hostile:
        names.insert(
            rng.randrange(len(names) + 1), hostile_name(rng, GOOD).encode("utf-8", "replace").decode()
        )
    around = rng.choice(("", "", "pets/"))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            member = zipfile.ZipInfo("x")
            member.filename = around + name
            member.compress_type = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            if names_hostile:
                member.external_attr = rng.choice(KINDS) << 16
            archive.writestr(member, rng.choice(CONTENTS) if rng.random() < 0.5 else png(rng.randrange(3)))
        if rng.random() < 0.1:
            archive.comment = bytes(rng.randrange(256) for _ in range(rng.choice((1, 30, 3_000))))
    return buffer.getvalue()


def _as_zip64(rng: Random, content: bytes) -> bytes:
    place = rng.choice((None, None, rng.choice(NUMBERS) % 2**64))
    return as_zip64(content, place, rng.choice((0xFFFF, None, rng.choice(NUMBERS) % 2**16)))


def as_zip64(content: bytes, place: int | None, first: int | None) -> bytes:
    """The same archive with the end that archives of more than 4 GB have, said to be at `place`, and an
    ordinary end that says `first` entries: it leaves the number to the other, says the same (None), or
    contradicts it."""
    end = content.rindex(b"PK\x05\x06")
    entries, size, start = struct.unpack_from("<HII", content, end + 10)
    place, first = end if place is None else place, entries if first is None else first
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, first, first, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:end] + record + locator + last


_FIELDS = {
    b"PK\x06\x06": ((24, "Q"), (32, "Q"), (40, "Q"), (48, "Q")),
    b"PK\x06\x07": ((8, "Q"),),
    b"PK\x03\x04": ((4, "H"), (6, "H"), (8, "H"), (14, "I"), (18, "I"), (22, "I"), (26, "H"), (28, "H")),
    b"PK\x01\x02": (
        *((at, "H") for at in (4, 6, 8, 10, 28, 30, 32, 34, 36)),
        *((at, "I") for at in (12, 16, 20, 24, 38, 42)),
    ),
    b"PK\x05\x06": ((4, "H"), (6, "H"), (8, "H"), (10, "H"), (12, "I"), (16, "I"), (20, "H")),
}
"""Where the numbers of each kind of header stand, by its signature."""


def _changed_headers(rng: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        signature = rng.choice(sorted(_FIELDS))
        places, at = [], changed.find(signature)
        while at >= 0:
            places.append(at)
            at = changed.find(signature, at + 4)
        if not places:
            continue
        place = rng.choice(places)
        offset, form = rng.choice(_FIELDS[signature])
        if place + offset + struct.calcsize(form) > len(changed):
            continue
        (old,) = struct.unpack_from("<" + form, changed, place + offset)
        value = rng.choice((rng.choice(NUMBERS), old + 1, old - 1, old ^ 1, old ^ 8))
        struct.pack_into("<" + form, changed, place + offset, value % 256 ** struct.calcsize(form))
    return bytes(changed)


def header_numbers(content: bytes) -> list[tuple[int, str]]:
    """Every number of a header, as where it stands and how it is packed."""
    found = []
    for signature, fields in sorted(_FIELDS.items()):
        at = content.find(signature)
        while at >= 0:
            found += [(at + offset, form) for offset, form in fields]
            at = content.find(signature, at + 4)
    return [(at, form) for at, form in found if at + struct.calcsize(form) <= len(content)]
