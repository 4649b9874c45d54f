"""Decoding: every picture of a collection once, into one packed file of pixels.

Blocks of pictures are read and fitted in a few threads (Pillow lets go of Python's lock while it
decodes) and written in order, with plain writes: a memory map would count as memory of ours.
"""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.collection import BLOCK, Collection, Pictures, Progress
from core.data.decode import FORMATS, decode_image, first_frame_sentence, fit_image
from core.data.limits import LIMITS
from core.data.options import ImportOptions
from core.errors import BadInput, Unavailable, shown

AUTOMATIC_SIZE = 96
_SMALLEST_SIZE = 8
_SAMPLE = 64


@dataclass(frozen=True)
class Shape:
    """How an image is stored."""

    size: int
    channels: int

    @property
    def pixels(self) -> int:
        """Pixels of one image."""
        return self.size * self.size

    @property
    def nbytes(self) -> int:
        """Bytes of one image."""
        return self.pixels * self.channels


@dataclass(frozen=True)
class Packed:
    """What is known of the pixels once they are written."""

    shape: Shape
    kept: np.ndarray
    """Indices into the collection, int64 (N,): all but the files that cannot be read."""
    sums: np.ndarray
    squares: np.ndarray
    """Per stored image and channel, int64 (N, C)."""
    digests: np.ndarray
    """One 64-bit hash of the stored pixels per image, uint64 (N,)."""
    sha256: str
    skipped: tuple[str, ...]
    several_frames: int = 0
    """Images that are animations or have several pages, of which the first was taken."""


@dataclass(frozen=True)
class _Block:
    images: np.ndarray
    kept: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    digests: np.ndarray
    skipped: list[str]
    several_frames: int


class _ColourFound(Exception):
    """An image with colour among images that all looked grey."""


def pack_images(collection: Collection, options: ImportOptions, file: Path, progress: Progress) -> Packed:
    """Write all images to `file`, uint8 (N, size, size, channels)."""
    shape = _stored_shape(collection.pictures, options)
    _check_space(file.parent, len(collection.pictures) * shape.nbytes)
    strict_grey = options.color == "as stored" and shape.channels == 1
    try:
        return _pack(collection, options, shape, strict_grey, file, progress)
    except _ColourFound:
        shape = Shape(shape.size, 3)
        _check_space(file.parent, len(collection.pictures) * shape.nbytes)
        return _pack(collection, options, shape, False, file, progress)


def _pack(
    collection: Collection,
    options: ImportOptions,
    shape: Shape,
    strict_grey: bool,
    file: Path,
    progress: Progress,
) -> Packed:
    total = len(collection.pictures)
    fitter = _Fitter(collection, options, shape, strict_grey)
    blocks: list[_Block] = []
    digest = hashlib.sha256()
    with file.open("wb") as sink:
        for done, block in fitter.blocks():
            progress("Decoding", done, total)
            sink.write(block.images.data)
            digest.update(block.images.data)
            blocks.append(_without_pixels(block))
        sink.flush()
        os.fsync(sink.fileno())
    progress("Decoding", total, total)
    return Packed(
        shape=shape,
        kept=np.concatenate([block.kept for block in blocks]),
        sums=np.concatenate([block.sums for block in blocks]),
        squares=np.concatenate([block.squares for block in blocks]),
        digests=np.concatenate([block.digests for block in blocks]),
        sha256=digest.hexdigest(),
        skipped=tuple(sentence for block in blocks for sentence in block.skipped),
        several_frames=sum(block.several_frames for block in blocks),
    )


def _without_pixels(block: _Block) -> _Block:
    return replace(block, images=block.images[:0])


class _Fitter:
    """Reads and fits blocks in a few threads, and gives them back in order."""

    def __init__(
        self, collection: Collection, options: ImportOptions, shape: Shape, strict_grey: bool
    ) -> None:
        self.collection = collection
        self.options = options
        self.shape = shape
        self.strict_grey = strict_grey
        self.workers = min(4, os.cpu_count() or 1)

    def blocks(self) -> Iterator[tuple[int, _Block]]:
        """(images before it, block), with only a few blocks in memory at a time."""
        total = len(self.collection.pictures)
        bounds = [*range(0, total, BLOCK), total]
        pending: deque[tuple[int, Future[_Block]]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="import") as pool:
            try:
                for start, stop in pairwise(bounds):
                    pending.append((start, pool.submit(self._block, start, stop)))
                    if len(pending) > 2 * self.workers:
                        first, future = pending.popleft()
                        yield first, future.result()
                while pending:
                    first, future = pending.popleft()
                    yield first, future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _block(self, start: int, stop: int) -> _Block:
        pictures = self.collection.pictures.read(start, stop)
        if isinstance(pictures, np.ndarray):
            return _measured(self._fit_pixels(pictures), np.arange(start, stop), [], 0, self.shape)
        return _measured(*self._decode(pictures, start), self.shape)

    def _fit_pixels(self, pixels: np.ndarray) -> np.ndarray:
        size, channels = self.shape.size, self.shape.channels
        if pixels.ndim == 3:
            pixels = pixels[..., None]
        if pixels.shape[1:3] == (size, size) and pixels.shape[3] <= channels:
            return np.ascontiguousarray(np.broadcast_to(pixels, (len(pixels), size, size, channels)))
        squeezed = pixels[..., 0] if pixels.shape[3] == 1 else pixels
        pictures = (Image.fromarray(np.ascontiguousarray(image)) for image in squeezed)
        return np.stack([fit_image(picture, size, self.options.resize, channels) for picture in pictures])

    def _decode(self, paths: Sequence[Path], start: int) -> tuple[np.ndarray, np.ndarray, list[str], int]:
        size, channels, resize = self.shape.size, self.shape.channels, self.options.resize
        formats = getattr(self.collection.pictures, "formats", FORMATS)
        images = np.empty((len(paths), size, size, channels), dtype=np.uint8)
        kept: list[int] = []
        skipped: list[str] = []
        several_frames = 0
        for offset, path in enumerate(paths):
            name = self.collection.names[start + offset]
            try:
                image = decode_image(read_image_file(path, name), name, formats=formats)
            except BadInput as error:
                if self.options.on_bad_file == "stop":
                    raise
                skipped.append(str(error))
                continue
            if self.strict_grey and image.mode != "L":
                raise _ColourFound
            images[len(kept)] = fit_image(image, size, resize, channels)
            kept.append(start + offset)
            several_frames += bool(first_frame_sentence(image, name))
        return images[: len(kept)], np.array(kept, dtype=np.int64), skipped, several_frames


def read_image_file(path: Path, name: str) -> bytes:
    """The file's bytes, one more than allowed at most."""
    try:
        # A pipe would be waited for without end.
        if path.exists() and not path.is_file():
            raise BadInput(f"{shown(name, 200)} is no ordinary file; save it again.")
        with path.open("rb", buffering=0) as file:
            content = file.read(LIMITS.image_bytes + 1)
            return content or b""
    except OSError as error:
        why = error.strerror or "it is no file"
        raise BadInput(f"{shown(name, 200)} cannot be opened ({why}); look at its permissions.") from error


def _measured(
    images: np.ndarray, kept: np.ndarray, skipped: list[str], several_frames: int, shape: Shape
) -> _Block:
    # Summed down the columns first: numpy adds whole rows far faster than triples.
    rows = images.reshape(len(images), shape.size, shape.size * shape.channels)
    squared = np.square(rows, dtype=np.uint16)
    sums, squares = (
        part.sum(axis=1, dtype=np.uint32)
        .reshape(len(images), shape.size, shape.channels)
        .sum(axis=1, dtype=np.int64)
        for part in (rows, squared)
    )
    digests = [hashlib.blake2b(image, digest_size=8).digest() for image in images]
    hashes = np.frombuffer(b"".join(digests), dtype="<u8")
    return _Block(images, kept, sums, squares, hashes, skipped, several_frames)


def _stored_shape(pictures: Pictures, options: ImportOptions) -> Shape:
    """Size and channels from the options, and where these leave it open, from a sample."""
    sides, grey = _look_at_sample(pictures)
    automatic = min(max(int(np.median(sides)), _SMALLEST_SIZE), AUTOMATIC_SIZE) if sides else AUTOMATIC_SIZE
    channels = {"rgb": 3, "grey": 1, "as stored": 1 if grey else 3}[options.color]
    return Shape(options.image_size or automatic, channels)


def _look_at_sample(pictures: Pictures) -> tuple[list[int], bool]:
    """The shorter sides of a few pictures, and whether all of them are grey."""
    total = len(pictures)
    picks = sorted({round(i * (total - 1) / max(1, _SAMPLE - 1)) for i in range(min(_SAMPLE, total))})
    first = pictures.read(0, 1) if total else []
    if isinstance(first, np.ndarray):
        return [min(first.shape[1:3])], first.ndim == 3
    sides, grey = [], True
    for pick in picks:
        (path,) = pictures.read(pick, pick + 1)
        try:
            image = decode_image(
                read_image_file(Path(path), Path(path).name),
                Path(path).name,
                formats=getattr(pictures, "formats", FORMATS),
            )
        except BadInput:
            continue
        sides.append(min(image.size))
        grey = grey and image.mode == "L"
    return sides, grey


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise Unavailable(
            f"The images need {needed / 1e9:.1f} GB of disk space, and {free / 1e9:.1f} GB "
            "are free; choose a smaller image size or free some space."
        )
