"""The data sets of one folder: list, open, import, delete.

An import writes into a hidden staging folder that is renamed once it is whole, so a data set is
there entirely or not at all. What a killed import leaves behind is removed by the next one, and by the
app's start.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from core.data.collection import Collection, Progress, Workplace
from core.data.dataset import (
    FILES,
    IMAGES_FILE,
    INFO_FILE,
    DamagedDataset,
    Dataset,
    DatasetInfo,
    fingerprints,
    read_info,
    write_arrays,
)
from core.data.known.download import remove_unfinished
from core.data.options import ImportOptions
from core.data.pack import Packed, pack_images
from core.data.split import assign_splits
from core.data.statistics import channel_statistics, class_counts, find_warnings, split_counts
from core.errors import BadInput, Busy, Damaged, NotFound, Unavailable, shown
from core.files import sync_files, sync_folder, write_json
from core.spec import Spec, kind_of

DOWNLOADS = "downloads"
"""The folder inside a library where the known sets' files lie; no data set may have its name."""

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
_STAGING = ".importing-"
_TRASH = ".trash-"
_LOCKS = ".locks"
_MOST_SKIPPED = 200


class _Source(Protocol):
    """Any member of the union `Source`."""

    def collect(self, place: Workplace) -> Collection: ...


class Library:
    """All data sets in `folder`, each in a folder of its own name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def downloads(self) -> Path:
        """Where downloaded files stay, and where a person may put them by hand."""
        return self.folder / DOWNLOADS

    def list(self) -> "list[DatasetInfo | DamagedDataset]":
        """All data sets by name; a damaged one says so and leaves the others alone."""
        if not self.folder.is_dir():
            return []
        found: list[DatasetInfo | DamagedDataset] = []
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name.casefold()):
            if not self._is_dataset(path):
                continue
            try:
                found.append(read_info(path))
            except Damaged as error:
                found.append(DamagedDataset(path.name, str(error)))
        return found

    def open(self, name: str) -> Dataset:
        """The data set of this name, without reading its pixels."""
        folder = self._existing(name)
        return Dataset(folder, read_info(folder))

    def disk_bytes(self, name: str) -> int:
        """What the data set takes on the disk."""
        return sum(path.stat().st_size for path in self._existing(name).rglob("*") if path.is_file())

    def delete(self, name: str) -> None:
        """Remove a data set, damaged or not. It is gone at once; its files go right after."""
        folder = self._existing(name)
        with self._lock(name):
            trash = self.folder / f"{_TRASH}{name}-{secrets.token_hex(4)}"
            folder.rename(trash)
            sync_folder(self.folder)
        shutil.rmtree(trash, ignore_errors=True)

    def import_dataset(
        self, source: _Source, name: str, options: ImportOptions, progress: Progress | None = None
    ) -> DatasetInfo:
        """Import a source under a new name. `progress` may raise to cancel; then nothing stays."""
        check_name(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock(name):
                self._check_free(name)
                self.clear_leftovers(holding=name)
                return self._import(source, name, options, progress or (lambda stage, done, total: None))
        except OSError as error:
            explained = _explained(error, self.folder)
            if explained is None:
                raise
            raise explained from error

    def clear_leftovers(self, *, holding: str | None = None) -> None:
        """Remove what killed imports, deletions and downloads left. Imports that still run hold their lock,
        but for that of the data set `holding`, which is the caller's."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name.startswith(_TRASH):
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(_STAGING):
                name = path.name.removeprefix(_STAGING)
                if name == holding:
                    shutil.rmtree(path)
                    continue
                with suppress(Busy, OSError), self._lock(name):
                    shutil.rmtree(path, ignore_errors=True)
        for folder in (self.downloads, *self.downloads.glob("*/"), *self.downloads.glob("*/raw/")):
            remove_unfinished(folder)

    def _import(self, source: _Source, name: str, options: ImportOptions, progress: Progress) -> DatasetInfo:
        staging = self.folder / f"{_STAGING}{name}"
        stage, scratch = staging / "dataset", staging / "scratch"
        try:
            stage.mkdir(parents=True)
            scratch.mkdir()
            collection = source.collect(Workplace(scratch, self.downloads, progress))
            packed = pack_images(collection, options, stage / IMAGES_FILE, progress)
            info = _describe(name, source, collection, packed, options, stage)
            sync_files(stage)
            write_json(stage / INFO_FILE, info.model_dump(mode="json"))
            progress("Storing", 1, 1)
            stage.rename(self.folder / name)
            sync_folder(self.folder)
            return info
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _check_free(self, name: str) -> None:
        # Without regard to case: on some systems 'Cats' and 'cats' are one folder.
        for path in self.folder.iterdir():
            if path.name.casefold() == name.casefold():
                raise BadInput(f"The name {name} is taken; choose another one.")

    def _existing(self, name: str) -> Path:
        folder = self.folder / name
        if not _NAME.fullmatch(name) or not self._is_dataset(folder):
            raise NotFound(
                f"There is no data set '{shown(name)}'; Data and `python -m core data list` list them."
            )
        return folder

    def _is_dataset(self, path: Path) -> bool:
        """True for a folder of ours, whole or damaged. A link or a foreign folder is none."""
        if path.is_symlink() or not path.is_dir() or not _NAME.fullmatch(path.name) or path.name == DOWNLOADS:
            return False
        return any((path / file).is_file() for file in FILES)

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        locks = self.folder / _LOCKS
        locks.mkdir(exist_ok=True)
        lock = FileLock(locks / f"{name.casefold()}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise Busy(
                f"The data set {name} is being imported or deleted; wait until that is done."
            ) from error
        try:
            yield
        finally:
            lock.release()


def check_name(name: str) -> None:
    """BadInput for anything that may not name a data set."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"name = '{shown(name, 40)}': a data set's name has up to 64 letters, digits, '-', '_' or '.', "
            "and does not start with '.'; choose such a one."
        )
    if name.casefold() == DOWNLOADS:
        raise BadInput(f"The name {name} is kept for downloaded files; choose another one.")


def _describe(
    name: str, source: _Source, collection: Collection, packed: Packed, options: ImportOptions, stage: Path
) -> DatasetInfo:
    """Split the stored images, write what lies beside them, and say what they are."""
    classes = collection.classes
    labels = collection.labels[packed.kept]
    splits = assign_splits(labels, collection.splits[packed.kept], classes, options)
    write_arrays(stage, labels, splits, [collection.names[i] for i in packed.kept])
    train = splits == 0
    mean, std = channel_statistics(packed.sums[train], packed.squares[train], packed.shape.pixels)
    counts = class_counts(labels, splits, len(classes))
    fingerprint, split_fingerprint = fingerprints(packed.sha256, labels, splits, classes)
    return DatasetInfo(
        name=name,
        classes=classes,
        image_size=packed.shape.size,
        channels=packed.shape.channels,
        counts=split_counts(splits),
        class_counts=counts,
        mean=mean,
        std=std,
        resize=options.resize,
        source=_as_json(source),
        options=options.model_dump(mode="json"),
        fingerprint=fingerprint,
        split_fingerprint=split_fingerprint,
        warnings=(
            *find_warnings(classes, counts, splits, packed.digests),
            *collection.warnings,
            *_pictures_warnings(packed),
        ),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        skipped=(*packed.skipped[:_MOST_SKIPPED], *collection.skipped),
        skipped_count=len(packed.skipped),
    )


def _pictures_warnings(packed: Packed) -> tuple[str, ...]:
    counts = {
        "Images that could not be read and were left out": len(packed.skipped),
        "Images with several frames or pages, of which the first was taken": packed.several_frames,
    }
    return tuple(f"{what}: {count:,}." for what, count in counts.items() if count)


def _as_json(source: object) -> dict[str, object]:
    if isinstance(source, Spec):
        return {"kind": kind_of(source), **source.model_dump(mode="json")}
    return {"kind": type(source).__name__}


def _explained(error: OSError, folder: Path) -> Unavailable | None:
    """A sentence for what the system refused; None for anything unexpected."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(f"The disk of {folder} is full; nothing was imported, so free some space first.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        where = os.fspath(error.filename) if error.filename else folder
        return Unavailable(
            f"{where} cannot be read or written: {error.strerror}; nothing was imported, so let it be read "
            "and written first."
        )
    return None
