"""Diary: the entries on the page, a person's words in them, and the files."""

import io
import shutil
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from core.runs import Run, RunStore
from core.runs.lock import hold
from tests.pages.made_runs import HOSTILE, data_info, make_run
from tests.pages.opening import opened, press, show
from tests.unit.insight.judged_runs import write_answers
from ui import diary_export
from ui.diary_pages import OLDEST, PER_PAGE


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.info]
    return "\n".join(str(part.value) for part in parts)


def drawn(chart: Any) -> pd.DataFrame:
    """A chart's whole epochs."""
    [rows] = [part.data.data for part in chart.proto.datasets if part.name == "rows"]
    return convert_arrow_bytes_to_pandas_df(rows)


def numbers(test: AppTest) -> list[int]:
    """Of the entries that are shown, from the top."""
    headings = [part.value for part in test.markdown if part.value.startswith("#### ")]
    return [int(heading[5:].partition(" ")[0]) for heading in headings]


class TestEntries:
    def test_without_runs_it_says_what_it_will_hold(self, store: RunStore) -> None:
        test = opened("diary")
        assert "No run yet" in texts(test) and test.button(key="diary_new")

    def test_an_entry_has_settings_results_curves_and_what_changed(self, store: RunStore) -> None:
        first = make_run(store, name="baseline", hypothesis="Start small.")
        make_run(store, name="slower", parent=first.id, settings={"optimizer": {"kind": "sgd", "lr": 0.01}})
        test = opened("diary")
        shown = texts(test)
        assert "Start small" in shown and "Augmentations" in shown and "Best val" in shown
        assert "Against 1 · baseline" in shown and "clean test" in shown and "0\\.1 → 0\\.01" in shown
        assert len(test.get("vega_lite_chart")) == 4

    def test_the_newest_is_first_until_another_order_is_chosen(self, store: RunStore) -> None:
        for _ in range(3):
            make_run(store)
        test = opened("diary")
        assert numbers(test) == [3, 2, 1]
        test.session_state["diary_order"] = OLDEST
        assert numbers(show(test)) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("state", "done"), [("failed", 0), ("stopped", 2), ("queued", None), ("running", 1)]
    )
    def test_a_run_in_any_state_has_an_entry(self, store: RunStore, state: str, done: int | None) -> None:
        make_run(store, state=state, done=done, name="odd one")
        test = opened("diary")
        assert "odd one" in texts(test) and len(test.get("vega_lite_chart")) == (2 if done else 0)

    def test_a_damaged_run_says_so_beside_the_others(self, store: RunStore) -> None:
        make_run(store, name="whole")
        broken = make_run(store, name="broken")
        (broken.folder / "status.json").write_text("nothing")
        test = opened("diary")
        assert len(numbers(test)) == 2 and "cannot be read" in test.error[0].value

    def test_a_hostile_name_is_shown_as_it_is(self, store: RunStore) -> None:
        run = make_run(store, name=HOSTILE, hypothesis=f"{HOSTILE}\n# heading\n---")
        run.write_notes(note=HOSTILE, tags=(HOSTILE,))
        shown = texts(opened("diary"))
        assert "![x](" not in shown and "**b**" not in shown and "\n> # " not in shown

    def test_own_words_are_neither_code_nor_a_heading(self, store: RunStore) -> None:
        make_run(store).write_notes(note="Result\n====\n\n    a * b\n\tx_y")
        [shown] = [part.value for part in opened("diary").markdown if "Conclusion" in part.value]
        lines = [line.removeprefix("> ").rstrip() for line in shown.splitlines() if line.startswith(">")]
        blank = "\u00a0" * 4
        assert lines == ["Result", "\\=" * 4, "", f"{blank}a \\* b", f"{blank}x\\_y"]

    def test_its_curves_have_the_marks_of_its_sentences(self, store: RunStore) -> None:
        run = make_run(store, settings={"epochs": 40})
        best = run.status().best
        assert best
        write_answers(run, best.epoch, [True] * 1500)
        test = opened("diary")
        accuracy, lr = (drawn(chart) for chart in test.get("vega_lite_chart"))
        assert accuracy["label"].dropna().tolist() == ["gap opens", "val levels off"]
        assert lr["label"].dropna().empty
        for epoch in accuracy.dropna(subset="label")["epoch"]:
            assert f"epoch {epoch:.0f} " in texts(test)

    def test_many_runs_come_page_by_page(self, store: RunStore) -> None:
        for _ in range(PER_PAGE + 1):
            make_run(store, state="stopped", done=1)
        assert numbers(opened("diary")) == list(range(PER_PAGE + 1, 1, -1))

    def test_a_link_leads_to_the_page_of_its_run(self, store: RunStore) -> None:
        first = make_run(store, state="stopped", done=1)
        for _ in range(PER_PAGE):
            make_run(store, state="stopped", done=1)
        assert numbers(opened("diary", run=first.id)) == [1]


class TestWords:
    def test_hypothesis_and_conclusion_are_changed_in_their_place(self, store: RunStore) -> None:
        run = make_run(store, name="mine", hypothesis="before")
        run.write_notes(tags=("kept",), star=True)
        test = press(opened("diary"), f"diary_edit_{run.id}")
        test.text_area(key=f"diary_hypothesis_{run.id}").set_value("It should help.")
        test.text_area(key=f"diary_note_{run.id}").set_value("It did.\nA lot.")
        press(test, f"diary_save_{run.id}")
        notes = run.notes()
        assert (notes.hypothesis, notes.note) == ("It should help.", "It did.\nA lot.")
        assert (notes.name, notes.tags, notes.star) == ("mine", ("kept",), True)
        assert "It did" in texts(test) and not test.text_area

    def test_leaving_changes_nothing(self, store: RunStore) -> None:
        run = make_run(store, hypothesis="before")
        test = press(opened("diary"), f"diary_edit_{run.id}")
        test.text_area(key=f"diary_hypothesis_{run.id}").set_value("after")
        press(test, f"diary_leave_{run.id}")
        assert run.notes().hypothesis == "before" and not test.text_area

    def test_words_that_cannot_be_saved_stay_in_their_fields(self, store: RunStore) -> None:
        run = make_run(store)
        test = press(opened("diary"), f"diary_edit_{run.id}")
        test.text_area(key=f"diary_note_{run.id}").set_value("not lost")
        with hold(run.folder / ".notes.lock", busy="in use"):
            press(test, f"diary_save_{run.id}")
        assert "being written" in test.error[0].value
        assert test.text_area(key=f"diary_note_{run.id}").value == "not lost"
        press(test, f"diary_save_{run.id}")
        assert run.notes().note == "not lost" and not test.error

    def test_several_entries_can_be_open_at_once(self, store: RunStore) -> None:
        first, second = make_run(store), make_run(store)
        test = press(press(opened("diary"), f"diary_edit_{first.id}"), f"diary_edit_{second.id}")
        assert len(test.text_area) == 4

    def test_a_damaged_runs_words_can_be_changed_too(self, store: RunStore) -> None:
        run = make_run(store)
        (run.folder / "status.json").write_text("nothing")
        test = press(opened("diary"), f"diary_edit_{run.id}")
        test.text_area(key=f"diary_note_{run.id}").set_value("lost by a full disk")
        press(test, f"diary_save_{run.id}")
        assert run.notes().note == "lost by a full disk"


class TestFiles:
    @pytest.fixture
    def run(self, store: RunStore) -> Run:
        return make_run(store, name="one", info=data_info())

    def test_there_is_a_button_for_each_kind_and_nothing_is_made_before_a_click(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(diary_export, "write_diary", lambda *_: pytest.fail("made without a click"))
        labels = [button.proto.label for button in opened("diary").get("download_button")]
        assert labels == ["Download as zip", "Download as HTML"]

    def test_the_zip_holds_markdown_and_pictures(self, store: RunStore, run: Run) -> None:
        content = diary_export.diary_file(store, "zip")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert run.id in archive.read("diary.md").decode() and len(archive.namelist()) == 2

    def test_the_html_file_is_one_document(self, store: RunStore, run: Run) -> None:
        content = diary_export.diary_file(store, "html")
        assert content.startswith(b"<!doctype html>")

    def test_words_saved_since_the_page_was_drawn_are_in_the_file(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A click on Save draws the entry alone: the button above it is the one from before.
        made: list[Callable[[], bytes]] = []
        monkeypatch.setattr(diary_export.st, "download_button", lambda _, data, **__: made.append(data))
        opened("diary")
        run.write_notes(note="Written a moment ago.")
        assert b"Written a moment ago" in made[1]()

    def test_200_runs_are_quick_to_look_at(self, run: Run) -> None:
        for at in range(199):
            shutil.copytree(run.folder, run.folder.with_name(f"20260901-120000-copy-{at:03}"))
        test = opened("diary")
        began = time.perf_counter()
        show(test)
        assert len(numbers(test)) == PER_PAGE
        assert time.perf_counter() - began < 1.5 * 3  # other tests run beside this one
