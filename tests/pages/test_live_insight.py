"""Live: what changed and what it did, how it stands against its parent, what to do next."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data import ImportOptions, Library, ShapesSource
from core.insight.diary.entries import RELATIONS
from core.insight.lineage import lineage
from core.insight.next_steps import changed
from core.insight.verdict import judge
from core.runs import Run, RunStore
from core.runs.lock import hold
from core.runs.rows import write_rows
from core.runs.status import write_status
from tests.pages.live_page import buttons, page, texts
from tests.pages.made_runs import HOSTILE, add_epoch, data_info, epoch_row, make_run, move_inside
from tests.pages.opening import opened, press, show
from tests.unit.insight.judged_runs import hits_of, judged_run, write_answers
from ui.lineage import lineage_frame

SMOOTH = {"loss": {"label_smoothing": 0.1}}


def specs(test: Any) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in test.get("vega_lite_chart")]


class TestCard:
    def test_a_run_that_ended_shows_what_changed_and_what_it_did(self, store: RunStore) -> None:
        parent = make_run(store, name="old")
        run = make_run(store, parent=parent.id, level=0.7, settings=SMOOTH)
        test = page(run=run.id)
        text = texts(test)
        assert "What changed → what it did" in text and "clean test" in text
        assert "against old, cloned from it" in text
        changes, effects = (table.value for table in test.table)
        assert changes.loc["Loss › Label smoothing"].tolist() == ["0", r"0\.1"]
        best = effects.loc["Best val accuracy"]
        assert best["Before"] == "59.7 %" and best["Change"].replace("\\", "").startswith("**+")

    def test_without_a_parent_the_nearest_earlier_recipe(self, store: RunStore) -> None:
        make_run(store, name="old")
        run = make_run(store, settings=SMOOTH)
        assert f"against old, {RELATIONS['nearest']}" in texts(page(run=run.id))

    def test_a_first_run_has_no_card(self, store: RunStore) -> None:
        assert "What changed" not in texts(page(run=make_run(store).id))

    def test_runs_on_other_images_say_so_and_have_no_figures(self, store: RunStore) -> None:
        parent = make_run(store, info=data_info("other"))
        test = page(run=make_run(store, parent=parent.id).id)
        assert "Not compared" in texts(test) and len(test.table) == 1

    def test_how_small_a_difference_the_images_can_show_stands_below_the_figures(
        self, store: RunStore
    ) -> None:
        before, after = hits_of(1500, 900, 60, 100)
        parent = judged_run(store, before)
        run = judged_run(store, after, parent=parent.id, settings=SMOOTH)
        said = judge([parent], [run]).smallest_sentence
        assert said and said in texts(page(run=run.id)).replace("\\", "")
        apart = judged_run(store, before, info=data_info("other"), parent=parent.id)
        assert "can show a difference" not in texts(page(run=apart.id))

    def test_what_a_person_typed_is_shown_as_it_is(self, store: RunStore) -> None:
        parent = make_run(store, name=HOSTILE)
        run = make_run(store, name=HOSTILE, parent=parent.id, state="stopped", done=4, settings=SMOOTH)
        text = texts(page(run=run.id))
        assert text.count("evil") >= 4
        assert not [mark for mark in ("![x]", "**b**", "$x$", "<b>", "http:") if mark in text]

    def test_a_damaged_parent_is_a_sentence(self, store: RunStore) -> None:
        parent = make_run(store)
        run = make_run(store, parent=parent.id)
        (parent.folder / "recipe.json").write_text("{")
        test = page(run=run.id)
        assert "recipe" in test.error[0].value
        # What the run itself suggests is there all the same.
        assert "Next steps" in texts(test)


class TestWhileItRuns:
    @pytest.fixture
    def child(self, store: RunStore) -> Iterator[Run]:
        parent = make_run(store, name="old", level=0.7)
        run = make_run(store, state="running", done=3, parent=parent.id)
        with hold(run.lock_path, busy="in use"):
            status = run.status()
            status.state = "running"
            move_inside(run, status, 5)
            yield run

    def test_it_says_how_it_stands_against_its_parent_and_has_no_card_yet(
        self, store: RunStore, child: Run
    ) -> None:
        parent = next(entry.run for entry in store.list() if entry.notes.name == "old")
        behind = parent.epochs().rows[2]["val/accuracy"] - child.epochs().rows[2]["val/accuracy"]
        text = texts(page(run=child.id)).replace("\\", "")
        said = f"At epoch 3: {behind * 100:.1f} points behind its parent at the same epoch."
        assert f"{said} Its parent is old." in text
        # How many val images there were nobody can say here.
        assert "can show a difference" not in text
        assert "What changed" not in text and "Next steps" not in text

    def test_how_small_a_difference_the_images_can_show_is_said_with_it(
        self, store: RunStore, child: Run
    ) -> None:
        write_answers(child, child.epochs().rows[-1]["epoch"], [True] * 1500)
        assert "These 1,500 val images can show a difference from" in texts(page(run=child.id))

    def test_the_nearest_earlier_recipe_is_named(self, store: RunStore) -> None:
        make_run(store, name="old", level=0.7)
        run = make_run(store, state="running", done=3, settings=SMOOTH)
        with hold(run.lock_path, busy="in use"):
            text = texts(page(run=run.id))
        assert f"Its parent is old, {RELATIONS['nearest']}" in text

    def test_accuracies_on_other_images_are_not_compared(self, store: RunStore) -> None:
        parent = make_run(store, name="old", info=data_info("other"))
        run = make_run(store, state="running", done=3, parent=parent.id)
        with hold(run.lock_path, busy="in use"):
            text = texts(page(run=run.id))
        assert "points behind" not in text and "points ahead" not in text
        assert "Not compared: these runs saw different data sets" in text.replace("\\", "")

    def test_a_tick_does_not_work_the_marks_out_again(
        self, store: RunStore, child: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        test = page(run=child.id)
        monkeypatch.setattr("ui.overfit_marks.overfit_marks", lambda *_: pytest.fail("worked out again"))
        show(test)


class TestMarks:
    def test_they_stand_on_the_curves_and_below_as_sentences(self, store: RunStore) -> None:
        run = make_run(store, settings={"epochs": 40})
        test = page(run=run.id)
        assert "From epoch 15 on clean train stays ahead of val" in texts(test)
        with_labels = [spec for spec in specs(test) if "datum.label" in json.dumps(spec)]
        assert len(with_labels) == 4  # accuracy, loss, learning rate and gap

    def test_a_resumed_run_with_as_many_rows_gets_new_ones(self, store: RunStore) -> None:
        run = make_run(store, settings={"epochs": 40})
        test = page(run=run.id)
        rows = [row | {"train/clean_accuracy": row["val/accuracy"]} for row in map(dict, run.epochs().rows)]
        write_rows(run.folder / "epochs.jsonl", rows)
        assert "clean train stays ahead" not in texts(show(test))

    def test_without_the_data_set_nothing_is_said_of_noise(self, store: RunStore) -> None:
        assert "beyond noise" not in texts(page(run=make_run(store, settings={"epochs": 40}).id))


class TestNextSteps:
    def test_a_suggestion_opens_the_form_with_its_change(self, store: RunStore, tmp_path: Any) -> None:
        run = make_run(store, name="mine")
        test = page(run=run.id)
        assert "Add horizontal flip and shift" in texts(test).replace("\\", "")
        test.button(key=f"live_next_no_augmentation_{run.id}").click()
        test.run()
        request = test.session_state["new_run_request"]
        assert request["clone"] == run.id
        after = changed(run.recipe(), request["changes"])
        assert [augmentation.kind for augmentation in after.augmentations] == ["horizontal_flip", "affine"]
        assert "It sees the same pixels in every epoch" in request["hypothesis"]

    def test_one_that_was_tried_is_left_out(self, store: RunStore) -> None:
        run = make_run(store, name="mine")
        assert f"live_next_more_dropout_{run.id}" in buttons(page(run=run.id))
        net = {"kind": "my_net", "blocks": 1, "width": 8, "dropout": 0.2}
        make_run(store, state="queued", settings={"architecture": net, "seed": 4})
        assert f"live_next_more_dropout_{run.id}" not in buttons(page(run=run.id))

    def test_extend_opens_the_dialog_with_so_many_epochs(self, store: RunStore, shapes: Any) -> None:
        run = make_run(store, info=shapes)
        (run.folder / "epochs.jsonl").unlink()
        status = run.status()
        for epoch in range(1, 11):
            rising = {"val/accuracy": 0.08 * epoch, "train/clean_accuracy": 0.08 * epoch, "lr": 0.1}
            add_epoch(run, status, epoch_row(epoch, 10) | rising)
        write_status(run.folder, status)
        test = press(page(run=run.id), f"live_next_still_rising_{run.id}")
        assert test.number_input(key=f"live_extend_epochs_{run.id}").value == 5

    def test_a_queued_run_gets_none(self, store: RunStore) -> None:
        assert "Next steps" not in texts(page(run=make_run(store, state="queued").id))


@pytest.fixture
def shapes(store: RunStore, tmp_path: Any) -> Any:
    return Library(tmp_path / "data").import_dataset(
        ShapesSource(images=60, image_size=28), "shapes", ImportOptions()
    )


class TestForm:
    def test_it_begins_with_the_change_and_says_so(self, store: RunStore, shapes: Any) -> None:
        run = make_run(store, name="mine", info=shapes)
        request = {
            "clone": run.id,
            "changes": {"architecture.dropout": 0.2},
            "hypothesis": "The gap is wide.",
        }
        form = opened("new_run")
        form.session_state["new_run_request"] = request
        show(form)
        draft = form.session_state["draft"]
        assert draft["recipe"]["architecture"]["dropout"] == 0.2
        assert draft["parent"] == run.id and draft["hypothesis"] == "The gap is wide."
        told = "\n".join(str(part.value) for part in [*form.toast, *form.markdown])
        assert "Dropout 0 → 0.2" in told.replace("\\", "")

    def test_a_change_that_does_not_fit_is_said(self, store: RunStore, shapes: Any) -> None:
        run = make_run(store, info=shapes)
        form = opened("new_run")
        form.session_state["new_run_request"] = {"clone": run.id, "changes": {"architecture.dropout": 7}}
        show(form)
        told = "\n".join(str(part.value) for part in [*form.warning, *form.error, *form.info, *form.markdown])
        assert "dropout" in told.lower()


class TestLineage:
    def test_a_tree_with_what_changed_and_the_difference(self, store: RunStore) -> None:
        root = make_run(store, name="root")
        make_run(store, name="cut", parent=root.id, state="stopped", done=4, settings={"batch_size": 16})
        child = make_run(store, name="child", parent=root.id, level=0.7, settings=SMOOTH)
        make_run(store, name="child, seed 1", parent=child.id, level=0.7, settings=SMOOTH | {"seed": 1})
        frame = lineage_frame(lineage(store.list()), {child.id}).set_index("Run")
        assert frame.index.tolist() == ["● root", "├─ cut", "└─ child (n = 2) ◂"]
        assert frame.loc["└─ child (n = 2) ◂", "What changed"] == "Label smoothing 0 → 0.1"
        assert frame.loc["└─ child (n = 2) ◂", "Change"] == pytest.approx(10, abs=1)
        assert frame.loc["├─ cut", "Kind"] == "clean test; 4 of 10 epochs"
        assert frame["Change"].isna().tolist() == [True, True, False]
        assert frame["Set against"].tolist() == ["", "root", "root"]

    def test_a_run_below_a_damaged_recipe_says_why_it_has_no_change(self, store: RunStore) -> None:
        root = make_run(store, name="root")
        make_run(store, name="child", parent=root.id, settings=SMOOTH)
        (root.folder / "recipe.json").write_text("{")
        frame = lineage_frame(lineage(store.list()), set()).set_index("Run")
        assert "cannot be read" in frame.loc["↓ child", "What changed"]

    def test_how_small_a_difference_the_val_split_can_show_stands_below(self, store: RunStore) -> None:
        hits = hits_of(1500, 900, 60, 100)
        for at, settings in enumerate((None, SMOOTH)):
            judged_run(store, hits[at], settings=settings)
        text = texts(opened("compare", view="lineage"))
        assert "These 1,500 val images can show a difference from" in text

    def test_a_click_goes_to_the_run_that_was_on_the_screen(self, store: RunStore) -> None:
        """Not to the one that has come to stand on this line since."""

        def click() -> None:
            import streamlit as st
            from streamlit.util import AttributeDictionary

            from ui.lineage import _ASKED, _TABLE, _clicked

            for row in (1, 2):
                picked = {"selection": {"rows": [], "columns": [], "cells": [(row, "Run")]}}
                st.session_state[_TABLE] = AttributeDictionary(picked)
                _clicked(["first", "second"])
                st.text(st.session_state.get(_ASKED, "nowhere"))
                st.session_state.pop(_ASKED, None)

        test = show(AppTest.from_function(click))
        assert [text.value for text in test.text] == ["second", "nowhere"]
