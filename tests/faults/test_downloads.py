"""The power goes while the archive of a known set is unpacked: what lies under its final name is whole."""

import hashlib
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from core.data import KnownSource
from core.data.collection import Collection, Workplace
from core.data.known import download
from core.data.known.download import Downloads, RemoteFile
from tests.faults.layer import Change, watched
from tests.faults.power import LOSSES, Recorder, lay_out
from tests.unit.data.pictures import encoded, pixels

JPEG = encoded(Image.fromarray(pixels(1)), "JPEG")
PPM = encoded(Image.fromarray(pixels(2)), "PPM")
TABLE = b"Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n0.ppm;12;12;1;1;9;9;0\n"
ARCHIVES: dict[str, dict[str, dict[str, bytes]]] = {
    "eurosat": {
        "eurosat/EuroSAT.zip": {f"2750/{name}/{i}.jpg": JPEG for name in ("Forest", "River") for i in (0, 1)}
    },
    "gtsrb": {
        "gtsrb/GTSRB-Training_fixed.zip": {f"GTSRB/Training/0000{k}/0.ppm": PPM for k in (0, 1)},
        "gtsrb/GTSRB_Final_Test_Images.zip": {"GTSRB/Final_Test/Images/0.ppm": PPM},
        "gtsrb/GTSRB_Final_Test_GT.zip": {"GT-final_test.csv": TABLE},
    },
}
"""By set: its archives in the official layout, with a few files."""


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archives are these tests' own, and there is no network."""
    monkeypatch.setattr(download, "matches", lambda path, md5: True)
    monkeypatch.delattr("urllib.request.urlopen")


def prepared(root: Path, dataset: str) -> Path:
    for name, files in ARCHIVES[dataset].items():
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for member, part in files.items():
                archive.writestr(member, part)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.getvalue())
    return root


def collected(root: Path, dataset: str) -> Collection:
    return KnownSource(dataset=dataset).collect(Workplace(root / "scratch", root))  # type: ignore[arg-type]


def contents(collection: Collection) -> list[tuple[str, bytes, int]]:
    files = collection.pictures.read(0, len(collection.pictures))
    found = [Path(file).read_bytes() for file in files if isinstance(file, Path)]
    return list(zip(collection.names, found, np.asarray(collection.labels).tolist(), strict=True))


def losing_power(root: Path, act: Callable[[], object], disks: Path) -> list[Path]:
    """What each loss before each change leaves."""
    found: list[Path] = []
    rng = random.Random(0)

    def lost(recorder: Recorder, change: Change) -> None:
        for loss in (*LOSSES, "mixed", "mixed"):
            found.append(disks / str(len(found)))
            lay_out(recorder.root, found[-1], loss, rng)  # type: ignore[arg-type]

    with watched(root, Recorder(root, lost)):
        act()
    return found


@pytest.mark.parametrize("dataset", ARCHIVES)
def test_what_an_unpacking_left_is_used_only_where_it_is_whole(tmp_path: Path, dataset: str) -> None:
    whole = contents(collected(prepared(tmp_path / "whole", dataset), dataset))
    assert len(whole) >= 3
    root = prepared(tmp_path / "root", dataset)
    disks = losing_power(root, lambda: collected(root, dataset), tmp_path)
    assert len(disks) > 100
    for disk in disks:
        assert contents(collected(disk, dataset)) == whole


def test_without_the_flushes_an_empty_file_would_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the test above can fail."""
    monkeypatch.setattr(download, "_sync_tree", lambda path: None)
    root = prepared(tmp_path / "root", "eurosat")
    disks = losing_power(root, lambda: collected(root, "eurosat"), tmp_path)
    whole = contents(collected(root, "eurosat"))
    assert any(contents(collected(disk, "eurosat")) != whole for disk in disks)


def test_a_downloaded_file_is_whole_wherever_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * 1000

    class Answer(io.BytesIO):
        headers: ClassVar[dict[str, str]] = {}

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer(content), raising=False)
    (tmp_path / "root").mkdir()
    downloads = Downloads(tmp_path / "root", "Test", lambda *step: None)
    file = RemoteFile("a.bin", ("http://here/a.bin",), hashlib.md5(content).hexdigest())
    disks = losing_power(tmp_path / "root", lambda: downloads.get(file, tmp_path / "root" / "set"), tmp_path)
    there = [path for disk in disks for path in disk.rglob("a.bin")]
    assert there
    assert all(path.read_bytes() == content for path in there)
