"""Inspect: classes, errors, flips, votes and checkpoints, and what is said where something is missing."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data import ImportOptions, Library, ShapesSource
from core.insight.answers import stored_votes
from core.insight.checkpoints import last_against_best
from core.insight.flips import flips
from core.insight.outcomes import val_outcomes
from core.insight.significance import paired
from core.insight.verdict_words import figures
from core.insight.votes import count_rows
from core.runs import Run, RunStore
from core.runs.answers import AnswerFile, read_answers, stored_answers, write_answers
from core.runs.status import write_status
from tests.pages.made_runs import make_run
from tests.pages.opening import opened, press, show
from ui.inspect_tta import enough_sentence
from ui.smallest import smallest_seen


def page(run: Run, **address: str) -> AppTest:
    return opened("inspect", run=run.id, **address)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.info]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def gallery(test: AppTest) -> str:
    return "".join(html.proto.body for html in test.html)


TABLES = {
    "classes": "Precision",
    "pairs": "Reverse",
    "net": "Net, points",
    "views": "Right alone",
    "augmentations": "Augmentation",
    "agreement": "Votes for the winner",
    "checkpoints": "Looks at test",
}
"""A column that only this table has."""


def frame(test: AppTest, name: str) -> pd.DataFrame:
    value: pd.DataFrame = next(each.value for each in test.dataframe if TABLES[name] in each.value.columns)
    return value


def figure(test: AppTest, label: str) -> str:
    return str(next(metric.value for metric in test.metric if metric.label == label))


def without_best(run: Run) -> Run:
    """As where val was never measured as a number."""
    status = run.status()
    status.best = None
    write_status(run.folder, status, durable=False)
    return run


class TestClasses:
    def test_the_table_counts_every_image_once(self, first: Run) -> None:
        table = frame(page(first), "classes")
        outcomes = val_outcomes(first)
        assert (table["Images"].sum(), table["Right"].sum()) == (len(outcomes.labels), outcomes.hits.sum())
        assert table["Accuracy"].is_monotonic_increasing
        assert all(re.fullmatch(r"[\d.]+ to [\d.]+ %", text) for text in table["95 %"])

    def test_many_classes_are_searched_and_the_matrix_is_limited(self, many: Run) -> None:
        test = page(many)
        assert test.get("vega_lite_chart")
        sizes = test.button_group(key="inspect_matrix_30").options
        assert list(sizes) == ["12 most confused", "24 most confused", "all"]
        assert "6 other classes are in the table" in texts(test)
        assert len(frame(test, "classes")) == 30
        wanted = frame(test, "classes")["Class"].iloc[3]
        test.text_input(key="inspect_find_class").set_value(wanted)
        assert frame(show(test), "classes")["Class"].tolist() == [wanted]
        test.text_input(key="inspect_find_class").set_value("nothing is called so")
        assert "No class has this name" in texts(show(test))

    def test_pairs_are_told_with_both_directions(self, first: Run) -> None:
        pairs = frame(page(first), "pairs")
        outcomes = val_outcomes(first)
        assert (pairs["Images"] + pairs["Reverse"]).sum() == (~outcomes.hits).sum()


class TestErrors:
    def test_the_most_confident_errors_come_first_and_can_be_narrowed(self, first: Run) -> None:
        outcomes = val_outcomes(first)
        wrong = np.flatnonzero(~outcomes.hits)
        test = page(first, view="errors")
        assert f"{len(wrong)} of {len(outcomes.labels)} val images" in texts(test)
        # That there are wrong labels among them nobody knows.
        assert "are found among them" not in texts(test)
        shown = [float(share) for share in re.findall(r'role">said<.*?figure">([\d.]+) %', gallery(test))]
        assert shown == sorted(shown, reverse=True) and len(shown) == min(24, len(wrong))
        label = int(outcomes.labels[wrong[0]])
        test.selectbox(key=f"inspect_truth_{first.id}").set_value(label)
        count = int((outcomes.labels[wrong] == label).sum())
        assert gallery(show(test)).count("<figure>") == min(24, count)

    def test_a_page_has_24_images_and_the_next_button_leads_on(self, many: Run) -> None:
        errors = int((~val_outcomes(many).hits).sum())
        test = page(many, view="errors")
        assert 24 < errors <= 48
        assert gallery(test).count("<figure>") == 24 and f"1 to 24 of {errors}" in texts(test)
        test = press(test, "inspect_errors_next")
        assert gallery(test).count("<figure>") == errors - 24
        assert f"25 to {errors} of {errors}" in texts(test)
        assert test.button(key="inspect_errors_next").disabled

    def test_pixels_are_the_stored_ones_and_not_smoothed(self, first: Run) -> None:
        test = page(first, view="errors")
        assert gallery(test).count("image-rendering:pixelated") == gallery(test).count("<figure>")


class TestFlips:
    def test_without_a_second_run_it_says_what_to_do(self, first: Run) -> None:
        assert "Choose a second run under Against" in texts(page(first, view="flips"))

    def test_fixed_and_broken_are_counted_shown_and_add_up(self, first: Run, second: Run) -> None:
        found = flips(val_outcomes(first), val_outcomes(second))
        test = page(second, against=first.id)
        assert figure(test, "Fixed") == str(len(found.fixed))
        assert figure(test, "Broken") == str(len(found.broken))
        assert figure(test, "Net") == f"{found.net:+d}"
        count = f"({len(found.fixed) + len(found.broken)} of them only one of the two has right)"
        assert f"These 36 val images {count} can show a difference" in texts(test)
        assert len(found.fixed) and len(found.broken)
        assert gallery(test).count("<figure>") == min(24, len(found.fixed))
        assert frame(test, "net")["Net"].sum() == found.net
        test.button_group(key="inspect_flip_kind").set_value("broken")
        assert gallery(show(test)).count("<figure>") == min(24, len(found.broken))

    def test_runs_on_other_images_are_not_compared(self, first: Run, many: Run) -> None:
        assert "Not compared: these runs saw different data sets" in texts(page(first, against=many.id))

    def test_a_second_run_that_was_not_tested_is_named(self, first: Run, second: Run) -> None:
        arrays, _ = read_answers(first, AnswerFile("val", 1), ("label",))
        write_answers(first, AnswerFile("test", 1), arrays)
        test = page(first, against=second.id, epoch="1", split="test")
        assert "second keeps no answers on test" in texts(test)


class TestVotes:
    def test_without_votes_one_click_takes_them(self, first: Run) -> None:
        test = page(first, view="tta")
        assert "No view has voted" in texts(test)
        test.number_input(key=f"inspect_tta_views_{first.id}").set_value(3)
        test = press(test, "inspect_evaluate_tta")
        (look,) = first.looks()
        assert (look.tta_views, look.split) == (3, "val")
        assert figure(test, "Fixes") == str(look.fixed) and figure(test, "Breaks") == str(look.broken)
        assert f"fixes {look.fixed} and breaks {look.broken}" in texts(test)
        votes = stored_votes(first, AnswerFile("val", look.checkpoint_epoch, views=3))
        assert enough_sentence(count_rows(votes)) in texts(test)
        assert smallest_seen(paired(votes.plain_hits, votes.hits)) in texts(test)
        assert frame(test, "views")["View"].tolist() == [1, 2, 3]
        words = frame(test, "augmentations")
        assert words["Augmentation"].str.startswith(("Flip", "Crop")).all()
        assert words["Effect"].tolist()[1] == "in all views"
        assert frame(test, "agreement")["Images"].sum() == look.images

    def test_a_run_without_augmentations_says_that_its_views_are_the_same(self, many: Run) -> None:
        test = page(many, view="tta")
        test.number_input(key=f"inspect_tta_views_{many.id}").set_value(2)
        test = press(test, "inspect_evaluate_tta")
        assert "all views of an image are the same" in texts(test)
        assert figure(test, "Fixes") == "0"


class TestCheckpoints:
    def test_raw_and_averaged_weights_are_rows_of_their_own(self, first: Run) -> None:
        table = frame(page(first, view="checkpoints"), "checkpoints")
        assert table["Epoch"].tolist() == [1, 1, 2, 2, 3, 3]
        assert table["Weights"].tolist() == ["raw", "EMA"] * 3

    def test_every_look_at_test_is_numbered_beside_its_figure(self, second: Run) -> None:
        test = page(second, view="checkpoints")
        assert "not looked at" in texts(test)
        test.multiselect(key=f"inspect_jobs_{second.id}").set_value(["1", "3"])
        test.button_group(key=f"inspect_split_{second.id}").set_value("test")
        test.number_input(key=f"inspect_views_{second.id}").set_value(2)
        test = press(show(test), "inspect_evaluate")
        table = frame(test, "checkpoints").set_index("Epoch")
        assert table["Test"].str.extract(r"\((.*)\)")[0].fillna("").tolist() == ["look 1", "", "look 2"]
        assert "(2 views, look 1)" in table.loc[1, "Test, TTA"]
        assert table["Looks at test"].tolist() == [1, 0, 1]
        assert "looked at 2 times" in texts(test)
        assert AnswerFile("test", 3, views=2) in stored_answers(second)

    def test_the_last_epoch_is_set_against_the_best_with_what_the_images_can_show(self, first: Run) -> None:
        status = first.status()
        assert status.best
        status.best.epoch = 1
        write_status(first.folder, status, durable=False)
        found = last_against_best(first, status, "val")
        assert found
        text = texts(page(first, view="checkpoints"))
        assert f"Last against best** (epoch 3 against 1): on {found.n} val images {figures(found)}" in text
        assert smallest_seen(found) in text

    def test_a_run_without_a_best_epoch_is_not_said_to_end_with_it(self, second: Run) -> None:
        assert "last epoch" not in texts(page(without_best(second), view="checkpoints"))

    def test_looks_that_cannot_be_read_are_not_said_to_be_none(self, second: Run) -> None:
        (second.folder / "evaluations.json").write_text("{")
        test = page(second, view="checkpoints")
        text = texts(test)
        assert frame(test, "checkpoints")["Looks at test"].isna().all()
        assert f"How often it was evaluated is not known: evaluations.json of {second.id} is damaged" in text
        assert "the honest one" not in text

    def test_without_the_data_set_the_table_stays(self, workspace: Path, second: Run) -> None:
        shutil.rmtree(workspace / "data" / "small")
        test = page(second, view="checkpoints")
        assert len(frame(test, "checkpoints")) == 3
        assert "cannot be evaluated without it" in texts(test)


class TestMethods:
    @pytest.mark.parametrize(
        ("view", "said"),
        [
            ("classes", "Wilson's 95 % interval"),
            ("flips", "fixed = wrong before and right after"),
            ("tta", "How many views are enough"),
            ("checkpoints", "Looks at test are numbered"),
        ],
    )
    def test_each_view_tells_how_it_is_judged(self, first: Run, view: str, said: str) -> None:
        test = page(first, view=view)
        assert said not in texts(test)
        assert said in texts(press(test, "methods_inspect"))


class TestChoice:
    def test_of_two_runs_that_look_alike_either_can_be_chosen(self, store: RunStore) -> None:
        runs = [make_run(store, name="same") for _ in range(2)]
        test = page(runs[0])
        for run in reversed(runs):
            test.selectbox(key="inspect_run").set_value(run.id)
            assert run.id in show(test).query_params["run"]

    def test_another_run_begins_with_its_own_best_epoch(self, first: Run, second: Run) -> None:
        test = page(first)
        answers = test.selectbox(key=f"inspect_answers_{first.id}")
        bests = {status.best.epoch for run in (first, second) if (status := run.status()).best}
        answers.set_value(AnswerFile("val", min({1, 2, 3} - bests)).name)
        assert show(test).query_params["epoch"]
        test.selectbox(key="inspect_run").set_value(second.id)
        show(test)
        assert "epoch" not in test.query_params and not test.warning
        best = second.status().best
        assert best and f"-{best.epoch:04d}." in str(test.selectbox(key=f"inspect_answers_{second.id}").value)

    def test_a_damaged_run_is_not_said_to_have_no_epoch(self, first: Run) -> None:
        (first.folder / "status.json").write_text("{")
        text = texts(opened("inspect", run=first.id))
        assert "cannot be inspected" in text and "no epoch is done" not in text

    def test_a_class_that_there_is_not_is_damage(self, first: Run) -> None:
        file = AnswerFile("val", val_outcomes(first).epoch)
        arrays, _ = read_answers(first, file, ("label",))
        told = {-2: "does not hold what it should", 30_000: "names a class that there is not"}
        for wrong, said in told.items():
            arrays["predicted"] = np.full_like(arrays["predicted"], wrong)
            write_answers(first, file, arrays)
            assert f"{said}; evaluate this checkpoint again" in texts(page(first))


class TestMissing:
    def test_without_runs_it_says_what_it_needs(self, store: RunStore) -> None:
        test = opened("inspect")
        assert "It needs a run" in texts(test)
        assert test.button(key="inspect_new")

    def test_an_unknown_run_is_named(self, first: Run) -> None:
        test = opened("inspect", run="20260901-gone")
        assert "There is no run '20260901-gone'" in texts(test)

    def test_a_run_without_answers_says_how_to_get_them(self, store: RunStore) -> None:
        test = page(make_run(store))
        assert "keeps no answers for single images" in texts(test) and "Evaluate" in texts(test)

    def test_an_epoch_that_is_not_kept_is_named_and_the_best_is_shown(self, first: Run) -> None:
        test = page(first, epoch="77")
        best = first.status().best
        assert best and "No val answers of epoch 77 are kept" in texts(test)
        assert re.search(rf"shown are val · .*epoch {best.epoch}\.", texts(test))
        assert len(frame(test, "classes")) == 4

    def test_a_deleted_data_set_leaves_figures_and_names(self, workspace: Path, first: Run) -> None:
        names = set(frame(page(first), "classes")["Class"])
        shutil.rmtree(workspace / "data" / "small")
        test = page(first)
        assert "images cannot be shown without it" in texts(test)
        assert set(frame(test, "classes")["Class"]) == names
        test = page(first, view="errors")
        assert "<figure>" in gallery(test) and "<img" not in gallery(test)

    def test_a_changed_data_set_is_not_shown_for_the_old_one(self, workspace: Path, first: Run) -> None:
        shutil.rmtree(workspace / "data" / "small")
        other = ShapesSource(classes=4, images=240, image_size=28, seed=9)
        Library(workspace / "data").import_dataset(other, "small", ImportOptions())
        test = page(first, view="errors")
        assert "has changed since this run was trained" in texts(test) and "<img" not in gallery(test)

    @pytest.mark.parametrize("view", ["classes", "errors"])
    def test_answers_without_labels_take_them_from_the_data_set(self, first: Run, view: str) -> None:
        best = val_outcomes(first)
        file = AnswerFile("val", best.epoch)
        arrays, _ = read_answers(first, file, ("label",))
        write_answers(first, file, {name: value for name, value in arrays.items() if name != "label"})
        test = page(first, view=view)
        if view == "classes":
            assert frame(test, "classes")["Images"].sum() == len(best.labels)
        else:
            assert f"{int((~best.hits).sum())} of {len(best.labels)} val images" in texts(test)

    def test_without_labels_and_data_set_it_says_what_to_do(self, workspace: Path, first: Run) -> None:
        file = AnswerFile("val", val_outcomes(first).epoch)
        arrays, _ = read_answers(first, file, ("label",))
        write_answers(first, file, {name: value for name, value in arrays.items() if name != "label"})
        shutil.rmtree(workspace / "data" / "small")
        assert "true classes of these images are not known" in texts(page(first))

    def test_an_accuracy_that_is_no_number_is_left_out(self, first: Run) -> None:
        rows = first.folder / "epochs.jsonl"
        text = re.sub(r'"val/accuracy": ?[\d.e-]+', '"val/accuracy":"nan"', rows.read_text())
        assert text.count('"nan"') == 3
        rows.write_text(text)
        offers = page(first).selectbox(key=f"inspect_answers_{first.id}").options
        assert len(offers) == 3 and all(offer.endswith("· –") for offer in offers)

    def test_damaged_answers_are_named(self, first: Run) -> None:
        AnswerFile("val", val_outcomes(first).epoch).path(first).write_bytes(b"no")
        assert "damaged" in texts(page(first))
