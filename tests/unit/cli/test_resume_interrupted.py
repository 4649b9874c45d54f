"""`resume --interrupted`: every interrupted run goes on, without a name."""

import pytest

from core.data import Dataset
from core.runs import Run, RunStore
from core.runs.status import State, read_status, write_status
from tests.unit import tiny
from tests.unit.cli.calls import Call


def left(store: RunStore, dataset: Dataset, state: State) -> Run:
    run = store.create(tiny.recipe(), dataset.info, queue=False)
    status = read_status(run.folder)
    status.state = state
    write_status(run.folder, status)
    return run


def test_every_interrupted_run_goes_on_and_no_other(call: Call, store: RunStore, dataset: Dataset) -> None:
    killed, closed = left(store, dataset, "running"), left(store, dataset, "interrupted")
    stopped = left(store, dataset, "stopped")
    answer = call("resume", "--interrupted")
    assert (answer.status, answer.out) == (0, f"{killed.id}\n{closed.id}\n"), "the oldest first"
    assert [run.status().state for run in (killed, closed, stopped)] == ["finished", "finished", "stopped"]


def test_where_none_is_it_says_so(call: Call) -> None:
    answer = call("resume", "--interrupted")
    assert (answer.status, answer.out) == (0, "")
    assert answer.sentence == "No run is interrupted."


@pytest.mark.parametrize(
    "arguments", [["--interrupted", "--epochs", "5"], ["--interrupted", "--hold-lr"]], ids=" ".join
)
def test_what_does_not_go_together_is_one_sentence(call: Call, arguments: list[str]) -> None:
    answer = call("resume", *arguments)
    assert answer.status == 1
    assert "--interrupted takes no --epochs" in answer.sentence


def test_a_run_and_all_of_them_is_a_wrong_call(call: Call) -> None:
    assert call("resume", "last", "--interrupted").status == 2
