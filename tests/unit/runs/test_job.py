"""The queue: one run at a time, in order, and nothing that one run does stops the others."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from core.data import Dataset, Library
from core.errors import NotFound
from core.runs import JobQueue, Run, RunStore, train
from core.runs import job as job_module
from core.runs import launch as launch_module
from core.runs.foreground import train_or_follow
from core.runs.lock import hold
from core.runs.status import read_status, write_status
from tests.unit.runs.setups import end, eventually, launched_with, new_run, rows

LONG = 50_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])


@pytest.fixture
def queue(store: RunStore, small_library: Library) -> Iterator[JobQueue]:
    queue = JobQueue(store, small_library)
    yield queue
    queue.close()


def state(run: Run) -> str:
    return run.status().state


def test_waiting_runs_train_one_after_the_other_in_order(
    store: RunStore, small: Dataset, queue: JobQueue
) -> None:
    first, second, third = (new_run(store, small, queue=True) for _ in range(3))
    store.move(third, -2)
    queue.start()
    eventually(lambda: {state(run) for run in (first, second, third)} == {"finished"})
    logs = {run.id: (run.folder / "train.log").read_text().splitlines() for run in (first, second, third)}
    spans = {run_id: (lines[0][:23], lines[-1][:23]) for run_id, lines in logs.items()}
    order = [third.id, first.id, second.id]
    assert sorted(spans, key=lambda run_id: spans[run_id]) == order
    for before, after in pairwise(order):
        assert spans[before][1] <= spans[after][0], "two trained at the same time"
    assert store.queue() == []


def test_a_run_launched_later_trains_as_well(store: RunStore, small: Dataset, queue: JobQueue) -> None:
    queue.start()
    run = new_run(store, small, queue=True)
    eventually(lambda: state(run) == "finished")


def test_a_run_of_the_queue_equals_one_trained_by_hand(
    store: RunStore, small: Dataset, small_library: Library, queue: JobQueue
) -> None:
    by_hand, run = new_run(store, small), new_run(store, small, queue=True)
    train(by_hand, small_library)
    queue.start()
    eventually(lambda: state(run) == "finished")
    assert end(run) == end(by_hand)


def test_a_cancelled_run_never_starts_and_a_stopped_one_makes_room(
    store: RunStore, small: Dataset, queue: JobQueue
) -> None:
    long = new_run(store, small, queue=True, epochs=LONG)
    cancelled, last = (new_run(store, small, queue=True) for _ in range(2))
    queue.start()
    eventually(lambda: state(long) == "running")
    assert state(last) == "queued"
    store.stop(cancelled)
    store.stop(long)
    eventually(lambda: state(last) == "finished")
    assert state(long) == state(cancelled) == "stopped"
    assert rows(cancelled) == []


def test_closing_leaves_the_run_interrupted_and_resumable(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    whole, run, next_one = (
        new_run(store, small, epochs=4),
        new_run(store, small, queue=True, epochs=LONG),
        None,
    )
    next_one = new_run(store, small, queue=True)
    train(whole, small_library)
    queue = JobQueue(store, small_library)
    queue.start()
    eventually(lambda: run.status().epoch >= 1)
    began = time.monotonic()
    queue.close()
    assert time.monotonic() - began < 3
    assert read_status(run.folder).state == "interrupted"
    assert state(next_one) == "queued"
    assert not [t for t in threading.enumerate() if t.name.startswith("train-")]
    again = JobQueue(store, small_library)
    assert again.start() == [run]
    try:
        eventually(lambda: state(next_one) == "finished")
        assert state(run) == "interrupted", "a person decides whether it goes on"
        store.resume(run)
        eventually(lambda: state(run) == "running")
    finally:
        again.close()


def test_what_was_queued_when_the_server_died_trains_after_the_restart(
    store: RunStore, small: Dataset, queue: JobQueue
) -> None:
    lost = new_run(store, small)  # made, but killed before it was put into the queue
    dead = new_run(store, small)
    status = read_status(dead.folder)
    status.state, status.epoch = "running", 1
    write_status(dead.folder, status)
    assert queue.start() == [dead]
    eventually(lambda: state(lost) == "finished")
    assert state(dead) == "interrupted"


@pytest.mark.parametrize(
    "damage", ["device", "recipe", "newer", "no recipe", "status", "data", "undecodable"]
)
def test_a_run_that_cannot_train_does_not_block_the_queue(
    store: RunStore, small: Dataset, queue: JobQueue, damage: str
) -> None:
    bad = new_run(
        store,
        small,
        queue=True,
        device="cuda:99" if damage == "device" else "cpu",
        data={"name": "gone" if damage == "data" else "tiny"},
    )
    match damage:
        case "recipe":
            launched_with(bad, b'{"epochs": 0}')
        case "newer":
            launched_with(bad, b'{"version": 9}')
        case "no recipe":
            (bad.folder / "recipe.json").unlink()
        case "status":
            (bad.folder / "status.json").write_text("{")
        case "undecodable":
            (bad.folder / "recipe.json").write_bytes(b"\xff")
    good = new_run(store, small, queue=True)
    queue.start()
    eventually(lambda: state(good) == "finished")
    eventually(lambda: store.queue() == [])
    entry = next(entry for entry in store.list() if entry.id == bad.id)
    assert entry.state == ("damaged" if damage in ("status", "no recipe", "undecodable") else "failed")
    if damage not in ("status", "no recipe"):
        status = bad.status()
        assert status.state == "failed"
        assert status.message.endswith(".")
        assert status.hint


def test_a_run_that_fails_makes_room_for_the_next(
    store: RunStore, small: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (new_run(store, small, queue=True) for _ in range(2))
    real = launch_module.train

    def train_or_raise(run: Run, *arguments: object, **options: object) -> object:
        if run.id == bad.id:
            raise RuntimeError("a fault of ours")
        return real(run, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(launch_module, "train", train_or_raise)
    queue.start()
    eventually(lambda: state(good) == "finished")


def test_two_servers_on_one_folder_train_each_run_once(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    runs = [new_run(store, small, queue=True) for _ in range(4)]
    queues = [JobQueue(store, small_library) for _ in range(2)]
    for queue in queues:
        queue.start()
    try:
        eventually(lambda: {state(run) for run in runs} == {"finished"}, within_s=40)
    finally:
        for queue in queues:
            queue.close()
    for run in runs:
        assert (run.folder / "train.log").read_text().count("finished after epoch") == 1
        assert len(rows(run)) == 3


def test_a_held_device_is_waited_for(store: RunStore, small: Dataset, queue: JobQueue) -> None:
    run = new_run(store, small, queue=True)
    with hold(store.device_lock("cpu"), busy=""):
        queue.start()
        time.sleep(0.3)
        assert state(run) == "queued"
        assert store.queue() == [run]
    eventually(lambda: state(run) == "finished")


def test_the_interpreters_switch_interval_is_put_back(store: RunStore, small_library: Library) -> None:
    before = sys.getswitchinterval()
    queue = JobQueue(store, small_library)
    queue.start()
    assert sys.getswitchinterval() == pytest.approx(5e-4)
    queue.close()
    assert sys.getswitchinterval() == pytest.approx(before)


def test_a_run_deleted_while_it_waits_is_forgotten(store: RunStore, small: Dataset, queue: JobQueue) -> None:
    gone, good = (new_run(store, small, queue=True) for _ in range(2))
    store.delete(gone)
    queue.start()
    eventually(lambda: state(good) == "finished")
    with pytest.raises(NotFound):
        store.get(gone.id)


def test_deleting_all_runs_under_a_working_queue_is_survived(
    store: RunStore, small: Dataset, queue: JobQueue
) -> None:
    queue.start()
    for _ in range(5):
        run = new_run(store, small, queue=True)
        with suppress(Exception):
            store.delete(run)
    good = new_run(store, small, queue=True)
    eventually(lambda: state(good) == "finished")


# From a shell


def test_a_free_device_trains_in_the_foreground(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, queue=True)
    heard: list[object] = []
    status = train_or_follow(
        store, small_library, run, closing=lambda: False, listener=heard.append, follow=pytest.fail
    )
    assert status.state == "finished"
    assert heard
    assert store.queue() == []


def test_a_run_that_the_app_takes_is_followed(
    store: RunStore, small: Dataset, small_library: Library, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = new_run(store, small, queue=True, epochs=LONG)
    queue.start()
    eventually(lambda: state(long) == "running")
    run = new_run(store, small, queue=True, epochs=2)
    seen: list[str] = []

    def follow(status: object) -> None:
        seen.append(status.state)  # type: ignore[attr-defined]
        if len(seen) == 1:
            store.stop(long)

    status = train_or_follow(
        store, small_library, run, closing=lambda: False, listener=lambda event: None, follow=follow
    )
    assert status.state == "finished"
    assert seen[0] == "queued"


def test_a_run_that_is_stopped_while_it_waits_is_not_trained(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, queue=True)

    def follow(status: object) -> None:
        store.stop(run)

    with hold(store.device_lock("cpu"), busy=""):
        status = train_or_follow(
            store, small_library, run, closing=lambda: False, listener=pytest.fail, follow=follow
        )
    assert status.state == "stopped"
    assert rows(run) == []


def test_whoever_stops_waiting_takes_the_run_out_of_the_queue(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, queue=True)
    asked: list[object] = []
    with hold(store.device_lock("cpu"), busy=""):
        status = train_or_follow(
            store, small_library, run, closing=lambda: bool(asked), listener=pytest.fail, follow=asked.append
        )
    assert status.state == "stopped"
    assert store.queue() == []


def test_where_an_app_looks_after_the_queue_a_shell_does_not_overtake_it(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, queue=True)
    followed: list[object] = []
    with hold(store.server_lock("cpu"), busy=""):
        train_or_follow(
            store,
            small_library,
            run,
            closing=lambda: len(followed) == 2,
            listener=pytest.fail,
            follow=followed.append,
        )
    assert len(followed) == 2
    assert rows(run) == []


def test_device_locks_have_file_names(store: RunStore) -> None:
    assert store.device_lock("cuda:1").name == "cuda-1.lock"
    assert isinstance(store.device_lock("cpu"), Path)
