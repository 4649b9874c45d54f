"""`runs` and `stop`."""

from pathlib import Path

import pytest

from core.data import Dataset
from core.runs import Run, RunStore
from core.runs.lock import hold
from tests.unit import tiny
from tests.unit.cli.calls import Call
from tests.unit.runs.setups import rows

PROJECT = Path(__file__).resolve().parents[3]


def test_no_runs_is_an_empty_list(call: Call) -> None:
    assert call("runs", "--json").json == []
    answer = call("runs")
    assert (answer.status, answer.out) == (0, "")
    assert "python -m core train" in answer.err


def test_a_run_with_a_cut_recipe_is_damaged_and_keeps_its_results(call: Call, trained: Run) -> None:
    recipe = trained.folder / "recipe.json"
    recipe.write_bytes(recipe.read_bytes()[:50])
    (found,) = call("runs", "--json").json
    assert found["state"] == "damaged" and "recipe.json" in found["message"] and found["best"]
    assert "damaged" in call("runs").out


def test_runs_are_listed(call: Call, store: RunStore, trained: Run, dataset: Dataset) -> None:
    waiting = store.create(tiny.recipe(), dataset.info)
    (store.folder / "broken").mkdir()
    found = {each["id"]: each for each in call("runs", "--json").json}
    assert set(found) == {trained.id, waiting.id, "broken"}
    one = found[trained.id]
    keys = {"id", "state", "name", "dataset", "epochs", "epoch", "best", "architecture"}
    assert keys <= set(one)
    assert (one["state"], one["name"], one["dataset"]) == ("finished", "first", "tiny")
    assert (one["epoch"], one["epochs"]) == (2, 2)
    best = max(rows(trained), key=lambda row: row["val/accuracy"])
    assert one["best"]["epoch"] == best["epoch"]
    assert one["best"]["val_accuracy"] == best["val/accuracy"]
    assert 0 <= one["best"]["val_accuracy"] <= 1
    assert found[waiting.id]["best"] is None
    assert (found["broken"]["state"], "status.json" in found["broken"]["message"]) == ("damaged", True)
    table = call("runs").out
    assert f"{best['val/accuracy'] * 100:.1f} %" in table
    assert all(run_id in table for run_id in found)


def test_stop_leaves_a_request_or_takes_a_run_out_of_the_queue(
    call: Call, store: RunStore, dataset: Dataset
) -> None:
    run = store.create(tiny.recipe(), dataset.info, name="mine")
    with hold(run.lock_path, busy=""):
        answer = call("stop", "mine", "--after-epoch")
        assert (answer.status, answer.out) == (0, "")
        assert run.id in answer.sentence
        assert run.stop_request() == "after_epoch"
        call("stop", run.id)
        assert run.stop_request() == "now"
    assert call("stop", run.id[-4:]).status == 0
    assert run.status().state == "stopped"
    assert store.queue() == []
    answer = call("stop", run.id)
    assert answer.status == 1
    assert "nothing to stop" in answer.sentence


@pytest.mark.parametrize("command", ["stop", "resume", "evaluate"])
@pytest.mark.parametrize("run_id", ["no-such", "../../etc", "", "a/b", ".."])
def test_an_unknown_run_is_one_sentence(call: Call, trained: Run, command: str, run_id: str) -> None:
    answer = call(command, run_id)
    assert (answer.status, answer.out) == (1, "")
    assert f"There is no run {run_id!r}" in answer.sentence
