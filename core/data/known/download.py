"""Files of the known sets: those that are there already, or the official download.

The addresses and checksums are torchvision's. Its own download function has no time limit, cannot
be cancelled and writes under the final name; so the bytes are fetched here, into a temporary file
that is renamed once its checksum is right.
"""

import hashlib
import http.client
import os
import re
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
from core.files import sync_files, sync_folder

_CHUNK = 1024**2
_CONNECT_SECONDS = 6.0
_SLOWEST = 10_000.0
"""Bytes a second: what comes more slowly on the whole is given up, after the first minute."""
_SLOW_START_S = 60.0
_LEFT_AFTER_S = 86_400.0
"""What was not touched for so long belongs to no download that still runs."""
# Not every OSError: a full disk is no matter of the network.
_NO_ANSWER = (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException)
ANY_BYTES = 10 * 1024**3
"""No known set is larger."""


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
    most_bytes: int = ANY_BYTES
    """No file of the set is larger."""

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
        remove_unfinished(into)
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
                    _sync_tree(staging / member)
                    (staging / member).rename(target)
                    _sync_folders(target.parent, self.root)
        except (tarfile.TarError, FileNotFoundError) as error:
            raise BadInput(
                f"{archive.name} does not hold what the official file holds; remove it."
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _fetch(self, file: RemoteFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(path.parent)
        temporary = path.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
        try:
            for url in file.urls:
                try:
                    found = self._stream(url, file.name, temporary)
                except _NO_ANSWER:
                    continue
                if found == file.md5:
                    temporary.replace(path)
                    _sync_folders(path.parent, self.root)
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
            said = answer.headers.get("Content-Length", "")
            total = int(said) if re.fullmatch("[0-9]{1,15}", said) else 0
            done, began = 0, time.monotonic()
            self.progress(f"Downloading {name}", done, total)
            # What has come so far: to wait for a whole chunk could take as long as the server likes.
            while chunk := answer.read1(_CHUNK):
                done += len(chunk)
                late = time.monotonic() - began - _SLOW_START_S
                if max(done, total) > self.most_bytes or done < late * _SLOWEST:
                    raise http.client.HTTPException("too much, or too slow")
                sink.write(chunk)
                digest.update(chunk)
                self.progress(f"Downloading {name}", done, max(total, done))
            sink.flush()
            os.fsync(sink.fileno())
        return digest.hexdigest()


def remove_unfinished(folder: Path) -> None:
    """Remove what a download left in its folder that was killed long ago."""
    for leftover in (*folder.glob(".unpacking-*"), *folder.glob(".*.part")):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime < _LEFT_AFTER_S:
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()


def _sync_tree(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to the disk: contents before the names."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return
    if hasattr(os, "sync"):
        os.sync()  # all at once: ten thousands of small files one by one take five times as long
    for folder, _, _ in os.walk(path, topdown=False):
        sync_files(Path(folder))
        sync_folder(Path(folder))


def _sync_folders(folder: Path, root: Path) -> None:
    """Bring the names in a folder, and in those around it up to `root`, to the disk."""
    sync_folder(folder)
    if folder != root and root in folder.parents:
        _sync_folders(folder.parent, root)


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
