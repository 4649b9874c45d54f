"""Imports in the background: one at a time, each outcome for everybody who asks."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.data import ImportOptions, Library, ShapesSource
from core.data.import_job import ImportJob, ImportJobs, jobs_of
from core.errors import BadInput, Busy

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
        job = jobs.start(library, ShapesSource(images=200_000), f"s{number}", ImportOptions())
        job.cancel()
        job.join(20)
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


def test_the_scratch_folder_is_gone_in_the_end(jobs: ImportJobs, library: Library, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    jobs.start(library, SMALL, "a", ImportOptions(), scratch=tmp_path / "scratch").join(20)
    assert not (tmp_path / "scratch").exists()
