"""Interrupted runs: offered until somebody answers, or resumed by themselves where that was asked for."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data import Dataset, Library
from core.errors import BadInput
from core.runs import JobQueue, Run, RunStore, train
from core.runs import job as job_module
from core.runs.lock import hold
from core.runs.resuming import (
    MOST_TRIES,
    VARIABLE,
    default_resuming,
    interrupted,
    offered,
    put_away,
    resume,
    resume_by_itself,
)
from tests.unit.runs.setups import end, eventually, new_run, put, waiting


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])


@pytest.fixture
def queue(store: RunStore, small_library: Library) -> Iterator[JobQueue]:
    queue = JobQueue(store, small_library)
    yield queue
    queue.close()


def cut_short(store: RunStore, small: Dataset, library: Library) -> Run:
    """A run whose app was killed after its first epoch."""
    run = new_run(store, small)
    closed: list[object] = []
    train(run, library, closing=lambda: bool(closed), listener=closed.append)
    return put(run, "running", run.status().epoch)


@pytest.mark.parametrize(
    ("value", "means"), [(None, "ask"), ("", "ask"), ("ask", "ask"), ("auto", "auto")], ids=str
)
def test_the_environment_says_what_becomes_of_them(value: str | None, means: str) -> None:
    assert default_resuming({} if value is None else {VARIABLE: value}) == means


def test_an_unknown_value_is_named_and_nothing_starts(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "yes")
    with pytest.raises(BadInput, match="PLATEAU_RESUME = 'yes': must be 'ask' or 'auto'"):
        queue.start()


def test_a_killed_run_is_offered_until_it_is_resumed(store: RunStore, small: Dataset) -> None:
    new_run(store, small, queue=True)
    run = put(new_run(store, small), "running", 2)
    assert [entry.run for entry in offered(store)] == [run]
    assert resume(store, run)
    assert offered(store) == []
    assert waiting(store)[-1] == run.id


def test_a_second_click_changes_nothing(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    assert [resume(store, run) for _ in range(3)] == [True, False, False]
    assert waiting(store) == [run.id]
    with hold(run.lock_path, busy=""):
        put(run, "running", 1)
        assert not resume(store, run)


@pytest.mark.parametrize("does", ["resumes it", "does nothing"])
def test_a_click_waits_for_another_that_has_the_run(store: RunStore, small: Dataset, does: str) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    holds = threading.Event()

    def other() -> None:
        with run.locked("in use"):
            holds.set()
            time.sleep(0.7)  # longer than one try
            if does == "resumes it":
                put(run, "queued", 1)

    thread = threading.Thread(target=other)
    thread.start()
    assert holds.wait(10)
    assert resume(store, run) is (does == "does nothing")
    thread.join()
    assert run.status().state == "queued"


def test_what_was_put_away_is_offered_again_only_when_it_was_interrupted_again(
    store: RunStore, small: Dataset
) -> None:
    run, other = (put(new_run(store, small), "interrupted", 1) for _ in range(2))
    put_away(store, [run])
    assert [entry.run for entry in offered(store)] == [other]
    assert {entry.run for entry in interrupted(store)} == {run, other}, "it stays as it is"
    put(run, "interrupted", 2)
    assert run in [entry.run for entry in offered(store)]


@pytest.mark.parametrize("content", ["{", "[]", '{"runs": 3}', '{"runs": {}}'])
def test_a_damaged_memory_of_what_was_put_away_only_offers_it_again(
    store: RunStore, small: Dataset, content: str
) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    put_away(store, [run])
    (store.folder / ".put-away.json").write_text(content)
    assert [entry.run for entry in offered(store)] == [run]


def test_asked_to_the_queue_resumes_by_itself_first_and_to_the_same_bits(
    store: RunStore, small: Dataset, small_library: Library, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = new_run(store, small)
    train(whole, small_library)
    behind = new_run(store, small, queue=True)
    older, newer = (cut_short(store, small, small_library) for _ in range(2))
    monkeypatch.setenv(VARIABLE, "auto")
    assert set(queue.start()) == {older, newer}
    eventually(lambda: behind.status().state == "finished")
    for run in (older, newer):
        assert end(run) == end(whole)
    began = [(run.folder / "train.log").read_text().splitlines()[-1][:23] for run in (older, newer, behind)]
    assert began == sorted(began), "the oldest first, and before what waited"


def test_without_being_asked_it_only_offers(
    store: RunStore, small: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    run = put(new_run(store, small), "running", 1)
    assert queue.start() == [run]
    assert waiting(store) == []
    assert run.status().state == "interrupted"


def test_what_was_put_away_does_not_resume_by_itself(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    put_away(store, [run])
    assert resume_by_itself(store, [run]) == []


def test_a_run_that_brings_down_the_app_each_time_waits_for_a_person_at_last(
    store: RunStore, small: Dataset
) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    tries = 0
    while resume_by_itself(store, [run]):
        store.leave_queue(run)
        put(run, "interrupted", 1)
        tries += 1
        assert tries <= MOST_TRIES
    assert tries == MOST_TRIES
    assert [entry.run for entry in offered(store)] == [run]
    put(run, "interrupted", 2)
    assert resume_by_itself(store, [run]) == [run], "an epoch more counts as life"


def test_one_that_cannot_resume_keeps_no_other_from_it(store: RunStore, small: Dataset) -> None:
    bad, good = (put(new_run(store, small), "interrupted", 1) for _ in range(2))
    (bad.folder / "status.json").write_text("{")
    assert resume_by_itself(store, [bad, good]) == [good]


def test_what_a_killed_apps_process_still_trains_resumes_once_it_lets_go(
    store: RunStore, small: Dataset, small_library: Library, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cut_short(store, small, small_library)
    monkeypatch.setenv(VARIABLE, "auto")
    with hold(run.lock_path, busy=""):
        assert queue.start() == []
    eventually(lambda: run.status().state == "finished")


def test_what_somebody_interrupts_later_is_left_to_them(
    store: RunStore, small: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "auto")
    monkeypatch.setattr(job_module, "LEFT_BEHIND_S", 0.0)
    run, last = put(new_run(store, small), "running", 1), new_run(store, small)
    with hold(run.lock_path, busy=""):
        queue.start()
    store.enqueue(last)
    eventually(lambda: last.status().state == "finished")
    assert run.status().state == "interrupted"


def test_its_files_are_no_runs(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    put_away(store, [run])
    assert resume_by_itself(store, [put(run, "interrupted", 2)])
    assert [entry.id for entry in store.list()] == [run.id]
    assert {path.name for path in Path(store.folder).glob(".*.json")} == {".put-away.json", ".tried.json"}


@pytest.mark.parametrize("seen", ['[1, "x"]', "[1, NaN]", "[1, Infinity]", "[1, null]", "[1]", "{}"])
def test_a_damaged_memory_of_what_was_tried_only_tries_again(
    store: RunStore, small: Dataset, seen: str
) -> None:
    run = put(new_run(store, small), "interrupted", 1)
    (store.folder / ".tried.json").write_text(f'{{"runs": {{"{run.id}": {seen}, "{"x" * 5000}": [1, 1]}}}}')
    assert resume_by_itself(store, [run]) == [run]
