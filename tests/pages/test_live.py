"""Live: which run, and what it shows of it."""

import json

import pytest

from core.runs import Run, RunStore
from core.runs.lock import hold
from core.runs.rows import append_row, cut_rows
from core.runs.status import write_status
from tests.pages.live_page import buttons, metrics, page, texts
from tests.pages.made_runs import HOSTILE, add_epoch, data_info, epoch_row, make_run, move_inside
from tests.pages.opening import show
from ui.live_choice import best_on_same_data


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

    def test_what_it_chose_it_keeps_when_other_runs_change(self, store: RunStore) -> None:
        mine = make_run(store, state="stopped", done=4, name="mine")
        test = page()
        assert test.query_params["run"] == mine.id
        other = make_run(store, state="running", done=2, name="other")
        with hold(other.lock_path, busy="in use"):
            test.button(key=f"live_resume_{mine.id}").click()
            assert "#### mine" in texts(show(test))
        assert mine.status().state == "queued"

    def test_of_two_runs_that_look_alike_either_can_be_chosen(self, store: RunStore) -> None:
        first, second = make_run(store, name="same"), make_run(store, name="same")
        test = page(run=first.id)
        for run in (second, first):
            test.selectbox(key="live_run").set_value(run.id)
            assert run.id in show(test).query_params["run"]

    def test_the_best_on_the_same_data_has_the_same_images(self, store: RunStore) -> None:
        before = data_info().model_copy(update={"fingerprint": "pixels before"})
        make_run(store, name="better", level=0.9, info=before)
        test = page(run=make_run(store).id)
        assert not [label for label in test.selectbox(key="live_behind").options if "Best on" in label]

    @pytest.mark.parametrize("unknown", ["20260901-nothing", "../../etc", "*"])
    def test_an_unknown_id_is_said_and_the_page_works(self, store: RunStore, unknown: str) -> None:
        run = make_run(store, name="mine")
        test = page(run=unknown)
        assert test.error[0].value.startswith("There is no run")
        test.selectbox(key="live_run").set_value(run.id)
        assert "#### mine" in texts(show(test))
        assert test.query_params["run"] == run.id

    def test_notes_that_cannot_be_read_are_said_and_the_run_stays(self, store: RunStore) -> None:
        run = make_run(store, name="mine")
        (run.folder / "notes.json").write_text("{")
        test = page(run=run.id)
        assert "Name, tags and notes are not shown: notes" in test.warning[0].value.replace("\\", "")
        assert not test.error and test.get("vega_lite_chart")

    def test_a_damaged_run_says_so_and_hides_no_other(self, store: RunStore) -> None:
        run, other = make_run(store), make_run(store, name="whole")
        (run.folder / "status.json").write_text("{")
        test = page(run=run.id)
        assert "damaged" in test.error[0].value
        assert other.id in test.selectbox(key="live_run").options or len(test.selectbox) == 1

    def test_what_a_person_typed_is_shown_as_it_is(self, store: RunStore) -> None:
        parent = make_run(store, name=HOSTILE)
        settings = {"data": {"name": "other"}}
        run = make_run(store, name=HOSTILE, hypothesis=HOSTILE, parent=parent.id, settings=settings)
        status = run.status()
        status.state, status.dataset, status.device = "failed", HOSTILE, HOSTILE
        status.message = status.hint = HOSTILE
        write_status(run.folder, status)
        make_run(store, name=HOSTILE, state="queued")
        test = page(run=run.id)
        shown = texts(test) + test.get("progress")[0].proto.text
        assert shown.count("evil") >= 7
        assert not [mark for mark in ("![x]", "**b**", "$x$", "<b>", "http:") if mark in shown]


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
            assert len(page(run=run.id).get("vega_lite_chart")) == 4

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
        assert "interrupted" in texts(test) and f"live_resume_{run.id}" in buttons(test)

    def test_a_clone_says_what_was_changed(self, store: RunStore) -> None:
        parent = make_run(store, name="old")
        run = make_run(store, parent=parent.id, settings={"optimizer": {"kind": "sgd", "lr": 0.02}})
        text = texts(page(run=run.id))
        assert "cloned from old" in text and r"Optimizer › Learning rate 0\.1 → 0\.02" in text

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


class TestWhatIsMissing:
    def test_damaged_rows_and_values_are_said_and_the_rest_is_drawn(self, store: RunStore) -> None:
        run = make_run(store, done=4, state="stopped")
        with (run.folder / "epochs.jsonl").open("a") as file:
            file.write('{"lr": 0.1}\n{"epoch": 2.5}\n{"epoch": "5"}\nnothing\n')
        append_row(run.folder / "epochs.jsonl", epoch_row(5, 10) | {"val/loss": "nan", "lr": "inf"})
        append_row(run.folder / "epochs.jsonl", {"epoch": 6, "val/accuracy": "high", "new": [1]})
        append_row(run.folder / "epochs.jsonl", {"epoch": 7, "val/loss": 10**400})
        test = page(run=run.id)
        shown = texts(test).replace("\\", "")
        assert "4 lines of epochs.jsonl cannot be read" in shown
        assert "val/accuracy in epoch 6" in shown and "val/loss in epoch 5, 7" in shown
        assert len(test.get("vega_lite_chart")) == 4 and metrics(test)["Val"] == "–"
        assert "cannot be read" in texts(show(test))

    def test_steps_without_a_position_or_of_another_version_do_no_harm(
        self, store: RunStore, running: Run
    ) -> None:
        for row in ({"epoch": 4, "position": "here"}, {"epoch": 4, "position": None}, {"epoch": 4, "x": {}}):
            append_row(running.folder / "steps.jsonl", row)
        test = page(run=running.id)
        assert len(test.get("vega_lite_chart")) == 4 and not test.error

    def test_a_whole_run_has_nothing_missing(self, store: RunStore) -> None:
        shown = texts(page(run=make_run(store).id))
        assert "cannot be read" not in shown and "Gaps" not in shown


class TestAveragedWeights:
    def test_their_accuracy_is_a_number_and_a_line_where_there_are_any(self, store: RunStore) -> None:
        plain, run = make_run(store), make_run(store, done=2, state="stopped", averaged=True)
        assert "Val (EMA)" not in metrics(page(run=plain.id))
        test = page(run=run.id)
        last = run.epochs().rows[-1]
        assert metrics(test)["Val (EMA)"] == f"{last['val/ema_accuracy'] * 100:.1f} %"
        specs = [chart.proto.spec for chart in test.get("vega_lite_chart")]
        assert ["val (EMA)" in spec for spec in specs] == [True, False, True, False]


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
