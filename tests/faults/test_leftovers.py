"""The app's start removes what killed processes left between the data sets and among temporary files."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import pytest

from core.data.scratch import Scratch
from streamlit_app import lifespan

A_DAY_S = 86_400


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data sets, with all that can be left in it and in the folder for temporary files."""
    for name in ("PLATEAU_RUNS", "PLATEAU_DATA"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    folder = tmp_path / "plateau_data"
    places = (
        folder / ".importing-pets" / "scratch" / "archive",
        folder / ".trash-pets-0123",
        folder / "downloads" / "eurosat" / ".unpacking-0123" / "2750",
        folder / "downloads" / "MNIST" / "raw",
        tmp_path / "temporary" / "plateau-scratch-0123" / "work",
    )
    for place in places:
        place.mkdir(parents=True)
        (place / "half.png").write_bytes(b"x")
    part = folder / "downloads" / "MNIST" / "raw" / ".t10k.gz.0123.part"
    part.write_bytes(b"x")
    for path in (part, folder / "downloads" / "eurosat" / ".unpacking-0123"):
        os.utime(path, (time.time() - 2 * A_DAY_S,) * 2)
    return folder


def started() -> None:
    async def go_through() -> None:
        async with lifespan(None):
            pass

    asyncio.run(go_through())


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_start_removes_what_nobody_holds(data: Path, tmp_path: Path) -> None:
    with Scratch() as in_use:
        started()
        assert in_use.is_dir()
    assert [name for name in left(data) if not name.startswith(".locks/")] == ["downloads/MNIST/raw/half.png"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_data_folder_that_cannot_be_written_hinders_no_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    before = left(data)
    for name in ("rmdir", "unlink", "mkdir"):
        monkeypatch.setattr(os, name, refuse)
    started()
    monkeypatch.undo()
    assert left(data) == before
