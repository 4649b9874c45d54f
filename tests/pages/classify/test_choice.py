"""Which run, which checkpoint, which weights; and how many threads compute."""

from pathlib import Path

import pytest
import torch

from core.data import Library
from core.runs import Run, RunStore
from core.runs.lock import hold
from core.runs.status import write_status
from tests.pages.classify.page import cards, page, texts
from tests.pages.opening import show
from ui.classify_choice import one_thread_while_training


def test_without_a_run_it_leads_to_new_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    test = page()
    assert [button.label for button in test.button] == ["New run"]


def test_the_newest_run_and_its_best_checkpoint_are_the_default(workspace: Path) -> None:
    newest = RunStore(workspace / "runs").list()[0].run
    test = page()
    best = newest.status().best
    assert best is not None
    assert test.query_params["run"] == newest.id
    shown = test.selectbox(key=f"classify_checkpoint_{newest.id}")
    assert shown.value == "best"
    assert shown.options[0] == f"Best · epoch {best.epoch} · {best.val_accuracy * 100:.1f} % val"


def test_every_kept_epoch_can_be_chosen_and_stands_in_the_address(flips: Run) -> None:
    test = page(flips)
    best = flips.status().best
    assert best is not None
    shown = test.selectbox(key=f"classify_checkpoint_{flips.id}")
    others = sorted({1, 2, 3} - {best.epoch, 3}, reverse=True)
    assert len(shown.options) == 2 + len(others)
    shown.set_value(str(others[0]))
    show(test)
    assert test.query_params["checkpoint"] == str(others[0])
    assert page(flips, checkpoint="last").selectbox(key=f"classify_checkpoint_{flips.id}").value == "last"


def test_a_run_that_does_not_exist_is_said_and_none_is_chosen(flips: Run) -> None:
    test = page("gone*")
    assert "There is no run 'gone*'" in texts(test)
    assert test.selectbox(key="classify_run").value is None


def test_a_run_without_an_epoch_is_said(flips: Run, workspace: Path) -> None:
    store, library = RunStore(workspace / "runs"), Library(workspace / "data")
    waiting = store.create(flips.recipe(), library.open("small").info, name="waiting")
    assert "waiting has no checkpoint yet" in texts(page(waiting))


def test_a_damaged_checkpoint_is_one_sentence(flips: Run) -> None:
    flips.checkpoint("best").write_bytes(b"nonsense")
    test = page(flips)
    assert len(test.error) == 1
    assert "damaged" in test.error[0].value


def test_a_damaged_recipe_json_is_no_hindrance(flips: Run) -> None:
    (flips.folder / "recipe.json").write_text("{")
    test = page(flips, view="samples")
    assert not test.error
    assert cards(test).count('class="pl-card"') == 8


def test_the_average_is_offered_where_the_run_kept_one_and_answers_otherwise(
    flips: Run, no_changes: Run
) -> None:
    assert "EMA" not in [toggle.label for toggle in page(no_changes, view="samples").toggle]
    test = page(flips, view="samples")
    raw = cards(test)
    test.toggle(key=f"classify_ema_{flips.id}").set_value(True)
    show(test)
    assert cards(test) != raw


def test_beside_a_run_on_the_cpu_one_thread_computes_and_the_number_is_put_back(flips: Run) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread_while_training():
            assert torch.get_num_threads() == 2
        status = flips.status()
        status.state, status.device = "running", "CPU, 2 threads"
        write_status(flips.folder, status)
        with hold(flips.lock_path, busy="held"), one_thread_while_training():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
