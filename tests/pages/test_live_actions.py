"""Live: what a person can do with the run, and with the queue."""

from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from core.optim import Schedule
from core.recipe import Recipe
from core.runs import Run, RunStore, Status
from core.runs.lock import hold
from core.runs.rows import Row
from tests.pages.live_page import buttons, page, texts
from tests.pages.made_runs import make_run, recipe
from tests.pages.opening import show
from ui.live_extend import extend_lr, extension_words


def open_extension(run_id: str) -> None:
    from ui.live_extend import extend_dialog
    from ui.services import store

    run = store().get(run_id)
    extend_dialog(run, run.status())


class TestActions:
    @pytest.mark.parametrize(
        ("state", "wanted", "unwanted"),
        [
            ("finished", {"live_extend", "live_classify", "live_inspect"}, {"live_resume", "live_stop_now"}),
            ("stopped", {"live_resume", "live_extend"}, {"live_stop_now", "live_cancel"}),
            ("failed", {"live_resume"}, {"live_stop_now"}),
            ("queued", {"live_cancel"}, {"live_resume", "live_extend", "live_classify"}),
        ],
    )
    def test_buttons_follow_the_state(
        self, store: RunStore, state: str, wanted: set[str], unwanted: set[str]
    ) -> None:
        run = make_run(store, state=state, done=4)
        keys = {key.removesuffix(f"_{run.id}") for key in buttons(page(run=run.id))}
        assert wanted | {"live_clone", "live_compare"} <= keys and not unwanted & keys

    @pytest.mark.parametrize("button", ["live_stop_after", "live_stop_now"])
    def test_a_stop_is_asked_for(self, store: RunStore, running: Run, button: str) -> None:
        test = page(run=running.id)
        test.button(key=f"{button}_{running.id}").click()
        show(test)
        assert running.stop_request() == ("now" if button == "live_stop_now" else "after_epoch")
        assert "It stops" in test.info[0].value
        assert test.button(key=f"live_stop_after_{running.id}").disabled

    def test_a_resumed_run_waits_again(self, store: RunStore) -> None:
        run = make_run(store, state="stopped", done=4)
        test = page(run=run.id)
        test.button(key=f"live_resume_{run.id}").click()
        show(test)
        assert run.status().state == "queued" and f"live_cancel_{run.id}" in buttons(test)

    def test_what_cannot_be_done_is_one_sentence(self, store: RunStore) -> None:
        run = make_run(store, state="stopped", done=4)
        test = page(run=run.id)
        with hold(run.lock_path, busy="in use"):
            test.button(key=f"live_resume_{run.id}").click()
            show(test)
        assert "is training" in test.error[0].value

    def test_an_extension_says_what_the_lr_does_and_queues_the_run(self, store: RunStore) -> None:
        run = make_run(store, settings={"scheduler": {"kind": "cosine"}})
        test = page(run=run.id)
        test.button(key=f"live_extend_{run.id}").click()
        assert "climbs back up" in texts(show(test))
        # Here every click runs a page anew, which closes a dialog; so this page always opens it.
        test = show(AppTest.from_function(open_extension, args=(run.id,), default_timeout=20))
        assert "climbs back up" in texts(test)
        test.radio(key=f"live_extend_hold_{run.id}").set_value("hold")
        assert "climbs back up" not in texts(show(test))
        test.number_input(key=f"live_extend_epochs_{run.id}").set_value(7)
        show(test)
        test.button(key=f"live_extend_go_{run.id}").click()
        test.run()
        status = run.status()
        assert (status.state, status.epochs, status.hold_from) == ("queued", 17, 10)

    def test_one_click_extends_by_half_and_queues_the_run(self, store: RunStore) -> None:
        run = make_run(store)
        test = page(run=run.id)
        button = test.button(key=f"live_extend_now_{run.id}")
        assert button.label == "5 epochs more"
        button.click()
        show(test)
        status = run.status()
        assert (status.state, status.epochs, status.hold_from) == ("queued", 15, None)
        assert store.queue() == [run]

    def test_a_clone_is_handed_to_the_form(self, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
        gone: list[Any] = []
        monkeypatch.setattr(st, "switch_page", lambda path, query_params: gone.append((path, query_params)))
        run = make_run(store)
        test = page(run=run.id)
        test.button(key=f"live_clone_{run.id}").click()
        show(test)
        assert test.session_state["new_run_request"] == {"clone": run.id}
        assert gone[0][0].name == "new_run.py" and gone[0][0].is_absolute()


SCHEDULERS = (
    {"kind": "none"},
    {"kind": "cosine"},
    {"kind": "step", "step_size": 3},
    {"kind": "multi_step", "milestones": [3, 6]},
    {"kind": "plateau", "patience": 1, "factor": 0.5},
    {"kind": "one_cycle"},
)


def trained(settings: Recipe, status: Status, epochs: int, hold_from: int | None = None) -> list[Row]:
    """The rows of a run whose val accuracy stands still from epoch 3 on."""
    weights = settings.optimizer.build([torch.nn.Parameter(torch.zeros(1))])
    schedule = Schedule(
        settings.scheduler,
        settings.warmup,
        weights,
        epochs=settings.epochs,
        steps_per_epoch=100,
        cycle_momentum=settings.optimizer.cycles_momentum,
        hold_from=hold_from,
    )
    weights.step()
    rows: list[Row] = []
    for epoch in range(1, epochs + 1):
        for _step in range(100 if settings.scheduler.unit == "step" else 1):
            lr = schedule.lr
            if settings.scheduler.unit == "step":
                schedule.after_step()
        metrics = {"val/accuracy": min(epoch, 3) / 10, "val/loss": 1.0, "train/loss": 1.0}
        schedule.after_epoch(metrics)
        rows.append({"epoch": epoch, "lr": lr} | metrics)
    status.epoch = epochs
    return rows


class TestExtension:
    @pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda spec: spec["kind"])
    @pytest.mark.parametrize("done", [4, 10])
    def test_a_held_lr_is_the_last_one_of_the_run(
        self, store: RunStore, scheduler: dict[str, Any], done: int
    ) -> None:
        settings = recipe(scheduler=scheduler, warmup={"epochs": 2})
        status = make_run(store, state="stopped", done=0).status()
        rows = trained(settings, status, done)
        shown = extend_lr(settings, status, rows, 5, hold=True)
        words = extension_words(settings, shown, hold=True)[0]
        assert "stays there up to epoch 15" in words
        if scheduler["kind"] == "plateau" and done == 4:
            assert "if val/accuracy improves until then" in words
            return
        really = trained(settings, status, 15, hold_from=10)
        assert shown.added == pytest.approx([row["lr"] for row in really[10:]])
        assert set(shown.added) == {shown.added[0]} and shown.total == 15

    @pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda spec: spec["kind"])
    def test_a_schedule_that_goes_on_is_what_the_run_will_do(
        self, store: RunStore, scheduler: dict[str, Any]
    ) -> None:
        settings = recipe(scheduler=scheduler)
        status = make_run(store).status()
        rows = trained(settings, status, 10)
        shown = extend_lr(settings, status, rows, 4, hold=False)
        really = [row["lr"] for row in trained(settings, status, 14)]
        if scheduler["kind"] == "plateau":
            # Shown as if the run improved; the first epoch's lr is known.
            assert set(shown.added) == {really[10]} and really[10] < 0.1
            assert "goes on to lower it" in extension_words(settings, shown, hold=False)[0]
        else:
            assert shown.added == pytest.approx(really[10:])
        assert shown.past == tuple((row["epoch"], row["lr"]) for row in rows)

    def test_a_second_extension_holds_the_lr_that_is_held_already(self, store: RunStore) -> None:
        settings = recipe(scheduler={"kind": "cosine"})
        status = make_run(store).status()
        status.hold_from, status.epochs = 10, 15
        rows = trained(settings, status, 15, hold_from=10)
        shown = extend_lr(settings, status, rows, 3, hold=True)
        assert set(shown.added) == {rows[9]["lr"]}

    def test_rows_that_are_missing_do_no_harm(self, store: RunStore) -> None:
        settings = recipe(scheduler={"kind": "plateau", "monitor": "val/loss"})
        status = make_run(store).status()
        rows = trained(settings, status, 10)
        del rows[3], rows[5]["val/loss"], rows[6]["lr"]
        assert extend_lr(settings, status, rows, 2, hold=True).total == 12
        frame = extend_lr(settings, status, [], 2, hold=False).frame()
        assert frame["part"].tolist() == ["extension"] * 4

    def test_what_is_planned_already_is_no_extension(self, store: RunStore) -> None:
        settings = recipe(scheduler={"kind": "cosine"})
        status = make_run(store, state="stopped", done=0).status()
        frame = extend_lr(settings, status, trained(settings, status, 4), 2, hold=False).frame()
        assert frame.groupby("part")["x"].agg(["min", "max"]).loc["planned"].tolist() == [4, 10]
        assert frame.groupby("part")["x"].agg(["min", "max"]).loc["extension"].tolist() == [10, 12]


class TestQueue:
    def test_waiting_runs_can_be_moved_and_taken_out(self, store: RunStore) -> None:
        runs = [make_run(store, state="queued", name=f"run {at}") for at in range(3)]
        test = page(run=runs[0].id)
        test.button(key=f"queue_sooner_{runs[2].id}").click()
        show(test)
        assert [run.id for run in store.queue()] == [runs[0].id, runs[2].id, runs[1].id]
        test.button(key=f"queue_cancel_{runs[0].id}").click()
        show(test)
        assert runs[0].status().state == "stopped"
        assert [run.id for run in store.queue()] == [runs[2].id, runs[1].id]

    def test_the_first_cannot_go_sooner_nor_the_last_later(self, store: RunStore) -> None:
        runs = [make_run(store, state="queued") for _ in range(2)]
        found = buttons(page())
        assert found[f"queue_sooner_{runs[0].id}"].disabled
        assert found[f"queue_later_{runs[1].id}"].disabled
        assert not found[f"queue_later_{runs[0].id}"].disabled

    def test_another_run_can_be_shown(self, store: RunStore) -> None:
        first, second = (make_run(store, state="queued", name=name) for name in ("one", "two"))
        test = page(run=first.id)
        test.button(key=f"queue_show_{second.id}").click()
        assert "#### two" in texts(show(test))

    def test_without_any_it_says_so(self, store: RunStore) -> None:
        make_run(store)
        assert "Nothing trains and nothing waits" in texts(page())
