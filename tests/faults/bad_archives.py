"""Archives that are refused as a whole, and those of which a part is left out."""

import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Sequence

from core.classify import zipped_images
from core.data import ZipSource
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit.data.pictures import png

GOOD = tuple(
    (f"{name}/{number}.png", png(10 * label + number))
    for label, name in enumerate(("cat", "dog"))
    for number in range(5)
)
_DEFLATED, _STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def packed(
    *more: tuple[str, bytes], attr: int = 0, method: int = _DEFLATED, good: Sequence[tuple[str, bytes]] = GOOD
) -> bytes:
    """A zip of ten good images, and of further members with these attributes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in (*good, *more):
            member = zipfile.ZipInfo("x")
            member.filename = name
            member.compress_type = method
            member.external_attr = attr << 16 if (name, content) in more else 0
            archive.writestr(member, content)
    return buffer.getvalue()


def patched(offset: int, form: str, value: int, content: bytes | None = None) -> bytes:
    """A zip with one number of its first entry in the directory replaced."""
    changed = bytearray(packed() if content is None else content)
    struct.pack_into("<" + form, changed, changed.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def overlapping() -> bytes:
    """The second entry's bytes are the first one's."""
    changed = bytearray(packed())
    second = changed.index(b"PK\x01\x02", changed.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", changed, second + 42, 0)
    return bytes(changed)


def two_ends(*, entries: int, first: int = 0xFFFF, pointed: int | None = None) -> bytes:
    """A zip with the second end that large archives have: how many files that one speaks of, how many the
    ordinary end, and where the locator between them leads (by default to the second end)."""
    whole = packed()
    end = whole.rindex(b"PK\x05\x06")
    size, start = struct.unpack_from("<II", whole, end + 12)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end if pointed is None else pointed, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, first, first, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return whole[:end] + record + locator + last


def pointed_elsewhere() -> bytes:
    """The locator leads to an end that stands among the files, and another one stands before it."""
    fake = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 0, 0)
    inside = packed(("cat/9.png", fake), method=_STORED)
    large = two_ends(entries=len(GOOD))
    at = inside.index(fake)
    whole = inside[: at + len(fake)] + large
    return whole[:-34] + struct.pack("<Q", at) + whole[-26:]


def uncounted() -> bytes:
    """A directory of 200,001 entries, and an end that speaks of a single one."""
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 200_001 * len(entry), 0, 0)
    return entry * 200_001 + end


def as_tar(mode: str) -> bytes:
    """The same images as a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in GOOD:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


_R = "is refused: "
_RENAME = "; rename it and pack the archive again."
_UNPACK = "; unpack it yourself and give the folder."
_STORE = " is not a name that every system can store" + _RENAME
_CUT = "is not a whole zip archive: it is damaged or cut short; copy or download it again."
_TWO_ENDS = _R + "it has two ends that contradict each other; pack the files again."
_LINK = "; put the file itself into it, or leave it out."

ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent.zip": (
        lambda: packed(("../evil.png", b"x")),
        _R + "'../evil.png' leads out of it ('..'); pack the files again.",
    ),
    "parent-inside.zip": (
        lambda: packed(("cat/../../evil.png", b"x")),
        _R + "'cat/../../evil.png' leads out of it ('..'); pack the files again.",
    ),
    "absolute.zip": (
        lambda: packed(("/etc/evil.png", b"x")),
        _R + "'/etc/evil.png' is an absolute path or has a colon" + _RENAME,
    ),
    "drive.zip": (
        lambda: packed(("C:/evil.png", b"x")),
        _R + "'C:/evil.png' is an absolute path or has a colon" + _RENAME,
    ),
    "colon.zip": (
        lambda: packed(("cat/a.png:stream", b"x")),
        _R + "'cat/a.png:stream' is an absolute path or has a colon" + _RENAME,
    ),
    "backslash.zip": (
        lambda: packed(("cat\\evil.png", b"x")),
        _R + "the name 'cat\\evil.png' has a backslash" + _RENAME,
    ),
    "link.zip": (
        lambda: packed(("cat/link.png", b"/etc/passwd"), attr=stat.S_IFLNK | 0o777),
        _R + "'cat/link.png' is a link" + _LINK,
    ),
    "pipe.zip": (
        lambda: packed(("cat/pipe.png", b""), attr=stat.S_IFIFO),
        _R + "'cat/pipe.png' is no ordinary file" + _LINK,
    ),
    "twice.zip": (lambda: packed(("cat/1.png", b"x")), _R + "'cat/1.png' is in it twice; keep one of them."),
    "case.zip": (
        lambda: packed(("Cat/9.png", b"x")),
        _R + "'Cat' and 'cat' are the same name on some systems" + _RENAME,
    ),
    "unicode.zip": (
        lambda: packed(("caf\u00e9/1.png", b"x"), ("cafe\u0301/2.png", b"x")),
        _R + "'cafe\u0301' and 'caf\u00e9' are the same name on some systems" + _RENAME,
    ),
    "file-and-folder.zip": (lambda: packed(("cat", b"x")), _R + "'cat' is a file and a folder" + _RENAME),
    "file-and-folder-far-above.zip": (
        lambda: packed(("a/b/c/d.png", b"x"), ("a", b"x")),
        _R + "'a' is a file and a folder" + _RENAME,
    ),
    "con.zip": (lambda: packed(("cat/CON.png", b"x")), _R + "'cat/CON.png'" + _STORE),
    "trailing-dot.zip": (lambda: packed(("cat/1.png.", b"x")), _R + "'cat/1.png.'" + _STORE),
    "trailing-space.zip": (lambda: packed(("cat /1.png", b"x")), _R + "'cat /1.png'" + _STORE),
    "newline.zip": (lambda: packed(("cat/a\nb.png", b"x")), _R + "'cat/a?b.png'" + _STORE),
    "nul.zip": (lambda: packed(("cat/a.png\0.exe", b"x")), _R + "'cat/a.png?.exe'" + _STORE),
    "here.zip": (lambda: packed(("./cat/9.png", b"x")), _R + "'./cat/9.png'" + _STORE),
    "long-name.zip": (
        lambda: packed(("cat/" + "x" * 300 + ".png", b"x")),
        _R + "'cat/" + "x" * 73 + "...'" + _STORE,
    ),
    "long-path.zip": (
        lambda: packed(("cat/" + "name/" * 200 + "1.png", b"x")),
        _R + "'cat/" + ("name/" * 15)[:73] + "...'" + _STORE,
    ),
    "deep-path.zip": (
        lambda: packed(("a/" * 70 + "1.png", b"x")),
        _R + "'" + ("a/" * 39)[:77] + "...'" + _STORE,
    ),
    "ratio.zip": (
        lambda: packed(("cat/bomb.bmp", bytes(3 * 1024**2))),
        _R + "'cat/bomb.bmp' expands to more than 100 times its size" + _UNPACK,
    ),
    "ratio-of-all.zip": (
        lambda: packed(*((f"cat/b{number}.bmp", bytes(1024**2)) for number in range(3))),
        _R + "it expands to more than 100 times its size" + _UNPACK,
    ),
    "size-of-all.zip": (
        lambda: patched(20, "I", 2**31, patched(24, "I", 2**31 + 1)),
        _R + "it is larger than 2 GB once extracted" + _UNPACK,
    ),
    "false-size.zip": (lambda: patched(24, "I", 100), _CUT),
    "overlap.zip": (
        overlapping,
        _R + "'cat/1.png' shares its bytes with another file; pack the files again.",
    ),
    "a-million.zip": (
        lambda: two_ends(entries=10**6),
        _R + "it holds more than 200,000 files" + _UNPACK,
    ),
    "hidden-million.zip": (lambda: two_ends(entries=10**6, first=len(GOOD)), _TWO_ENDS),
    "two-ends.zip": (lambda: two_ends(entries=60_000, first=1), _TWO_ENDS),
    "pointed-elsewhere.zip": (pointed_elsewhere, _TWO_ENDS),
    "no-second-end.zip": (
        lambda: two_ends(entries=len(GOOD)).replace(b"PK\x06\x06", b"PK\0\0"),
        _CUT,
    ),
    "uncounted.zip": (uncounted, _R + "it holds more than 200,000 files" + _UNPACK),
    "encrypted.zip": (
        lambda: patched(8, "H", 1),
        _R + "'cat/0.png' is encrypted; pack it without a password.",
    ),
    "bzip2.zip": (
        lambda: packed(method=zipfile.ZIP_BZIP2),
        _R + "'cat/0.png' is compressed in an unusual way; pack it as an ordinary zip.",
    ),
    "lzma.zip": (
        lambda: packed(method=zipfile.ZIP_LZMA),
        _R + "'cat/0.png' is compressed in an unusual way; pack it as an ordinary zip.",
    ),
    "cut.zip": (lambda: packed()[:-30], _CUT),
    "half.zip": (lambda: packed()[: len(packed()) // 2], _CUT),
    "flipped.zip": (lambda: packed()[:60] + b"\xff\xff\xff" + packed()[63:], _CUT),
    "empty.zip": (lambda: b"", "is empty; copy or download it again."),
    "text.zip": (lambda: b"this is text", _CUT),
    "tar.zip": (
        lambda: as_tar("w"),
        "is not a whole zip archive but a tar archive; pack its files as a zip.",
    ),
    "tgz.zip": (
        lambda: as_tar("w:gz"),
        "is not a whole zip archive but a gzip archive; pack its files as a zip.",
    ),
    "7z.zip": (
        lambda: b"7z\xbc\xaf\x27\x1c" + bytes(100),
        "is not a whole zip archive but a 7z archive; pack its files as a zip.",
    ),
    "rar.zip": (
        lambda: b"Rar!\x1a\x07\x01\0" + bytes(100),
        "is not a whole zip archive but a rar archive; pack its files as a zip.",
    ),
    "page.zip": (
        lambda: b"<!DOCTYPE html><title>Sign in</title>",
        "is not a whole zip archive but a web page; pack its files as a zip.",
    ),
    "no-files.zip": (
        lambda: packed(good=()),
        "holds no images; pack files in PNG, JPEG, WebP, BMP, GIF or TIFF.",
    ),
    "no-images.zip": (
        lambda: packed(("cat/a.txt", b"x"), good=()),
        "holds no images; pack files in PNG, JPEG, WebP, BMP, GIF or TIFF.",
    ),
}
"""By name: the bytes, and what is said behind the name."""


def _importing(name: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        return desk.importing(ZipSource(path=str(desk.file(name, ARCHIVES[name][0]()))))

    return make


def _classifying(name: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        def act() -> None:
            with zipped_images(io.BytesIO(ARCHIVES[name][0]()), name):
                raise AssertionError("it was taken")

        return act

    return make


BAD_ARCHIVES = [Bad(name, f"{name} {said}", _importing(name)) for name, (_, said) in ARCHIVES.items()]
BAD_ARCHIVES += [
    Bad(f"{name}, to classify", f"{name} {said}", _classifying(name))
    for name, (_, said) in ARCHIVES.items()
    if not name.startswith("no-")
]
