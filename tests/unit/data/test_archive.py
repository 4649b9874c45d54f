"""Safe extraction of zip archives."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from core.data.archive import extract_zip
from core.data.limits import Limits
from core.errors import BadInput


def _zip(members: list[tuple[str, bytes]], **options: int) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = options.get("attr", 0)
            archive.writestr(info, content)
    return buffer


def _refused(buffer: io.BytesIO, tmp_path: Path, match: str, limits: Limits | None = None) -> None:
    with pytest.raises(BadInput, match=match) as caught:
        extract_zip(buffer, tmp_path / "out", name="a.zip", limits=limits or Limits())
    assert str(caught.value).startswith("a.zip")
    assert list(tmp_path.rglob("*")) == []


def test_an_ordinary_archive_is_written_and_useless_members_are_counted(tmp_path: Path) -> None:
    members = [
        ("top/cat/1.png", b"one"),
        ("top/cat/é.png", b"two"),
        ("top/model.pkl", b"x"),
        ("top/run.py", b"x"),
        ("top/inner.zip", b"x"),
        ("__MACOSX/top/._1.png", b"x"),
        ("top/.DS_Store", b"x"),
    ]
    extracted = extract_zip(_zip(members), tmp_path / "out")
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("*.*"))
    assert written == ["top/cat/1.png", "top/cat/é.png"]
    assert (extracted.files, extracted.expanded_bytes) == (2, 6)
    assert extracted.ignored == {
        "files of Python objects": 1,
        "programs": 1,
        "nested archives": 1,
        "hidden files": 2,
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "leads out"),
        ("a/../../evil.png", "leads out"),
        ("/etc/evil.png", "absolute"),
        ("C:/evil.png", "colon"),
        ("a\\evil.png", "backslash"),
        ("a//evil.png", "not a name"),
        ("./evil.png", "not a name"),
        ("a/CON.png", "not a name"),
        ("a/trailing.", "not a name"),
        ("a/new\nline.png", "not a name"),
        ("a/" + "x" * 300 + ".png", "not a name"),
    ],
)
def test_a_hostile_name_refuses_the_whole_archive(tmp_path: Path, name: str, reason: str) -> None:
    _refused(_zip([("good.png", b"x"), (name, b"x")]), tmp_path, reason)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "a.png"),
        ("Cat/1.png", "cat/2.png"),
        ("a.PNG", "a.png"),
        ("caf\u00e9/1.png", "cafe\u0301/2.png"),
        ("a", "a/b.png"),
        ("a/b.png", "a"),
    ],
)
def test_names_that_collide_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    _refused(_zip([(name, b"x") for name in names]), tmp_path, "twice|same name|file and a folder")


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    _refused(_zip([("link", b"/etc/passwd")], attr=(stat.S_IFLNK | 0o777) << 16), tmp_path, "a link")
    _refused(_zip([("pipe", b"")], attr=(stat.S_IFIFO | 0o666) << 16), tmp_path, "no ordinary file")


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    content = bytearray(_zip([("a.png", b"x" * 50)]).getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    _refused(io.BytesIO(bytes(content)), tmp_path, "encrypted")


def test_bombs_are_refused_by_ratio_size_and_number(tmp_path: Path) -> None:
    _refused(_zip([("a.bmp", bytes(3 * 1024**2))]), tmp_path, "100 times")
    many = _zip([(f"{i}.bmp", bytes(1024**2)) for i in range(3)])
    _refused(many, tmp_path, "100 times")
    _refused(_zip([("a.png", bytes(range(256)) * 8)]), tmp_path, "GB once", Limits(archive_bytes=1000))
    _refused(_zip([(f"{i}.png", b"x") for i in range(5)]), tmp_path, "more than 4", Limits(archive_files=4))


def _ends(content: bytes, entries: int, second: int | None = None) -> io.BytesIO:
    """The archive with other numbers of files at its end, and at the second end of large archives."""
    end = content.rindex(b"PK\x05\x06")
    size, start = struct.unpack_from("<II", content, end + 12)
    more = b""
    if second is not None:
        more = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, second, second, size, start)
        more += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, entries, entries, size, start, 0)
    return io.BytesIO(content[:end] + more + last)


@pytest.mark.parametrize(
    ("said", "second", "match"),
    [(1, None, "more than 4 files"), (1, 5, "contradict"), (5, 1, "contradict"), (0xFFFF, 5, "more than 4")],
)
def test_the_number_of_files_is_counted_before_any_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int, second: int | None, match: str
) -> None:
    def read(*_: object) -> None:
        pytest.fail("zipfile made an object of each member")

    five = _zip([(f"{i}.png", b"x") for i in range(5)]).getvalue()
    monkeypatch.setattr("core.data.archive.zipfile.ZipFile", read)
    _refused(_ends(five, said, second), tmp_path, match, Limits(archive_files=4))


@pytest.mark.parametrize("said", [0xFFFF, 2])
def test_the_second_end_of_a_large_archive_is_taken(tmp_path: Path, said: int) -> None:
    two = _zip([("a.png", b"x"), ("b.png", b"x")]).getvalue()
    assert extract_zip(_ends(two, said, 2), tmp_path / "out").files == 2


def test_a_name_from_a_further_field_is_checked_like_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer versions of zipfile replace a member's name by the one in its extra field 0x7075."""

    def renamed(member: zipfile.ZipInfo, *_: object) -> None:
        member.filename = {"a.png": "caf\u00e9.png", "b.png": "../evil.png"}[member.filename]

    harmless, evil = _zip([("a.png", b"x")]), _zip([("b.png", b"x")])
    monkeypatch.setattr(zipfile.ZipInfo, "_decodeExtra", renamed)
    extract_zip(harmless, tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "caf\u00e9.png"
    written.unlink()
    written.parent.rmdir()
    _refused(evil, tmp_path, r"'\.\./evil\.png' leads out")


def test_a_false_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(_zip([("a.png", bytes(range(200)))]).getvalue())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 100)
    _refused(io.BytesIO(bytes(content)), tmp_path, "not a whole zip|not as long")


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    content = bytearray(_zip([("a.png", bytes(range(200))), ("b.png", bytes(range(200)))]).getvalue())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = struct.pack("<I", 0)
    _refused(io.BytesIO(bytes(content)), tmp_path, "shares its bytes")


def test_cut_and_foreign_archives_are_refused(tmp_path: Path) -> None:
    whole = _zip([("a.png", bytes(range(256)) * 20)]).getvalue()
    for content in (whole[:-30], whole[: len(whole) // 2]):
        _refused(io.BytesIO(content), tmp_path, "not a whole zip archive: it is damaged or cut short; copy")
    _refused(io.BytesIO(b"7z\xbc\xaf\x27\x1c" + bytes(100)), tmp_path, "but a 7z archive; pack its files")
    _refused(io.BytesIO(), tmp_path, "is empty")
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF
    _refused(io.BytesIO(bytes(flipped)), tmp_path, "not a whole zip archive")


def test_a_cancelled_extraction_leaves_nothing(tmp_path: Path) -> None:
    def cancel(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_zip(_zip([("a.png", b"x")]), tmp_path / "out", progress=cancel)
    assert list(tmp_path.iterdir()) == []
