"""Safe extraction of an untrusted zip archive.

`zipfile.extractall` silently renames hostile members, keeps the last of two with one name, and
writes two names that differ by case only over each other on some systems. Here every member is
checked before the first byte is written, an archive with one bad member is refused as a whole, and
the bytes that really come are counted. What cannot be of use (nested archives, pickles, programs,
hidden files) is left out and counted.
"""

import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.data.clock import Clock
from core.data.limits import LIMITS, Limits
from core.data.signature import kind_by_content
from core.errors import BadInput, shown

_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_PICKLED = (".pkl", ".pickle", ".pt", ".pth", ".npy", ".npz", ".joblib")
_PROGRAMS = (".py", ".pyc", ".sh", ".bat", ".cmd", ".ps1", ".exe", ".dll", ".so", ".js", ".html")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_RENAME = "rename it and pack the archive again"
_AGAIN = "pack the files again"
_UNPACK = "unpack it yourself and give the folder"
_COPY = "copy or download it again"
_CONTRADICTION = "it has two ends that contradict each other"
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError),
    *(UnicodeDecodeError, OverflowError),
)
"""What zipfile raises on bytes that are no whole archive."""
_CHUNK = 1024**2
_LONGEST_END = 65_557
"""Bytes of an archive's end with the longest remark."""
_LARGE_END = 76
"""Bytes of the second end that a large archive has, and of the locator behind it."""
_SMALLEST_RECORD = 46
_TYPICAL_RECORD = 400


@dataclass(frozen=True)
class Extracted:
    """What `extract_zip` wrote, and how many members of which sort it left out."""

    files: int
    expanded_bytes: int
    ignored: dict[str, int]

    def sentences(self) -> tuple[str, ...]:
        """One per sort of members left out."""
        return tuple(f"{count} {sort} of the archive left out." for sort, count in self.ignored.items())


def extract_zip(
    file: Path | IO[bytes],
    into: Path,
    *,
    name: str | None = None,
    limits: Limits = LIMITS,
    progress: Callable[[str, int, int], None] | None = None,
) -> Extracted:
    """Extract a zip archive into the new folder `into`; on any error nothing of it stays.

    `name` is what messages call the archive (a path's own name by default).
    """
    name = shown(name or (file.name if isinstance(file, Path) else "the archive"))
    into.mkdir(parents=True)
    try:
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return _extract(opened, into, name, limits, progress)
        return _extract(file, into, name, limits, progress)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise


def _extract(
    file: IO[bytes],
    into: Path,
    name: str,
    limits: Limits,
    progress: Callable[[str, int, int], None] | None,
) -> Extracted:
    _check_directory(file, name, limits)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members, name, limits)
            wanted, ignored = _sorted_out(members)
            expanded = 0
            clock = Clock(limits.archive_seconds, _slow(name, limits))
            for done, member in enumerate(wanted):
                if progress and done % 256 == 0:
                    progress("Extracting", done, len(wanted))
                room = limits.archive_bytes - expanded
                expanded += _write(archive, member, into, name, room, clock)
            if progress:
                progress("Extracting", len(wanted), len(wanted))
    except _DAMAGE as error:
        raise BadInput(_cut_short(name)) from error
    return Extracted(len(wanted), expanded, ignored)


def _write(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path, name: str, room: int, clock: Clock
) -> int:
    """Write one member; returns its size as counted, not as its header says."""
    target = into.joinpath(*member.filename.split("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > room:
                raise _refused(name, "it is larger than it may be once extracted", _UNPACK)
            sink.write(chunk)
            clock.check()
    if written != member.file_size:
        raise _refused(name, f"'{_shown(member)}' is not as long as the archive says", _AGAIN)
    return written


def _check_directory(file: IO[bytes], name: str, limits: Limits) -> None:
    """Refuse an absurd number of members before `zipfile` makes an object of each.

    It makes one of whatever the directory's bytes hold, and the number that the archive's end says is no
    more than a claim: so the records are counted here.
    """
    size = file.seek(0, 2)
    tail_at = max(0, size - _LONGEST_END)
    file.seek(tail_at)
    tail = file.read(_LONGEST_END)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) < found + 22:
        file.seek(0)
        kind = kind_by_content(file.read(1000))
        if kind and kind != "a zip archive":
            raise BadInput(f"{name} is not a whole zip archive but {kind}; pack its files as a zip.")
        raise BadInput(_cut_short(name) if size else f"{name} is empty; {_COPY}.")
    entries, directory = struct.unpack_from("<HI", tail, found + 10)
    stop = tail_at + found
    large = _large_end(file, stop, name)
    if large:
        if entries not in (0xFFFF, large[0]) or directory not in (0xFFFFFFFF, large[1]):
            raise _refused(name, _CONTRADICTION, _AGAIN)
        entries, directory = large
        stop -= _LARGE_END
    if directory > stop:
        raise BadInput(_cut_short(name))
    most = limits.archive_files
    too_many = entries > most or directory > max(most * _TYPICAL_RECORD, _SMALLEST_RECORD)
    if not too_many:
        file.seek(stop - directory)
        too_many = file.read(directory).count(b"PK\x01\x02") > most
    if too_many:
        raise _refused(name, f"it holds more than {most:,} files", _UNPACK)


def _large_end(file: IO[bytes], end: int, name: str) -> tuple[int, int] | None:
    """The number of files and the directory's bytes as the end of a large archive (zip64) says them. That
    stands before the ordinary end, and `zipfile` believes it wherever a locator stands between the two."""
    file.seek(max(0, end - 20))
    locator = file.read(20)
    if not locator.startswith(b"PK\x06\x07"):
        return None
    at = end - _LARGE_END
    file.seek(max(0, at))
    record = file.read(56)
    if at < 0 or not record.startswith(b"PK\x06\x06"):
        raise BadInput(_cut_short(name))
    # Some versions of zipfile look where the locator points, others right before it.
    (pointed,) = struct.unpack_from("<Q", locator, 8)
    file.seek(min(pointed, end))
    if pointed != at and file.read(4) == b"PK\x06\x06":
        raise _refused(name, _CONTRADICTION, _AGAIN)
    entries, directory = struct.unpack_from("<QQ", record, 32)
    return entries, directory


def _check_members(members: list[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    if len(members) > limits.archive_files:
        raise _refused(name, f"it holds more than {limits.archive_files:,} files", _UNPACK)
    expanded, compressed = 0, 0
    for member in members:
        _check_member(member, name, limits)
        expanded += member.file_size
        compressed += member.compress_size
    if expanded > limits.archive_bytes:
        gigabytes = limits.archive_bytes / 1024**3
        raise _refused(name, f"it is larger than {gigabytes:g} GB once extracted", _UNPACK)
    if expanded > max(limits.archive_ratio_from, limits.archive_ratio * compressed):
        raise _refused(name, f"it expands to more than {limits.archive_ratio:g} times its size", _UNPACK)
    _check_overlaps(members, name)
    _check_collisions(members, name)


def _check_member(member: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    # The name as it stands in the directory, and the one that files are written under: newer versions of
    # zipfile take that from a further field.
    for path in dict.fromkeys((member.orig_filename, member.filename)):
        _check_path(path, name, limits)
    said = _shown(member)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        sort = "a link" if kind == stat.S_IFLNK else "no ordinary file"
        raise _refused(name, f"'{said}' is {sort}", "put the file itself into it, or leave it out")
    if member.flag_bits & 0x1:
        raise _refused(name, f"'{said}' is encrypted", "pack it without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(name, f"'{said}' is compressed in an unusual way", "pack it as an ordinary zip")
    if member.file_size > max(limits.archive_ratio_from, limits.archive_ratio * member.compress_size):
        raise _refused(
            name, f"'{said}' expands to more than {limits.archive_ratio:g} times its size", _UNPACK
        )


def _check_path(path: str, name: str, limits: Limits) -> None:
    said = shown(path)
    if "\\" in path:
        raise _refused(name, f"the name '{said}' has a backslash", _RENAME)
    if path.startswith("/") or ":" in path:
        raise _refused(name, f"'{said}' is an absolute path or has a colon", _RENAME)
    parts = path.removesuffix("/").split("/")
    if ".." in parts:
        raise _refused(name, f"'{said}' leads out of it ('..')", _AGAIN)
    too_long = len(path.encode("utf-8", "replace")) > limits.archive_path_bytes
    if too_long or len(parts) > limits.archive_depth or any(_unusable(part) for part in parts):
        raise _refused(name, f"'{said}' is not a name that every system can store", _RENAME)


def _unusable(part: str) -> bool:
    return (
        part in ("", ".")
        or part != part.rstrip(". ")
        or any(unicodedata.category(char) in ("Cc", "Cs") for char in part)
        or len(part.encode()) > 255
        or part.split(".")[0].casefold() in _RESERVED
    )


def _check_overlaps(members: list[zipfile.ZipInfo], name: str) -> None:
    """Members that share bytes are how a small archive becomes an endless one."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise _refused(name, f"'{_shown(member)}' shares its bytes with another file", _AGAIN)
        end = member.header_offset + 30 + member.compress_size


def _check_collisions(members: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse names that are one on some systems: equal, or apart in case or Unicode form only."""
    # A folder's number and a folded name in it, to its own number and the name as it was first spelled:
    # whole paths of each folder above would take the square of their length.
    known: dict[tuple[int, str], tuple[int, str]] = {}
    files: dict[int, str] = {}
    folders: set[int] = set()
    for member in members:
        path = member.filename.removesuffix("/")
        at, parts = 0, path.split("/")
        for depth, part in enumerate(parts):
            at, spelled = known.setdefault((at, _folded(part)), (len(known) + 1, part))
            if spelled != part:
                above = parts[:depth]
                both = (shown("/".join([*above, form])) for form in (part, spelled))
                same = "'{}' and '{}' are the same name on some systems".format(*both)
                raise _refused(name, same, _RENAME)
            if depth < len(parts) - 1 or member.is_dir():
                folders.add(at)
        if not member.is_dir():
            if at in files:
                raise _refused(name, f"'{shown(path)}' is in it twice", "keep one of them")
            files[at] = path
    both_at_once = sorted(path for at, path in files.items() if at in folders)
    if both_at_once:
        raise _refused(name, f"'{shown(both_at_once[0])}' is a file and a folder", _RENAME)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _sorted_out(members: list[zipfile.ZipInfo]) -> tuple[list[zipfile.ZipInfo], dict[str, int]]:
    """The members to write, and the count of those left out per sort."""
    wanted, ignored = [], Counter[str]()
    for member in members:
        if member.is_dir():
            continue
        sort = _useless(member.filename)
        if sort:
            ignored[sort] += 1
        else:
            wanted.append(member)
    return wanted, dict(ignored)


def _useless(path: str) -> str:
    parts = path.split("/")
    suffix = Path(parts[-1]).suffix.lower()
    if "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        return "hidden files"
    if suffix in _NESTED:
        return "nested archives"
    if suffix in _PICKLED:
        return "files of Python objects"
    if suffix in _PROGRAMS:
        return "programs"
    return ""


def _refused(name: str, reason: str, remedy: str) -> BadInput:
    return BadInput(f"{name} is refused: {reason}; {remedy}.")


def _slow(name: str, limits: Limits) -> str:
    return f"{name} takes more than {limits.archive_seconds / 60:g} minutes to extract; {_UNPACK}."


def _cut_short(name: str) -> str:
    return f"{name} is not a whole zip archive: it is damaged or cut short; {_COPY}."


def _shown(member: zipfile.ZipInfo) -> str:
    return shown(member.orig_filename)
