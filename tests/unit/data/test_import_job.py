"""Imports in the background: one at a time, each outcome for everybody who asks."""

import errno
import io
import multiprocessing
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.data import ImportOptions, Library, ShapesSource
from core.data.import_job import ImportJob, ImportJobs, UploadedZip, jobs_of
from core.errors import BadInput, Busy

from .pictures import write_classes

SMALL = ShapesSource(classes=2, images=24, image_size=28)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "data")


@pytest.fixture
def jobs() -> ImportJobs:
    return ImportJobs()


@pytest.fixture
def endless(library: Library, jobs: ImportJobs) -> Iterator[ImportJob]:
    job = jobs.start(library, ShapesSource(images=200_000), "endless", ImportOptions())
    yield job
    job.cancel()
    job.join(20)


def imported(jobs: ImportJobs, library: Library, name: str) -> ImportJob:
    job = jobs.start(library, SMALL, name, ImportOptions())
    job.join(20)
    return job


def names(jobs: list[ImportJob]) -> list[str]:
    return [job.name for job in jobs]


def test_each_listener_hears_of_each_outcome_once(jobs: ImportJobs, library: Library) -> None:
    imported(jobs, library, "a")
    assert names(jobs.ended_after(0)) == ["a"]
    assert names(jobs.ended_after(0)) == ["a"], "another listener is told too"
    job = imported(jobs, library, "b")
    assert names(jobs.ended_after(1)) == ["b"]
    assert jobs.ended_after(job.number) == []
    assert (job.state, job.info and job.info.images) == ("done", 24)


def test_who_comes_later_begins_with_what_nobody_has_heard(jobs: ImportJobs, library: Library) -> None:
    imported(jobs, library, "a")
    jobs.ended_after(0)
    imported(jobs, library, "b")
    assert names(jobs.ended_after(jobs.heard)) == ["b"]
    assert jobs.ended_after(jobs.heard) == []


def test_one_that_runs_has_no_outcome_yet(jobs: ImportJobs, endless: ImportJob) -> None:
    assert jobs.running is endless
    assert jobs.ended_after(0) == []
    assert jobs.heard == 0


def test_only_the_last_outcomes_are_kept(jobs: ImportJobs, library: Library) -> None:
    for number in range(22):
        imported(jobs, library, f"s{number}")
    assert names(jobs.ended_after(0)) == [f"s{number}" for number in range(2, 22)]


def test_a_second_import_has_to_wait(jobs: ImportJobs, library: Library, endless: ImportJob) -> None:
    for begin in (jobs.check, lambda *at: jobs.start(at[0], SMALL, at[1], ImportOptions())):
        with pytest.raises(Busy, match="endless is being imported"):
            begin(library, "b")


@pytest.mark.parametrize("name", ["", "a b", "../x", "downloads", "TAKEN"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_read(
    jobs: ImportJobs, library: Library, name: str
) -> None:
    imported(jobs, library, "taken")
    with pytest.raises(BadInput):
        jobs.check(library, name)


def test_two_at_the_same_moment_are_one(jobs: ImportJobs, library: Library) -> None:
    begun: list[ImportJob] = []

    def begin(name: str) -> None:
        with suppress(Busy):
            begun.append(jobs.start(library, ShapesSource(images=200_000), name, ImportOptions()))

    threads = [threading.Thread(target=begin, args=(f"s{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(begun) == 1
    begun[0].cancel()
    begun[0].join(20)


def test_everybody_who_looks_at_a_library_sees_the_same_imports(tmp_path: Path) -> None:
    jobs = jobs_of(Library(tmp_path / "data"))
    assert jobs_of(Library(tmp_path / "x" / ".." / "data")) is jobs
    assert jobs_of(Library(tmp_path / "other")) is not jobs


def zipped(folder: Path) -> io.BytesIO:
    """Two classes of six images."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(write_classes(folder, {"cat": 6, "dog": 6}).rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())
    content.seek(0)
    return content


class Unreadable(io.BytesIO):
    """An upload that the disk has no room for."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".locks")


def test_an_uploads_bytes_have_no_name_and_are_gone_in_the_end(
    jobs: ImportJobs, library: Library, tmp_path: Path
) -> None:
    source = UploadedZip.keep(zipped(tmp_path / "pets"), "../my pets.zip", library.folder)
    assert left(library.folder) == []
    job = jobs.start(library, source, "pets", ImportOptions())
    job.join(20)
    assert (job.state, job.info and job.info.source["path"]) == ("done", "my pets.zip")
    assert source._file.closed
    assert left(library.folder) == ["pets"]


def test_an_upload_that_cannot_be_stored_leaves_nothing(library: Library) -> None:
    with pytest.raises(OSError, match="No space left"):
        UploadedZip.keep(Unreadable(), "a.zip", library.folder)
    assert list(library.folder.iterdir()) == []


def _upload_and_hang(folder: str, pets: str, extracted: Any) -> None:
    library = Library(Path(folder))

    def hang(stage: str, done: int, total: int) -> None:
        if stage == "Decoding":
            extracted.set()
            time.sleep(60)

    source = UploadedZip.keep(zipped(Path(pets)), "pets.zip", library.folder)
    library.import_dataset(source, "killed", ImportOptions(), hang)


def test_a_killed_import_of_an_upload_leaves_nothing_after_the_next_start(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    context = multiprocessing.get_context("spawn")
    extracted = context.Event()
    arguments = (str(library.folder), str(tmp_path / "pets"), extracted)
    process = context.Process(target=_upload_and_hang, args=arguments)
    process.start()
    assert extracted.wait(60)
    library.clear_leftovers()
    assert left(library.folder) == [".importing-killed"], "what still runs is let be"
    process.kill()
    process.join()
    library.clear_leftovers()
    assert left(library.folder) == []
    assert list((tmp_path / "temporary").iterdir()) == []
