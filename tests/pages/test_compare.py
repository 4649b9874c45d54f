"""Compare: the list of runs, the selection, what differs, and what can be done with it."""

import json
import shutil
import time
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.runs import Look, RunStore
from core.runs.lock import hold
from core.runs.status import write_status
from tests.pages.made_runs import HOSTILE, data_info, make_run
from tests.pages.opening import opened, press, show
from tests.unit.insight.judged_runs import hits_of, judged_run
from ui.compare_actions import clean
from ui.compare_curves import curves_of, read_runs, unique_names
from ui.compare_settings import SETTING


def page(*run_ids: str) -> AppTest:
    return opened("compare", runs=",".join(run_ids))


def dialog(name: str, *run_ids: str) -> AppTest:
    """A page that always opens this dialog: here every click runs a page anew, which closes one."""

    def script(name: str, run_ids: tuple[str, ...]) -> None:
        from ui import compare_actions
        from ui.services import store

        entries = [store().entry(store().get(run_id)) for run_id in run_ids]
        if name == "edit":
            compare_actions.edit_dialog(entries[0])
        elif name == "tags":
            compare_actions.tags_dialog(entries)
        else:
            compare_actions.delete_dialog(entries)

    return show(AppTest.from_function(script, args=(name, run_ids), default_timeout=20))


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning]
    return "\n".join(str(part.value) for part in parts)


def plain_texts(test: AppTest) -> str:
    """Without the backslashes that keep Markdown from being one."""
    return texts(test).replace("\\", "")


def frame(test: AppTest, at: int) -> pd.DataFrame:
    value: pd.DataFrame = test.dataframe[at].value
    return value


def look(epoch: int, accuracy: float, tta: float | None = None) -> Look:
    return Look(
        at="2026-09-01T14:15:30+00:00",
        split="test",
        checkpoint_epoch=epoch,
        images=20,
        accuracy=accuracy,
        loss=1.0,
        tta_views=5 if tta else None,
        tta_accuracy=tta,
    )


class TestTable:
    def test_without_runs_it_says_what_to_do(self, store: RunStore) -> None:
        assert "No run yet" in texts(page())

    def test_evaluations_that_cannot_be_read_are_said_of_a_selected_run(self, store: RunStore) -> None:
        run = make_run(store)
        (run.folder / "evaluations.json").write_text("[]")
        test = page(run.id)
        assert "How often it was evaluated is not known" in test.warning[0].value
        assert "not known" in frame(test, 1)["Looks at test"].tolist()

    def test_every_run_is_listed_a_damaged_one_too(self, store: RunStore) -> None:
        run = make_run(store, name="whole")
        broken = make_run(store, name="broken")
        (broken.folder / "status.json").write_text("nothing")
        listed = frame(page(), 0)
        assert set(listed["name"]) == {"whole", "broken"}
        assert sorted(state[0] for state in listed["state"]) == ["damaged", "finished"]
        test = page(broken.id, run.id)
        assert "damaged" in test.error[0].value and test.get("vega_lite_chart")

    def test_the_filter_narrows_the_list_and_keeps_the_selection(self, store: RunStore) -> None:
        first = make_run(store, name="with flip")
        make_run(store, name="plain", state="failed", done=2)
        test = page(first.id)
        test.text_input(key="compare_text").set_value("plain")
        show(test)
        assert frame(test, 0)["name"].tolist() == ["plain"]
        assert "hidden by the filter" in texts(test)
        assert test.query_params["runs"] == first.id
        test.text_input(key="compare_text").set_value("")
        test.multiselect(key="compare_states").set_value(["failed"])
        assert frame(show(test), 0)["name"].tolist() == ["plain"]

    def test_a_filter_that_nothing_passes_is_said(self, store: RunStore) -> None:
        make_run(store)
        test = page()
        test.text_input(key="compare_text").set_value("no such thing")
        assert "No run passes this filter" in texts(show(test))

    def test_after_a_filter_that_nothing_passes_the_next_one_counts(self, store: RunStore) -> None:
        alpha = make_run(store, name="alpha")
        make_run(store, name="beta")
        test = page(alpha.id)
        test.text_input(key="compare_text").set_value("zzz")
        show(test)
        test.text_input(key="compare_text").set_value("beta")
        assert frame(show(test), 0)["name"].tolist() == ["beta"]
        assert "1 of 2 runs, 1 selected (1 of them hidden by the filter)" in texts(test)

    def test_unknown_ids_in_the_address_are_named(self, store: RunStore) -> None:
        run = make_run(store)
        test = page("20260901-gone", run.id)
        assert "There is no run" in test.error[0].value and "1 selected" in texts(test)

    @pytest.mark.parametrize("view", ["Curves", "Groups"])
    def test_a_run_that_goes_while_the_browser_draws_is_not_selected_any_more(
        self, store: RunStore, monkeypatch: pytest.MonkeyPatch, view: str
    ) -> None:
        stays, goes = make_run(store, name="stays"), make_run(store, name="goes")
        monkeypatch.setattr("ui.compare_views.give_head_start", lambda: store.delete(goes))
        address = {"view": view.lower()} if view != "Curves" else {}
        test = opened("compare", runs=f"{stays.id},{goes.id}", **address)
        assert "1 of 1 runs, 1 selected" in texts(test)

    def test_a_run_that_was_selected_and_deleted_is_not_asked_for_again(self, store: RunStore) -> None:
        stays, goes = make_run(store, name="stays"), make_run(store, name="goes")
        test = page(stays.id, goes.id)
        store.delete(goes)
        test.run()
        assert "1 of 1 runs, 1 selected" in texts(test)

    def test_200_runs_are_quick(self, store: RunStore) -> None:
        run = make_run(store)
        for at in range(199):
            shutil.copytree(run.folder, run.folder.with_name(f"20260901-120000-copy-{at:03}"))
        test = page()
        assert len(frame(test, 0)) == 1  # of one recipe
        test.toggle(key="compare_grouped").set_value(False)
        began = time.perf_counter()
        show(test)
        assert len(frame(test, 0)) == 200
        assert time.perf_counter() - began < 0.7 * 3  # other tests run beside this one


class TestSelection:
    def test_results_and_settings_that_differ(self, store: RunStore) -> None:
        first = make_run(store, name="a")
        second = make_run(store, name="b", level=0.7, settings={"optimizer": {"kind": "adamw", "lr": 0.002}})
        test = page(first.id, second.id)
        results, settings = frame(test, 1), frame(test, 2)
        assert results["Run"].tolist() == ["a", "b"] and results["Epochs"].tolist() == ["10 of 10"] * 2
        rows = settings.set_index(SETTING)[[first.id, second.id]]
        assert rows.loc["Optimizer"].tolist() == ["SGD", "AdamW"]
        assert rows.loc["Optimizer › Learning rate"].tolist() == ["0.1", "0.002"]
        assert "Batch size" not in rows.index
        assert "Not compared" not in texts(test)

    def test_beside_the_results_it_says_how_small_a_difference_can_show(self, store: RunStore) -> None:
        first, second = (judged_run(store, hits_of(1500, 900, 0, 0)[0], seed=seed) for seed in (0, 1))
        other = judged_run(store, hits_of(1500, 900, 0, 0)[0], info=data_info("other"))
        said = "These 1,500 val images can show a difference from 3.6 points on"
        assert said in plain_texts(page(first.id, second.id))
        assert said not in plain_texts(page(first.id))
        assert said not in plain_texts(page(first.id, other.id))

    def test_equal_settings_are_said_to_be_equal(self, store: RunStore) -> None:
        test = page(make_run(store).id, make_run(store).id)
        assert "the same settings" in texts(test)

    def test_other_data_do_not_compare(self, store: RunStore) -> None:
        first, second = make_run(store), make_run(store, info=data_info("other"))
        sentence = "Not compared: these runs saw different data sets (shapes and other)"
        assert sentence in texts(page(first.id, second.id)).replace("\\", "")

    def test_the_same_images_under_two_names_compare(self, store: RunStore) -> None:
        copy = data_info().model_copy(update={"name": "copy of shapes"})
        test = page(make_run(store).id, make_run(store, info=copy, settings={"seed": 1}).id)
        assert "Not compared" not in texts(test)
        assert sorted(frame(test, 1)["Data set"]) == ["copy of shapes", "shapes"]

    @pytest.mark.parametrize("kind", ["Accuracy", "Loss", "Gap", "Learning rate"])
    @pytest.mark.parametrize("over", ["Epochs", "Time"])
    def test_every_kind_of_curve_is_drawn(self, store: RunStore, kind: str, over: str) -> None:
        test = page(make_run(store).id, make_run(store, done=0, state="stopped").id)
        test.get("button_group")
        test.session_state["compare_kind"] = kind
        test.session_state["compare_over"] = over
        show(test)
        assert len(test.get("vega_lite_chart")) == 1 and "Without an epoch yet" in texts(test)

    def test_runs_without_an_epoch_have_no_undefined_chart(self, store: RunStore) -> None:
        test = page(make_run(store, state="queued").id)
        assert not test.get("vega_lite_chart") and "None of these runs" in texts(test)

    def test_the_colour_is_the_runs_own(self, store: RunStore) -> None:
        entries = [store.entry(make_run(store)) for _ in range(3)]
        reads = read_runs(entries)
        alone = {curve.name: curve.color for curve in curves_of(entries[1:], reads)}
        together = {curve.name: curve.color for curve in curves_of(entries, reads)}
        assert alone.items() <= together.items()

    def test_runs_of_one_name_are_told_apart(self, store: RunStore) -> None:
        entries = [store.entry(make_run(store, name="same")) for _ in range(2)]
        assert len(set(unique_names(entries).values())) == 2

    @pytest.mark.parametrize("name", ["Setting", "_setting", "color", "Run", "run", "x", "same"])
    def test_a_name_may_be_anything_and_two_runs_may_have_it(self, store: RunStore, name: str) -> None:
        first = make_run(store, name=name)
        second = make_run(store, name=name, settings={"optimizer": {"kind": "sgd", "lr": 0.02}})
        third = make_run(store, name=f"{name} ({first.id[-4:]})")
        # Copied by hand: the ends of the ids are the same, too.
        twin = first.folder.with_name(f"20260901-120000-{first.id[-4:]}")
        shutil.copytree(first.folder, twin)
        test = page(first.id, second.id, third.id, twin.name)
        names = frame(test, 1)["Run"].tolist()
        assert len(set(names)) == 4 and all(shown.startswith(name) for shown in names)
        settings = frame(test, 2)
        assert settings.columns.tolist() == [SETTING, first.id, second.id, third.id, twin.name]
        assert settings[second.id].tolist() == ["0.02"]
        config = json.loads(test.dataframe[2].proto.columns)
        assert [config[run]["label"] for run in settings.columns[1:]] == names

    def test_no_name_is_taken_for_markdown(self, store: RunStore) -> None:
        runs = [make_run(store, name=HOSTILE, info=data_info(name)) for name in ("one", "two")]
        silent = make_run(store, name=HOSTILE, state="queued")
        for run, data in zip(runs, (HOSTILE, "two"), strict=True):
            status = run.status()
            status.dataset = data
            write_status(run.folder, status)
            run.write_notes(tags=(HOSTILE,), hypothesis=HOSTILE)
        (runs[0].folder / "epochs.jsonl").write_text("nothing\n")
        test = page(*(run.id for run in (*runs, silent)))
        shown = texts(test) + texts(dialog("delete", runs[0].id))
        assert shown.count("evil") >= 5
        assert not [mark for mark in ("![x]", "**b**", "$x$", "<b>", "http:") if mark in shown]

    def test_damaged_rows_are_said_with_the_runs_name(self, store: RunStore) -> None:
        run = make_run(store, name="torn", done=3, state="stopped")
        with (run.folder / "epochs.jsonl").open("a") as file:
            file.write('{"lr": 0.1}\n{"epoch": 4, "val/loss": "nan"}\n')
        test = page(run.id, make_run(store).id)
        shown = texts(test).replace("\\", "")
        assert "torn: 1 line of epochs.jsonl cannot be read" in shown
        assert "torn: Gaps in the curves: not a finite number is val/loss in epoch 4." in shown
        assert len(test.get("vega_lite_chart")) == 1

    def test_averaged_weights_are_a_line_and_a_number_where_there_are_any(self, store: RunStore) -> None:
        plain, run = make_run(store), make_run(store, averaged=True)
        alone, test = page(plain.id), page(plain.id, run.id)
        assert "Last val (EMA)" not in frame(alone, 1)
        last = run.epochs().rows[-1]["val/ema_accuracy"]
        assert frame(test, 1)["Last val (EMA)"].tolist() == ["–", f"{last * 100:.1f} %"]
        specs = [shown.get("vega_lite_chart")[0].proto.spec for shown in (alone, test)]
        assert ["val (EMA)" in spec for spec in specs] == [False, True]

    def test_the_newest_look_with_tta_stays_and_names_its_epoch(self, store: RunStore) -> None:
        run = make_run(store)
        best = run.status().best
        assert best is not None
        run.add_look(look(2, 0.5, tta=0.53))
        run.add_look(look(best.epoch, 0.6))
        results = frame(page(run.id), 1)
        assert results["Test"].tolist() == ["60.0 %"]
        assert results["Test, TTA"].tolist() == ["53.0 % (5 views) @ epoch 2"]


class TestActions:
    def test_name_notes_tags_and_star(self, store: RunStore) -> None:
        run = make_run(store)
        assert "compare_edit_name" in {field.key for field in press(page(run.id), "compare_edit").text_input}
        test = dialog("edit", run.id)
        test.text_input(key="compare_edit_name").set_value(" new name ")
        test.text_area(key="compare_edit_hypothesis").set_value("why")
        test.text_area(key="compare_edit_note").set_value("what")
        test.checkbox(key="compare_edit_star").set_value(True)
        press(test, "compare_edit_save")
        notes = run.notes()
        assert (notes.name, notes.hypothesis, notes.note, notes.star) == ("new name", "why", "what", True)
        assert frame(page(), 0)["name"].tolist() == ["new name"]

    def test_common_tags_change_and_single_ones_stay(self, store: RunStore) -> None:
        first, second = make_run(store), make_run(store)
        first.write_notes(tags=("both", "mine"))
        second.write_notes(tags=("both",))
        test = dialog("tags", first.id, second.id)
        test.multiselect(key="compare_tags_all").set_value([])
        press(test, "compare_tags_save")
        assert first.notes().tags == ("mine",) and second.notes().tags == ()

    def test_tags_are_tidied(self) -> None:
        assert clean([" a ", "a", "", "x" * 60]) == ("a", "x" * 40)

    def test_a_star_goes_on_and_off(self, store: RunStore) -> None:
        run = make_run(store)
        test = press(page(run.id), "compare_star")
        assert run.notes().star
        press(test, "compare_star")
        assert not run.notes().star

    def test_a_deletion_asks_with_the_size_it_frees(self, store: RunStore) -> None:
        run, other = make_run(store, name="gone"), make_run(store)
        test = press(page(run.id, other.id), "compare_delete")
        assert "frees" in texts(test) and run.folder.exists()
        dialog("delete", run.id, other.id).button(key="compare_delete_go").click().run()
        assert not run.folder.exists() and not other.folder.exists()
        assert "No run yet" in texts(page())

    def test_a_run_that_trains_is_not_deleted(self, store: RunStore) -> None:
        run, other = make_run(store, state="running", done=2), make_run(store)
        with hold(run.lock_path, busy="in use"):
            test = dialog("delete", run.id, other.id)
            assert "is training and stays" in texts(test)
            test.button(key="compare_delete_go").click().run()
        assert run.folder.exists() and not other.folder.exists()

    def test_an_export_is_a_link_to_the_zip_of_the_selected_runs(self, store: RunStore) -> None:
        first, second = make_run(store), make_run(store)
        link = page(first.id, second.id).get("link_button")[0].proto
        assert link.label == "Export" and set(link.url.split("=")[1].split(",")) == {first.id, second.id}
        assert link.url.startswith("export?runs=")

    def test_the_selection_can_be_cleared(self, store: RunStore) -> None:
        test = press(page(make_run(store).id), "compare_clear")
        assert "0 selected" in texts(test) and "runs" not in test.query_params

    def test_the_way_to_live_names_the_run(self, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
        gone: list[Any] = []
        monkeypatch.setattr(st, "switch_page", lambda path, query_params: gone.append((path, query_params)))
        run = make_run(store)
        press(page(run.id), "compare_live")
        assert gone[0][0].name == "live.py" and gone[0][1] == {"run": run.id}

    @pytest.mark.parametrize("count", [1, 2])
    def test_the_way_to_inspect_names_the_run_or_the_later_of_two_against_the_earlier(
        self, store: RunStore, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        gone: list[Any] = []
        monkeypatch.setattr(st, "switch_page", lambda path, query_params: gone.append((path, query_params)))
        ids = [make_run(store).id for _ in range(count)]
        press(page(*reversed(ids)), "compare_inspect")
        asked = {"run": ids[0]} if count == 1 else {"run": ids[1], "against": ids[0]}
        assert gone[0][0].name == "inspect.py" and gone[0][1] == asked

    def test_runs_without_an_epoch_or_more_than_two_cannot_be_inspected(self, store: RunStore) -> None:
        ids = [make_run(store).id for _ in range(3)]
        assert page(*ids).button(key="compare_inspect").disabled
        waiting = make_run(store, state="queued", done=0)
        assert page(waiting.id).button(key="compare_inspect").disabled


@pytest.mark.parametrize(("runs", "lines"), [(5, "val and train"), (6, "val")])
def test_a_link_to_more_than_five_runs_begins_with_val_alone(store: RunStore, runs: int, lines: str) -> None:
    made = [make_run(store, name=f"run {at}").id for at in range(runs)]
    test = page(*made)
    assert test.session_state["compare_lines_accuracy"] == lines
    test.query_params["runs"] = ",".join(made[:2])
    assert show(test).session_state["compare_lines_accuracy"] == lines, "a run less changes no lines"
