"""Files of the known sets: those that are there already, or the official download.

The addresses and checksums are torchvision's. Its own download function has no time limit, cannot
be cancelled and writes under the final name; so the bytes are fetched here, into a temporary file
that is renamed once its checksum is right.
"""

import hashlib
import http.client
import os
import secrets
import shutil
import ssl
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.data.archive import extract_zip
from core.data.collection import Progress
from core.errors import BadInput, Unavailable

_CHUNK = 1024**2
_CONNECT_SECONDS = 6.0
_LEFT_AFTER_S = 86_400.0
"""What was not touched for so long belongs to no download that still runs."""
# Not every OSError: a full disk is no matter of the network.
_NO_ANSWER = (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException)


@dataclass(frozen=True)
class RemoteFile:
    """One official file: its name, where it may be fetched, and its MD5 checksum."""

    name: str
    urls: tuple[str, ...]
    md5: str


@dataclass(frozen=True)
class Downloads:
    """The files of one known set below `root`."""

    root: Path
    label: str
    progress: Progress
    system_folders: tuple[Path, ...] = ()
    """Where a package of the system may have put them."""

    def checked(self, path: Path, md5: str) -> bool:
        """Whether the file is there; BadInput where it is another one than torchvision knows."""
        if not path.is_file():
            return False
        if not matches(path, md5):
            raise BadInput(
                f"{path.name} in {path.parent} is not the official file of {self.label} (wrong checksum); "
                "remove it and import again."
            )
        return True

    def get(self, file: RemoteFile, folder: Path) -> Path:
        """The file in `folder`, downloaded where it is not there."""
        path = folder / file.name
        if not self.checked(path, file.md5):
            self._fetch(file, path)
        return path

    def unpack(self, archive: Path, into: Path, members: Sequence[str]) -> None:
        """Extract the named members (files or folders) of a checked archive into `into`."""
        self.progress("Extracting", 0, 1)
        _remove_leftovers(into)
        staging = into / f".unpacking-{secrets.token_hex(4)}"
        try:
            if archive.suffix == ".zip":
                extract_zip(archive, staging, progress=self.progress)
            else:
                _extract_tar(archive, staging, members)
            for member in members:
                target = into / member
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    (staging / member).rename(target)
        except (tarfile.TarError, FileNotFoundError) as error:
            raise BadInput(
                f"{archive.name} does not hold what the official file holds; remove it."
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _fetch(self, file: RemoteFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        temporary = path.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
        try:
            for url in file.urls:
                try:
                    found = self._stream(url, file.name, temporary)
                except _NO_ANSWER:
                    continue
                if found == file.md5:
                    temporary.replace(path)
                    return
            raise Unavailable(
                f"{self.label} could not be downloaded (no usable answer from {_host(file.urls[0])}); "
                f"put {file.name} into {path.parent} by hand and import again."
            )
        finally:
            temporary.unlink(missing_ok=True)

    def _stream(self, url: str, name: str, temporary: Path) -> str:
        """Fetch one address; returns the MD5 of what came."""
        digest = hashlib.md5(usedforsecurity=False)
        request = urllib.request.Request(url, headers={"User-Agent": "pytorch/vision"})
        with (
            urllib.request.urlopen(request, timeout=_CONNECT_SECONDS) as answer,
            temporary.open("wb") as sink,
        ):
            total = int(answer.headers.get("Content-Length") or 0)
            done = 0
            self.progress(f"Downloading {name}", done, total)
            while chunk := answer.read(_CHUNK):
                sink.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                self.progress(f"Downloading {name}", done, max(total, done))
            sink.flush()
            os.fsync(sink.fileno())
        return digest.hexdigest()


def _remove_leftovers(folder: Path) -> None:
    """Remove what a download left that was killed long ago."""
    for leftover in (*folder.glob(".unpacking-*"), *folder.glob(".*.part")):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime < _LEFT_AFTER_S:
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()


def matches(path: Path, md5: str) -> bool:
    """Whether the file has this MD5 checksum."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5


def _extract_tar(archive: Path, into: Path, members: Sequence[str]) -> None:
    """Only the named members, with the filter that refuses links and paths that lead out."""
    into.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for entry in tar:
            if any(entry.name == member or entry.name.startswith(f"{member}/") for member in members):
                tar.extract(entry, into, filter="data")


def _host(url: str) -> str:
    return url.split("/")[2]
