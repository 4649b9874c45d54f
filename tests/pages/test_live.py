"""Live: which run, what it shows of it, and what a person can do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import ui.live_actions
from core.optim import LrCurve
from core.runs import Run, RunStore
from core.runs.lock import hold
from core.runs.rows import cut_rows
from tests.pages.made_runs import add_epoch, data_info, epoch_row, make_run, move_inside, recipe
from ui.live_actions import extended_curve, extension_words
from ui.live_choice import best_on_same_data

PAGE = Path(__file__).resolve().parents[2] / "pages" / "live.py"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return RunStore(tmp_path / "runs")


def page(**address: str) -> AppTest:
    test = AppTest.from_file(str(PAGE), default_timeout=20)
    for name, value in address.items():
        test.query_params[name] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def open_extension(run_id: str) -> None:
    from ui.live_actions import extend_dialog
    from ui.services import store

    run = store().get(run_id)
    extend_dialog(run, run.status())


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.info, *test.subheader]
    return "\n".join(str(part.value) for part in parts)


def buttons(test: AppTest) -> dict[str, Any]:
    return {button.key: button for button in test.button}


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


@pytest.fixture
def running(store: RunStore) -> Iterator[Run]:
    """A run that somebody trains: its lock is held."""
    run = make_run(store, state="running", done=3, name="now")
    with hold(run.lock_path, busy="in use"):
        status = run.status()
        status.state = "running"
        move_inside(run, status, 5)
        yield run


class TestWhichRun:
    def test_without_runs_it_says_what_to_do(self, store: RunStore) -> None:
        test = page()
        assert "No run yet" in texts(test) and buttons(test)["live_new"].label == "Set up a run"

    def test_the_address_decides(self, store: RunStore) -> None:
        first, _ = make_run(store, name="first"), make_run(store, name="second")
        assert "#### first" in texts(page(run=first.id))

    def test_else_the_one_that_trains(self, store: RunStore, running: Run) -> None:
        make_run(store, name="newer")
        assert "#### now" in texts(page())

    @pytest.mark.parametrize("unknown", ["20260901-nothing", "../../etc", "*"])
    def test_an_unknown_id_is_said_and_the_page_works(self, store: RunStore, unknown: str) -> None:
        run = make_run(store, name="mine")
        test = page(run=unknown)
        assert test.error[0].value.startswith("There is no run")
        test.selectbox(key="live_run").set_value(run.id)
        assert "#### mine" in texts(show(test))
        assert test.query_params["run"] == run.id

    def test_a_damaged_run_says_so_and_hides_no_other(self, store: RunStore) -> None:
        run, other = make_run(store), make_run(store, name="whole")
        (run.folder / "status.json").write_text("{")
        test = page(run=run.id)
        assert "damaged" in test.error[0].value
        assert other.id in test.selectbox(key="live_run").options or len(test.selectbox) == 1

    def test_what_a_person_typed_is_shown_as_it_is(self, store: RunStore) -> None:
        run = make_run(store, name="*bold* <b>", hypothesis="[link](x)")
        assert r"\*bold\* \<b\>" in texts(page(run=run.id))


class TestWhatItShows:
    def test_the_numbers_of_the_last_epoch_and_the_best(self, store: RunStore) -> None:
        run = make_run(store)
        shown, rows = metrics(page(run=run.id)), run.epochs().rows
        best, last = max(row["val/accuracy"] for row in rows), rows[-1]
        assert shown["Best val"] == f"{best * 100:.1f} %"
        assert shown["Val"] == f"{last['val/accuracy'] * 100:.1f} %"
        gap = last["train/clean_accuracy"] - last["val/accuracy"]
        assert shown["Overfit gap"] == f"{gap * 100:+.1f}"

    def test_a_running_run_shows_how_far_it_is(self, store: RunStore, running: Run) -> None:
        bar = page(run=running.id).get("progress")[0].proto
        assert "epoch 4 of 10" in bar.text and "25% of this epoch" in bar.text
        assert "3,300 images/s" in bar.text and "left" in bar.text
        assert bar.value == 32  # (3 + 5 / 20) of 10 epochs

    def test_inside_the_first_epoch_there_are_curves(self, store: RunStore) -> None:
        run = make_run(store, state="running", done=0)
        with hold(run.lock_path, busy="in use"):
            status = run.status()
            status.state = "running"
            move_inside(run, status, 1)
            assert len(page(run=run.id).get("vega_lite_chart")) == 3

    def test_a_queued_run_has_no_undefined_charts(self, store: RunStore) -> None:
        test = page(run=make_run(store, state="queued").id)
        assert not test.get("vega_lite_chart") and "waits in the queue" in texts(test)

    def test_a_failed_run_says_why_and_shows_the_end_of_its_log(self, store: RunStore) -> None:
        run = make_run(store, state="failed", done=2, message="The loss became nan.", hint="Lower the lr.")
        (run.folder / "train.log").write_text("first\n" + "last line\n" * 100)
        test = page(run=run.id)
        assert r"The loss became nan\. Lower the lr\." in test.error[0].value
        assert test.code[0].value.count("last line") == 60

    def test_a_run_whose_process_is_gone_is_interrupted(self, store: RunStore) -> None:
        run = make_run(store, state="running", done=3)
        test = page(run=run.id)
        assert "interrupted" in texts(test) and "live_resume" in buttons(test)

    def test_a_clone_says_what_was_changed(self, store: RunStore) -> None:
        parent = make_run(store, name="old")
        run = make_run(store, parent=parent.id, settings={"optimizer": {"kind": "sgd", "lr": 0.02}})
        text = texts(page(run=run.id))
        assert "cloned from old" in text and r"Optimizer\: Learning rate 0\.1 → 0\.02" in text

    def test_the_parent_can_lie_behind(self, store: RunStore) -> None:
        parent = make_run(store, name="old", level=0.7)
        run = make_run(store, parent=parent.id)
        test = page(run=run.id)
        options = test.selectbox(key="live_behind").options
        assert options[0] == "None" and options[1].startswith("Parent: old")
        test.selectbox(key="live_behind").set_value(parent.id)
        assert show(test).query_params["behind"] == parent.id

    def test_the_best_on_the_same_data_is_another_run_on_this_split(self, store: RunStore) -> None:
        run, low = make_run(store, level=0.9), make_run(store, level=0.5)
        best = make_run(store, level=0.7)
        make_run(store, level=0.8, info=data_info("other"))
        assert best_on_same_data(store.entry(run), store.list()) == best.id
        assert low.id != best.id


class TestTicks:
    def test_a_tick_reads_only_what_is_new(self, store: RunStore, running: Run) -> None:
        test = page(run=running.id)
        read = test.session_state["live_read"][running.id]
        at = read["epochs_at"][1]
        assert at == (running.folder / "epochs.jsonl").stat().st_size
        status = running.status()
        add_epoch(running, status, epoch_row(4, 10))
        move_inside(running, status, 2)
        show(test)
        read = test.session_state["live_read"][running.id]
        assert [row["epoch"] for row in read["epochs"]] == [1, 2, 3, 4]
        assert [row["epoch"] for row in read["steps"]] == [5]
        assert read["epochs_at"][1] > at

    def test_rows_that_a_resume_cut_are_dropped(self, store: RunStore, running: Run) -> None:
        test = page(run=running.id)
        cut_rows(running.folder / "epochs.jsonl", 2)
        show(test)
        read = test.session_state["live_read"][running.id]
        assert [row["epoch"] for row in read["epochs"]] == [1, 2]

    def test_the_session_holds_plain_data_of_the_shown_runs_only(self, store: RunStore) -> None:
        first, second = make_run(store), make_run(store)
        test = page(run=first.id)
        test.selectbox(key="live_run").set_value(second.id)
        show(test)
        assert list(test.session_state["live_read"]) == [second.id]
        json.dumps(test.session_state["live_read"])


class TestActions:
    @pytest.mark.parametrize(
        ("state", "wanted", "unwanted"),
        [
            ("finished", {"live_extend", "live_classify"}, {"live_resume", "live_stop_now"}),
            ("stopped", {"live_resume", "live_extend"}, {"live_stop_now", "live_cancel"}),
            ("failed", {"live_resume"}, {"live_stop_now"}),
            ("queued", {"live_cancel"}, {"live_resume", "live_extend", "live_classify"}),
        ],
    )
    def test_buttons_follow_the_state(
        self, store: RunStore, state: str, wanted: set[str], unwanted: set[str]
    ) -> None:
        run = make_run(store, state=state, done=4)
        keys = set(buttons(page(run=run.id)))
        assert wanted | {"live_clone", "live_compare"} <= keys and not unwanted & keys

    @pytest.mark.parametrize("button", ["live_stop_after", "live_stop_now"])
    def test_a_stop_is_asked_for(self, store: RunStore, running: Run, button: str) -> None:
        test = page(run=running.id)
        test.button(key=button).click()
        show(test)
        assert running.stop_request() == ("now" if button == "live_stop_now" else "after_epoch")
        assert "It stops" in test.info[0].value
        assert test.button(key="live_stop_after").disabled

    def test_a_resumed_run_waits_again(self, store: RunStore) -> None:
        run = make_run(store, state="stopped", done=4)
        test = page(run=run.id)
        test.button(key="live_resume").click()
        show(test)
        assert run.status().state == "queued" and "live_cancel" in buttons(test)

    def test_what_cannot_be_done_is_one_sentence(self, store: RunStore) -> None:
        run = make_run(store, state="stopped", done=4)
        test = page(run=run.id)
        with hold(run.lock_path, busy="in use"):
            test.button(key="live_resume").click()
            show(test)
        assert "is training" in test.error[0].value

    def test_an_extension_says_what_the_lr_does_and_queues_the_run(self, store: RunStore) -> None:
        run = make_run(store, settings={"scheduler": {"kind": "cosine"}})
        test = page(run=run.id)
        test.button(key="live_extend").click()
        assert "climbs back up" in texts(show(test))
        # Here every click runs a page anew, which closes a dialog; so this page always opens it.
        test = show(AppTest.from_function(open_extension, args=(run.id,), default_timeout=20))
        assert "climbs back up" in texts(test)
        test.radio(key="live_extend_hold").set_value("hold")
        assert "climbs back up" not in texts(show(test))
        test.number_input(key="live_extend_epochs").set_value(7)
        show(test)
        test.button(key="live_extend_go").click()
        test.run()
        status = run.status()
        assert (status.state, status.epochs, status.hold_from) == ("queued", 17, 10)

    def test_a_clone_is_handed_to_the_form(self, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
        gone: list[Any] = []
        monkeypatch.setattr(st, "switch_page", lambda path, query_params: gone.append((path, query_params)))
        run = make_run(store)
        test = page(run=run.id)
        test.button(key="live_clone").click()
        show(test)
        assert test.session_state["new_run_request"] == {"clone": run.id}
        assert gone[0][0].name == "new_run.py" and gone[0][0].is_absolute()


class TestExtensionWords:
    def test_a_plateau_scheduler_goes_on_watching(self) -> None:
        settings = recipe(scheduler={"kind": "plateau"})
        words = extension_words(settings, LrCurve((0.1,) * 20, ()), [{"lr": 0.01}], 10, hold=False)
        assert "ReduceLROnPlateau goes on" in words[0] and "0.01" in words[0]

    def test_a_held_lr_stays(self, store: RunStore) -> None:
        settings = recipe(scheduler={"kind": "cosine"})
        curve = extended_curve(settings, 15, hold=True)
        assert curve.epochs[9] > 0 and set(curve.epochs[10:]) == {curve.epochs[9]}
        assert "stays there up to epoch 15" in extension_words(settings, curve, [], 10, hold=True)[0]
        assert ui.live_actions.EXTENDABLE[0] == "finished"


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
