"""The known sets, from small files in the official layouts."""

import gzip
import inspect
import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from core.data import KNOWN_SETS, ImportOptions, KnownSource, Library, is_here
from core.data.collection import TEST, TRAIN, VAL, Collection, Workplace
from core.data.known import KnownName
from core.data.known.cifar import read_batch
from core.data.known.idx import read_idx
from core.errors import BadInput
from core.vision import torchvision

from .pictures import encoded, pixels


def _idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _write_idx(folder: Path, zipped: bool) -> None:
    folder.mkdir(parents=True)
    for part, count in (("train", 30), ("t10k", 10)):
        images = np.stack([pixels(i, 28, 1) for i in range(count)])
        labels = np.arange(count, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = _idx(array)
            name = f"{part}-{kind}-ubyte"
            (folder / (f"{name}.gz" if zipped else name)).write_bytes(
                gzip.compress(content) if zipped else content
            )


def _mnist(root: Path) -> None:
    _write_idx(root / "MNIST" / "raw", zipped=False)


def _fashion_mnist(root: Path) -> None:
    _write_idx(root / "FashionMNIST" / "raw", zipped=True)


def _cifar_files(name: str) -> dict[str, bytes]:
    description = getattr(torchvision.datasets, name)
    key = "labels" if name == "CIFAR10" else "fine_labels"
    classes = 10 if name == "CIFAR10" else 100
    files = {}
    for file, _ in [*description.train_list, *description.test_list]:
        data = np.random.default_rng(len(files)).integers(0, 256, (classes * 2, 3072), dtype=np.uint8)
        files[file] = pickle.dumps({"data": data, key: [i % classes for i in range(classes * 2)]}, protocol=2)
    meta = description.meta
    files[meta["filename"]] = pickle.dumps({meta["key"]: [f"class {i}" for i in range(classes)]}, protocol=2)
    return files


def _cifar10(root: Path) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for file, content in _cifar_files("CIFAR10").items():
        (folder / file).write_bytes(content)


def _tar(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def _zip(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def _cifar100(root: Path) -> None:
    files = {f"cifar-100-python/{file}": content for file, content in _cifar_files("CIFAR100").items()}
    _tar(root / "cifar-100-python.tar.gz", files)


def _svhn(root: Path) -> None:
    root.mkdir(parents=True)
    for name, count in (("train", 30), ("test", 10)):
        images = np.stack([pixels(i, 32) for i in range(count)], axis=-1)
        labels = np.array([[i % 10 or 10] for i in range(count)], dtype=np.uint8)
        savemat(root / f"{name}_32x32.mat", {"X": images, "y": labels})


def _stl10(root: Path) -> None:
    files = {"stl10_binary/unlabeled_X.bin": b"left out"}
    for name, count in (("train", 20), ("test", 10)):
        images = np.stack([pixels(i, 96) for i in range(count)])
        files[f"stl10_binary/{name}_X.bin"] = images.transpose(0, 3, 2, 1).tobytes()
        files[f"stl10_binary/{name}_y.bin"] = bytes(i % 10 + 1 for i in range(count))
    _tar(root / "stl10_binary.tar.gz", files)


def _eurosat(root: Path) -> None:
    jpeg = encoded(Image.fromarray(pixels(1)), "JPEG")
    files = {f"2750/{name}/{name}_{i}.jpg": jpeg for name in ("Forest", "River") for i in range(10)}
    _zip(root / "eurosat" / "EuroSAT.zip", files)


def _gtsrb(root: Path) -> None:
    ppm = encoded(Image.fromarray(pixels(3)), "PPM")
    folder = root / "gtsrb"
    train = {f"GTSRB/Training/{k:05d}/{k:05d}_{i:05d}.ppm": ppm for k in range(3) for i in range(8)}
    _zip(folder / "GTSRB-Training_fixed.zip", train)
    _zip(
        folder / "GTSRB_Final_Test_Images.zip",
        {f"GTSRB/Final_Test/Images/{i:05d}.ppm": ppm for i in range(3)},
    )
    rows = "".join(f"{i:05d}.ppm;12;12;1;1;9;9;{i}\n" for i in range(3))
    table = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + rows
    _zip(folder / "GTSRB_Final_Test_GT.zip", {"GT-final_test.csv": table.encode()})


def _flowers102(root: Path) -> None:
    folder = root / "flowers-102"
    numbers = np.arange(1, 102 * 3 + 1)
    jpeg = encoded(Image.fromarray(pixels(1)), "JPEG")
    _tar(folder / "102flowers.tgz", {f"jpg/image_{n:05d}.jpg": jpeg for n in numbers})
    savemat(folder / "imagelabels.mat", {"labels": (numbers - 1) % 102 + 1})
    train, val, test = np.split(numbers, 3)
    savemat(folder / "setid.mat", {"trnid": train, "valid": val, "tstid": test})


def _oxford_iiit_pet(root: Path) -> None:
    folder = root / "oxford-iiit-pet"
    jpeg = encoded(Image.fromarray(pixels(1)), "JPEG")
    names = [f"{breed}_{i}" for breed in ("great_pyrenees", "Bengal") for i in range(10)]
    _tar(folder / "images.tar.gz", {f"images/{name}.jpg": jpeg for name in names})
    lines = [f"{name} {2 if name.startswith('great') else 1} 1 1\n" for name in names]
    lists = {"trainval.txt": "".join(lines[:8] + lines[10:18]), "test.txt": "".join(lines[8:10] + lines[18:])}
    _tar(
        folder / "annotations.tar.gz", {f"annotations/{file}": text.encode() for file, text in lists.items()}
    )


_FAKES: dict[str, Callable[[Path], None]] = {
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "fashion_mnist": _fashion_mnist,
    "mnist": _mnist,
    "svhn": _svhn,
    "stl10": _stl10,
    "eurosat": _eurosat,
    "gtsrb": _gtsrb,
    "flowers102": _flowers102,
    "oxford_iiit_pet": _oxford_iiit_pet,
}
_CLASSES = {"cifar100": 100, "flowers102": 102, "eurosat": 2, "gtsrb": 3, "oxford_iiit_pet": 2}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach the network fails the test."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.fixture
def any_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small files of these tests have other checksums than the official ones."""
    monkeypatch.setattr("core.data.known.download.matches", lambda path, md5: True)


def _collect(name: str, root: Path) -> Collection:
    return KnownSource(dataset=name).collect(Workplace(root.parent / "scratch", root))


def test_every_name_has_a_reader_and_a_test() -> None:
    assert set(get_args(KnownName)) == set(KNOWN_SETS) == set(_FAKES)


@pytest.mark.usefixtures("offline", "any_checksum")
@pytest.mark.parametrize("name", _FAKES)
def test_files_that_are_there_are_imported_without_a_network(tmp_path: Path, name: str) -> None:
    library = Library(tmp_path / "data")
    _FAKES[name](library.downloads)
    for round_ in ("first", "second"):  # the second time, archives are extracted already
        info = library.import_dataset(KnownSource(dataset=name), round_, ImportOptions(image_size=12))
        assert len(info.classes) == _CLASSES.get(name, 10)
        assert all(info.counts[split] for split in ("train", "val", "test"))
        assert info.channels == (1 if "mnist" in name else 3)
        assert not info.skipped_count
    assert not list(library.downloads.rglob(".unpacking*"))


@pytest.mark.usefixtures("offline", "any_checksum")
@pytest.mark.parametrize("name", _FAKES)
def test_files_that_are_here_are_seen_before_the_import(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KNOWN_SETS, name, replace(KNOWN_SETS[name], system_folders=()))
    assert not is_here(name, tmp_path / "d")
    _FAKES[name](tmp_path / "d")
    assert is_here(name, tmp_path / "d")
    _collect(name, tmp_path / "d")
    assert KNOWN_SETS[name].folder_by_hand(tmp_path / "d").is_dir(), "where the reader looks"


@pytest.mark.usefixtures("offline")
def test_the_systems_own_files_are_seen_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system"
    _write_idx(system, zipped=True)
    known = replace(KNOWN_SETS["fashion_mnist"], system_folders=(system,))
    monkeypatch.setitem(KNOWN_SETS, "fashion_mnist", known)
    assert is_here("fashion_mnist", tmp_path / "downloads")
    assert len(_collect("fashion_mnist", tmp_path / "downloads").names) == 40


@pytest.mark.usefixtures("offline", "any_checksum")
def test_given_splits_stay(tmp_path: Path) -> None:
    _FAKES["cifar10"](tmp_path / "d")
    assert np.bincount(_collect("cifar10", tmp_path / "d").splits).tolist() == [100, 0, 20]
    _FAKES["flowers102"](tmp_path / "f")
    splits = _collect("flowers102", tmp_path / "f").splits
    assert [int((splits == split).sum()) for split in (TRAIN, VAL, TEST)] == [102, 102, 102]


@pytest.mark.usefixtures("offline", "any_checksum")
def test_pixels_stand_upright(tmp_path: Path) -> None:
    _FAKES["stl10"](tmp_path / "stl")
    assert np.array_equal(_collect("stl10", tmp_path / "stl").pictures.read(4, 5)[0], pixels(4, 96))
    _FAKES["svhn"](tmp_path / "svhn")
    svhn = _collect("svhn", tmp_path / "svhn")
    assert np.array_equal(svhn.pictures.read(31, 32)[0], pixels(1, 32))
    assert svhn.labels[:11].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    _FAKES["cifar10"](tmp_path / "c")
    batch = pickle.loads((tmp_path / "c" / "cifar-10-batches-py" / "data_batch_1").read_bytes())
    planes = batch["data"][7].reshape(3, 32, 32)
    assert np.array_equal(
        _collect("cifar10", tmp_path / "c").pictures.read(7, 8)[0], planes.transpose(1, 2, 0)
    )


@pytest.mark.usefixtures("offline")
def test_idx_files_may_lie_in_the_chosen_folder_itself(tmp_path: Path) -> None:
    _write_idx(tmp_path / "mine", zipped=True)
    source = KnownSource(dataset="mnist", folder=str(tmp_path / "mine"))
    assert len(source.collect(Workplace(tmp_path, tmp_path)).names) == 40


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"hello hello hello", _idx(np.zeros((3, 4, 4), np.uint8))[:-1]]
)
def test_damaged_idx_files_are_named(tmp_path: Path, content: bytes) -> None:
    for name, stored in (("x-ubyte", content), ("y-ubyte.gz", gzip.compress(content)[:-4])):
        (tmp_path / name).write_bytes(stored)
        with pytest.raises(BadInput, match=f"^{name} in .* remove it and import again"):
            read_idx(tmp_path / name)


class _Evil:
    def __reduce__(self) -> tuple:
        return (print, ("this must never run",))


@pytest.mark.parametrize("content", [pickle.dumps(_Evil()), b"garbage", b"", pickle.dumps([1, 2])])
def test_a_pickle_can_hold_arrays_only(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="data_batch_1 is no batch of CIFAR"):
        read_batch(content, "data_batch_1")
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("offline", "any_checksum")
@pytest.mark.parametrize("name", [".ipynb_checkpoints", "x", "-1", "\u0663"])
def test_a_foreign_folder_among_gtsrbs_classes_is_named(tmp_path: Path, name: str) -> None:
    _FAKES["gtsrb"](tmp_path)
    (tmp_path / "gtsrb" / "GTSRB" / "Training" / name).mkdir(parents=True)
    (tmp_path / "gtsrb" / "GTSRB" / "Training" / "00000").mkdir()
    with pytest.raises(BadInput, match=f"The folder '{name}' in .* is no class of GTSRB; remove it"):
        _collect("gtsrb", tmp_path)


@pytest.mark.usefixtures("offline", "any_checksum")
def test_a_class_that_gtsrbs_folders_lack_is_said(tmp_path: Path) -> None:
    _FAKES["gtsrb"](tmp_path)
    _collect("gtsrb", tmp_path)
    (tmp_path / "gtsrb" / "GTSRB" / "Training" / "00002").rename(tmp_path / "away")
    with pytest.raises(BadInput, match=r"GT-final_test\.csv in .* is damaged; remove it"):
        _collect("gtsrb", tmp_path)


@pytest.mark.usefixtures("offline", "any_checksum")
def test_a_pipe_in_place_of_a_list_is_not_waited_for(tmp_path: Path) -> None:
    _FAKES["oxford_iiit_pet"](tmp_path)
    _collect("oxford_iiit_pet", tmp_path)
    table = tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt"
    table.unlink()
    os.mkfifo(table)
    with pytest.raises(BadInput, match=r"test\.txt in .* is missing or damaged"):
        _collect("oxford_iiit_pet", tmp_path)


@pytest.mark.usefixtures("offline")
def test_a_file_with_a_wrong_checksum_is_never_read(tmp_path: Path) -> None:
    _FAKES["cifar100"](tmp_path)
    with pytest.raises(BadInput, match=r"cifar-100-python\.tar\.gz in .*wrong checksum"):
        _collect("cifar100", tmp_path)


def test_addresses_and_checksums_are_those_of_torchvision() -> None:
    from core.data.known import eurosat, gtsrb

    listed = [(eurosat._ARCHIVE, "EuroSAT")]
    listed += [(file, "GTSRB") for file in (gtsrb._TRAIN, gtsrb._TEST, gtsrb._TEST_LABELS)]
    for file, name in listed:
        official = inspect.getsource(getattr(torchvision.datasets, name).download)
        assert file.md5 in official
        assert file.urls[0].rpartition("/")[0] in official
        assert file.name in official
