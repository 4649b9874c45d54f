"""What waits, and what stop, resume and extend make of a run."""

import pytest

from core.data import Dataset
from core.errors import BadInput, Busy, NotFound
from core.runs import RunStore, State
from core.runs.lock import hold
from core.runs.status import RESUMABLE, read_status
from tests.unit.runs.setups import new_run, put, waiting


def test_runs_wait_in_the_order_of_their_launch_and_can_be_moved(store: RunStore, small: Dataset) -> None:
    a, b, c = (new_run(store, small, queue=True) for _ in range(3))
    assert waiting(store) == [a.id, b.id, c.id]
    store.move(c, -1)
    assert waiting(store) == [a.id, c.id, b.id]
    store.move(a, 99)
    assert waiting(store) == [c.id, b.id, a.id]
    store.move(a, -99)
    assert waiting(store) == [a.id, c.id, b.id]
    store.move(b, 0)
    assert waiting(store) == [a.id, c.id, b.id]
    d = new_run(store, small, queue=True)
    assert waiting(store)[-1] == d.id
    store.leave_queue(c)
    with pytest.raises(NotFound, match="not waiting"):
        store.move(c, -1)


def test_a_damaged_queue_loses_no_run(store: RunStore, small: Dataset) -> None:
    a, b = (new_run(store, small, queue=True) for _ in range(2))
    (store.queue_folder / a.id).write_text("{")
    (store.queue_folder / "no-such-run").write_text('{"position": 0}')
    (store.queue_folder / ".x.tmp").write_text("")
    assert waiting(store) == [b.id, a.id]
    assert not (store.queue_folder / "no-such-run").exists()


def test_stopping_a_waiting_run_takes_it_out_of_the_queue(store: RunStore, small: Dataset) -> None:
    run, other = new_run(store, small, queue=True), new_run(store, small, queue=True)
    store.stop(run)
    assert waiting(store) == [other.id]
    assert run.status().state == "stopped"
    assert "before it began" in run.status().message
    store.resume(run)
    assert waiting(store) == [other.id, run.id]
    assert (run.status().state, run.status().message) == ("queued", "")


@pytest.mark.parametrize("when", ["now", "after_epoch"])
def test_stopping_a_training_run_leaves_it_a_request(store: RunStore, small: Dataset, when: str) -> None:
    run = put(new_run(store, small), "running")
    assert run.stop_request() is None
    with hold(run.lock_path, busy=""):
        store.stop(run, when)  # type: ignore[arg-type]
    assert run.stop_request() == when
    assert read_status(run.folder).state == "running", "only the trainer writes its status"


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "interrupted"])
def test_there_is_nothing_to_stop_in_a_run_that_ended(store: RunStore, small: Dataset, state: State) -> None:
    run = put(new_run(store, small), state)
    with pytest.raises(BadInput, match=f"is {state}; there is nothing to stop"):
        store.stop(run)
    assert not (run.folder / "control.json").exists()


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"stop": "tomorrow"}', '{"stop": 3}', "{}", '{"stop": ["now"]}']
)
def test_a_foreign_request_is_none(store: RunStore, small: Dataset, content: str) -> None:
    run = new_run(store, small)
    (run.folder / "control.json").write_text(content)
    assert run.stop_request() is None


@pytest.mark.parametrize("state", ["running", *RESUMABLE])
def test_what_ended_early_can_be_resumed(store: RunStore, small: Dataset, state: State) -> None:
    run = put(new_run(store, small), state, epoch=1)
    run.ask_to_stop("now")
    store.resume(run)
    assert run.status().state == "queued"
    assert waiting(store) == [run.id]
    assert run.stop_request() is None, "an old request would stop it again"


@pytest.mark.parametrize("state", ["finished", "queued"])
def test_a_run_that_is_done_or_waits_cannot_be_resumed(store: RunStore, small: Dataset, state: State) -> None:
    run = put(new_run(store, small), state)
    with pytest.raises(BadInput, match=f"is {state}; only a stopped, interrupted or failed run resumes"):
        store.resume(run)
    assert run.status().state == state


def test_a_training_run_cannot_be_resumed_or_extended(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "running")
    with hold(run.lock_path, busy=""):
        with pytest.raises(Busy, match="is training"):
            store.resume(run)
        with pytest.raises(Busy, match="is training"):
            store.extend(run, 2)
    assert read_status(run.folder).epochs == 3


def test_an_extension_adds_epochs_and_queues(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "finished", epoch=3)
    store.extend(run, 2, hold_lr=True)
    status = run.status()
    assert (status.state, status.epochs, status.hold_from) == ("queued", 5, 3)
    assert waiting(store) == [run.id]
    with pytest.raises(BadInput, match="still waiting"):
        store.extend(run, 2)


@pytest.mark.parametrize("epochs", [0, -1])
def test_an_extension_by_nothing_is_refused(store: RunStore, small: Dataset, epochs: int) -> None:
    run = put(new_run(store, small), "finished", epoch=3)
    with pytest.raises(BadInput, match=f"epochs = {epochs}"):
        store.extend(run, epochs)
    assert run.status().epochs == 3


def test_an_extension_ends_where_a_recipe_may(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "finished", epoch=3)
    with pytest.raises(
        BadInput, match="epochs = 100001: a run has at most 100,000 in all; lower it, for 99,997"
    ):
        store.extend(run, 99_998)
    assert run.status().state == "finished"
    store.extend(run, 99_997, queue=False)
    put(run, "finished", epoch=3)
    with pytest.raises(BadInput, match="train a clone instead"):
        store.extend(run, 1)
    assert run.status().epochs == 100_000
