"""The download of a known set's files: what is kept, what is given up, and what never stays."""

import hashlib
import http.server
import io
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.data import KNOWN_SETS
from core.data.known import download
from core.data.known.download import Downloads, RemoteFile
from core.errors import BadInput, Unavailable
from tests.http_site import http_site

from .pictures import png


class _Handler(http.server.BaseHTTPRequestHandler):
    content = bytes(range(256)) * 16_384  # 4 MB
    length = str(len(content))

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path in ("/endless", "/drip"):
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"x" if self.path == "/drip" else self.content)
                    time.sleep(0.02)
        self.send_header("Content-Length", self.length)
        self.end_headers()
        cut = len(self.content) // 2 if self.path == "/cut" else len(self.content)
        with suppress(OSError):  # who has heard enough goes away
            self.wfile.write(self.content[:cut])

    def log_message(self, *arguments: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with http_site(_Handler) as port:
        yield f"http://127.0.0.1:{port}"


_MD5 = hashlib.md5(_Handler.content).hexdigest()


def test_a_download_tells_its_progress_and_is_kept(tmp_path: Path, address: str) -> None:
    told: list[tuple[str, int, int]] = []
    downloads = Downloads(tmp_path, "Test", lambda *step: told.append(step))
    file = RemoteFile("a.bin", (f"{address}/missing", f"{address}/whole"), _MD5)
    path = downloads.get(file, tmp_path / "files")
    assert path.read_bytes() == _Handler.content
    size = len(_Handler.content)
    assert told[0] == ("Downloading a.bin", 0, size)
    assert told[-1] == ("Downloading a.bin", size, size)
    told.clear()
    assert downloads.get(file, tmp_path / "files") == path
    assert told == []


@pytest.mark.parametrize("part", ["missing", "cut", "changed"])
def test_a_failed_download_says_where_the_file_may_be_put(tmp_path: Path, address: str, part: str) -> None:
    downloads = Downloads(tmp_path, "Test set", lambda *step: None)
    md5 = "0" * 32 if part == "changed" else _MD5
    with pytest.raises(Unavailable) as caught:
        downloads.get(RemoteFile("a.bin", (f"{address}/{part}",), md5), tmp_path / "files")
    sentence = str(caught.value)
    assert sentence.startswith("Test set could not be downloaded (no usable answer from 127.0.0.1")
    assert f"put a.bin into {tmp_path / 'files'} by hand" in sentence
    assert list((tmp_path / "files").iterdir()) == []


def test_no_network_is_said_at_once(tmp_path: Path) -> None:
    downloads = Downloads(tmp_path, "Test set", lambda *step: None)
    with pytest.raises(Unavailable, match="could not be downloaded"):
        downloads.get(RemoteFile("a.bin", ("http://127.0.0.1:9/a.bin",), _MD5), tmp_path)


def test_more_than_the_set_has_is_not_taken(tmp_path: Path, address: str) -> None:
    downloads = Downloads(tmp_path, "Test set", lambda *step: None, most_bytes=len(_Handler.content) - 1)
    with pytest.raises(Unavailable, match="no usable answer"):
        downloads.get(RemoteFile("a.bin", (f"{address}/whole",), _MD5), tmp_path / "f")
    assert list((tmp_path / "f").iterdir()) == []


def test_an_answer_without_an_end_is_given_up(tmp_path: Path, address: str) -> None:
    told: list[int] = []
    downloads = Downloads(tmp_path, "Test set", lambda _, done, __: told.append(done), most_bytes=3_000_000)
    with pytest.raises(Unavailable, match="no usable answer"):
        downloads.get(RemoteFile("a.bin", (f"{address}/endless",), _MD5), tmp_path / "f")
    assert 0 < max(told) <= 3_000_000
    assert list((tmp_path / "f").iterdir()) == []


def test_an_answer_that_drips_is_given_up(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, and all of them never."""
    monkeypatch.setattr(download, "_SLOW_START_S", 0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no usable answer"):
        Downloads(tmp_path, "Test set", lambda *step: None).get(
            RemoteFile("a.bin", (f"{address}/drip",), _MD5), tmp_path / "f"
        )
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("length", ["many", "-1", "9" * 5000])
def test_a_length_that_is_none_does_not_matter(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    monkeypatch.setattr(_Handler, "length", length)
    downloads = Downloads(tmp_path, "Test set", lambda *step: None)
    with suppress(Unavailable):
        assert downloads.get(RemoteFile("a.bin", (f"{address}/whole",), _MD5), tmp_path / "f").is_file()


@pytest.mark.parametrize("name", KNOWN_SETS)
def test_no_official_file_is_near_the_most_that_is_taken(name: str) -> None:
    known = KNOWN_SETS[name]
    assert known.megabytes * 1_000_000 < known.most_bytes < known.megabytes * 1_200_000


class _Cancelled(Exception):
    pass


def test_a_cancelled_download_leaves_nothing(tmp_path: Path, address: str) -> None:
    def cancel(stage: str, done: int, total: int) -> None:
        if done:
            raise _Cancelled

    with pytest.raises(_Cancelled):
        Downloads(tmp_path, "Test", cancel).get(RemoteFile("a.bin", (f"{address}/a",), _MD5), tmp_path / "f")
    assert list((tmp_path / "f").iterdir()) == []


def test_a_tar_cannot_lead_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for name, content in {"jpg/../../evil": b"x", "jpg/1.png": png(1)}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    downloads = Downloads(tmp_path, "Test", lambda *step: None)
    with pytest.raises(BadInput, match=r"a\.tar\.gz does not hold"):
        downloads.unpack(tmp_path / "a.tar.gz", tmp_path / "into", ["jpg"])
    assert not list(tmp_path.rglob("evil"))


def test_what_a_download_left_that_was_killed_long_ago_is_removed(tmp_path: Path) -> None:
    into = tmp_path / "into"
    folder, file, fresh = into / ".unpacking-1", into / ".a.bin.2.part", into / ".b.bin.3.part"
    (folder / "deep").mkdir(parents=True)
    for path in (file, fresh):
        path.write_bytes(b"half")
    for path in (folder, file):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(fresh, "whole.bin")
    Downloads(tmp_path, "Test", lambda *step: None).unpack(tmp_path / "a.tar", into, ["whole.bin"])
    assert sorted(path.name for path in into.iterdir()) == [fresh.name, "whole.bin"]
