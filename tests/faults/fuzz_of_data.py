"""What is imported: images, archives, tables, the known sets' files, the names of uploads, and the stored
data sets."""

import gzip
import io
import pickle
import shutil
import struct
import zlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from core.classify import zipped_images
from core.data import Library
from core.data.archive import extract_zip
from core.data.collection import Workplace
from core.data.decode import decode_image, fit_image
from core.data.import_job import UploadedZip
from core.data.known.cifar import read_batch
from core.data.known.idx import read_idx
from core.data.table import collect_table, has_columns
from core.errors import BadInput
from core.files import read_json
from tests.faults.fuzz_mutations import NUMBERS, hostile_name, mutated_bytes, mutated_json
from tests.faults.fuzz_target import Target
from tests.faults.fuzz_zips import hostile_zip
from tests.faults.points import small_library
from tests.unit import tiny
from tests.unit.data.pictures import encoded, pixels, png


def image_seeds() -> list[bytes]:
    """Small images of every format and every mode that the format has."""
    color = Image.fromarray(pixels(1, 10))
    grey, wide = color.convert("L"), Image.fromarray(np.arange(100, dtype=np.uint16).reshape(10, 10) * 600)
    clear = color.convert("RGBA")
    clear.putalpha(grey)
    frames: dict[str, Any] = {"save_all": True, "append_images": [color.rotate(90), color.rotate(180)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    text = PngImagePlugin.PngInfo()
    text.add_text("where", "at home", zip=True)
    palette = color.quantize(8)
    found = [
        *(encoded(image) for image in (color, grey, wide, clear, palette, clear.convert("LA"))),
        *(encoded(image) for image in (color.convert("1"), Image.new("RGB", (1, 1)))),
        encoded(color, pnginfo=text, icc_profile=b"profile" * 20, exif=exif, dpi=(72, 72)),
        encoded(palette, transparency=3),
        encoded(color, **frames),
        *(encoded(color, "JPEG", **more) for more in ({}, {"progressive": True}, {"exif": exif})),
        *(encoded(image, "JPEG") for image in (grey, color.convert("CMYK"))),
        *(encoded(color, "WEBP", **more) for more in ({}, {"lossless": True}, frames)),
        encoded(clear, "WEBP"),
        *(encoded(image, "BMP") for image in (color, grey, palette, clear, color.convert("1"))),
        *(encoded(palette, "GIF", **more) for more in ({}, {"transparency": 2}, frames)),
        *(encoded(image, "TIFF") for image in (color, grey, wide, clear, palette, Image.new("F", (4, 4)))),
    ]
    for packing in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        found.append(encoded(color, "TIFF", compression=packing, exif=exif))
    return found


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """A PNG's chunks: kind and body."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def png_of(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The other way round, each with the checksum that belongs to it."""
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


PNG_EXTRAS = (b"iCCP", b"zTXt", b"iTXt", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"eXIf", b"abCD")
"""Chunks that a PNG may have."""
PNG_BOMB = b"x\0\0" + zlib.compress(bytes(3_000_000))
"""The body of one that grows to a thousand times its size."""


def _with_new_sums(rng: Random, content: bytes) -> bytes:
    """A PNG with chunks changed, doubled, moved or added, each with the checksum that belongs to it."""
    chunks = png_chunks(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(chunks))
        kind, body = chunks[place]
        match rng.randrange(4):
            case 0 if body:
                chunks[place] = (kind, mutated_bytes(rng, [body], 2))
            case 1:
                chunks.insert(rng.randrange(len(chunks)), (kind, body))
            case 2:
                extra = rng.choice(PNG_EXTRAS)
                chunks.insert(place, (extra, mutated_bytes(rng, [PNG_BOMB, body])))
            case _:
                dimensions = b"".join(struct.pack(">I", rng.choice(NUMBERS) % 2**32) for _ in range(2))
                chunks[0] = (
                    b"IHDR",
                    dimensions + bytes(rng.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(5)),
                )
    return png_of(chunks)


class Images(Target):
    """Any image, up to the pixels that a network gets."""

    name = "image"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.seeds = image_seeds()
        self.pngs = [seed for seed in self.seeds if seed.startswith(b"\x89PNG")]

    def draw(self, rng: Random) -> tuple[bytes, int, str, int]:
        content = mutated_bytes(rng, self.seeds)
        if rng.random() < 0.3:
            content = _with_new_sums(rng, rng.choice(self.pngs))
        return content, rng.choice((8, 16)), rng.choice(("crop", "pad", "stretch")), rng.choice((1, 3))

    def feed(self, given: tuple[bytes, int, Any, int]) -> None:
        content, size, resize, channels = given
        image = decode_image(content, "cat.png")
        assert image.mode in ("RGB", "L")
        fitted = fit_image(image, size, resize, channels)
        assert (fitted.shape, fitted.dtype) == ((size, size, channels), np.uint8)


class _Zips(Target):
    """An archive in memory; below `out` is what its own code may make of it."""

    def draw(self, rng: Random) -> bytes:
        return hostile_zip(rng)

    @property
    def out(self) -> Path:
        return self.place / "out"

    def left_behind(self) -> str:
        found = sorted(str(path.relative_to(self.place)) for path in self.place.iterdir() if path != self.out)
        shutil.rmtree(self.out, ignore_errors=True)
        for name in found:
            shutil.rmtree(self.place / name)
        return ", ".join(found)


class ImportedZip(_Zips):
    """A zip as the Data page takes it: unpacked, and its classes or its table found."""

    name = "zip"

    def feed(self, given: bytes) -> None:
        self.out.mkdir()
        try:
            extract_zip(io.BytesIO(given), self.out / "tried", name="pets.zip")
        except BadInput:
            assert not (self.out / "tried").exists(), "a refused archive left files"
            raise
        with closing(UploadedZip.keep(io.BytesIO(given), "pets.zip", self.out)) as source:
            collection = source.collect(Workplace(self.out, self.out))
        assert len(collection.names) == len(collection.labels)


class ClassifiedZip(_Zips):
    """A zip of images to classify."""

    name = "zip-classify"

    def feed(self, given: bytes) -> None:
        with zipped_images(io.BytesIO(given), "pets.zip") as found:
            assert len({image.id for image in found.images}) == len(found.images)
            for image in found.images:
                image.read()


class Tables(Target):
    """A CSV beside a folder of images."""

    name = "csv"
    FILES = ("a.png", "b.jpg", "c.png", "c.jpg", "sub/d.png", "1.png", "é.png")

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.images = place / "images"
        for name in self.FILES:
            (self.images / name).parent.mkdir(parents=True, exist_ok=True)
            (self.images / name).write_bytes(png(1))

    def draw(self, rng: Random) -> bytes:
        delimiter = rng.choice((",", ";", "\t", ","))
        names = ["Id", "Category", *rng.sample(["x", "Id", "", "Category", "Usage"], rng.randrange(3))]
        if rng.random() < 0.2:
            rng.shuffle(names)
        stems = [name.rpartition(".")[0] for name in self.FILES]
        rows = [names]
        for name in rng.sample([*self.FILES, *stems], rng.randrange(8)):
            shown = hostile_name(rng, self.FILES) if rng.random() < 0.05 else name
            rows.append(
                [
                    shown,
                    rng.choice(("0", "1", "10", "cat", "-3", "+4", '"a,b"', "🙂")),
                    *["x"] * (len(names) - 2),
                ]
            )
        end = rng.choice(("\n", "\r\n", "\r"))
        text = end.join(delimiter.join(row) for row in rows) + rng.choice(("", end))
        content = rng.choice(("", "\ufeff")).encode() + text.encode("utf-8", "surrogatepass")
        return mutated_bytes(rng, [content]) if rng.random() < 0.6 else content

    def feed(self, given: bytes) -> None:
        table = self.place / "train.csv"
        table.write_bytes(given)
        has_columns(table, "Id", "Category")
        collection = collect_table(table, self.images, None, "Id", "Category")
        assert all(path.is_relative_to(self.images) for path in collection.pictures.read(0, 99))


class UploadNames(Target):
    """What a browser says a zip is called."""

    name = "upload-name"

    def draw(self, rng: Random) -> str:
        name = hostile_name(rng, ("pets.zip", "my pets.zip", "a.ZIP", "../x.zip", "\u202epiz.exe"))
        return (
            name
            if rng.random() < 0.8
            else "".join(chr(rng.randrange(0x3000)) for _ in range(rng.randrange(200)))
        )

    def feed(self, given: str) -> None:
        with closing(UploadedZip.keep(io.BytesIO(b"x"), given, self.place)) as source:
            assert list(self.place.iterdir()) == [], "an upload's bytes need no name"
        assert len(source.path) <= 100
        assert source.path.isprintable()
        assert Path(source.path).name == source.path


class IdxFiles(Target):
    """MNIST's own format."""

    name = "idx"

    def draw(self, rng: Random) -> tuple[str, bytes]:
        plain = [b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 3) + bytes(18), b"\0\0\x08\x01\0\0\0\x02ab"]
        if rng.random() < 0.5:
            return "a-ubyte", mutated_bytes(rng, plain)
        packed = [gzip.compress(content, mtime=0) for content in plain]
        return "a-ubyte.gz", mutated_bytes(rng, [*packed, gzip.compress(mutated_bytes(rng, plain), mtime=0)])

    def feed(self, given: tuple[str, bytes]) -> None:
        name, content = given
        (self.place / name).write_bytes(content)
        assert read_idx(self.place / name).dtype == np.uint8


class CifarBatches(Target):
    """CIFAR's own format, which is pickle: nothing but arrays and plain values may come out."""

    name = "cifar"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        batch = {"data": np.zeros((2, 12), dtype=np.uint8), "labels": [0, 1], "names": ["a", "b"]}
        self.seeds = [pickle.dumps(batch, protocol=protocol) for protocol in (2, 4)]
        self.seeds.append(b"cos\nsystem\n(S'touch fuzz-made'\ntR.")
        self.seeds.append(b'c__builtin__\nexec\n(S\'open("fuzz-made", "w")\'\ntR.')

    def draw(self, rng: Random) -> bytes:
        return mutated_bytes(rng, self.seeds)

    def feed(self, given: bytes) -> None:
        assert isinstance(read_batch(given, "data_batch_1"), dict)

    def left_behind(self) -> str:
        return "a file made by a pickle" if Path("fuzz-made").exists() else ""


class StoredDatasets(Target):
    """A data set's folder whose files somebody else wrote."""

    name = "dataset"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.library = small_library(place / "data")
        self.folder = self.library.folder / tiny.DATASET
        self.whole = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.info = read_json(self.folder / "dataset.json")

    def draw(self, rng: Random) -> tuple[str, bytes]:
        name = rng.choice(sorted(self.whole))
        if name == "dataset.json" or rng.random() < 0.3:
            return "dataset.json", mutated_json(rng, [self.info])
        arrays = [content for file, content in self.whole.items() if file.endswith(".npy")]
        seeds = arrays if name.endswith(".npy") else [self.whole[name]]
        return name, mutated_bytes(rng, [self.whole[name], *seeds])

    def feed(self, given: tuple[str, bytes]) -> None:
        name, content = given
        (self.folder / name).write_bytes(content)
        try:
            Library(self.library.folder).list()
            dataset = self.library.open(tiny.DATASET)
            assert dataset.images.shape[0] == len(dataset.labels)
            for index in (0, len(dataset.labels) - 1):
                dataset.image_name(index)
            assert dataset.images[dataset.indices("train")].sum() >= 0
        finally:
            (self.folder / name).write_bytes(self.whole[name])


DATA_TARGETS: tuple[type[Target], ...] = (
    Images,
    ImportedZip,
    ClassifiedZip,
    Tables,
    UploadNames,
    IdxFiles,
    CifarBatches,
    StoredDatasets,
)
