"""Classify: which checkpoint, single images with their votes, a whole split, and a folder's CSV."""

import csv
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import Dataset, FolderSource, ImportOptions, Library, ShapesSource
from core.recipe import recipe_from_draft
from core.runs import Run, RunStore, train
from core.runs.lock import hold
from core.runs.status import write_status
from ui.classify_choice import one_thread_while_training

PAGE = Path(__file__).resolve().parents[2] / "pages" / "classify.py"
FLIP = [{"kind": "horizontal_flip"}, {"kind": "random_crop"}]


def make_run(
    store: RunStore, library: Library, data: str, name: str, augmentations: list[Any], **settings: Any
) -> Run:
    draft: dict[str, Any] = {
        "data": {"name": data},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4},
        "augmentations": augmentations,
        "epochs": 3,
        "batch_size": 16,
        "checkpoints": {"best": True, "every": 1},
        "precision": "fp32",
        "device": "cpu",
    }
    run = store.create(recipe_from_draft(draft | settings), library.open(data).info, name=name, queue=False)
    assert train(run, library).state == "finished"
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that the tests copy: two data sets, and a run on each."""
    root = tmp_path_factory.mktemp("trained")
    library, store = Library(root / "data"), RunStore(root / "runs")
    library.import_dataset(ShapesSource(classes=3, images=80, image_size=28), "small", ImportOptions())
    dataset = library.open("small")
    source = root / "source"
    for index in range(30):
        save(dataset, index, source / "train" / f"kind {dataset.labels[index]}" / f"{index}.png")
    for index in range(30, 34):
        save(dataset, index, source / "test" / f"x{index}.png")
    library.import_dataset(FolderSource(path=str(source)), "contest", ImportOptions(image_size=16))
    make_run(store, library, "contest", "no *changes*", [])
    make_run(store, library, "small", "flips", FLIP, ema={"decay": 0.5})
    return root


@pytest.fixture
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("runs", "data"):
        shutil.copytree(trained / part, tmp_path / part)
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def flips(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("flips")


@pytest.fixture
def no_changes(workspace: Path) -> Run:
    return RunStore(workspace / "runs").find("no *changes*")


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    return Library(workspace / "data").open("small")


def save(dataset: Dataset, index: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(dataset.images[index])).save(path)


def encoded(dataset: Dataset, index: int, kind: str) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.array(dataset.images[index])).save(target, kind)
    return target.getvalue()


def page(run: Run | str = "", **query: str) -> AppTest:
    test = AppTest.from_file(str(PAGE), default_timeout=20)
    run_id = run.id if isinstance(run, Run) else run
    for key, value in ({"run": run_id} | query).items():
        if value:
            test.query_params[key] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click()
    return show(test)


def cards(test: AppTest) -> str:
    return "".join(html.proto.body for html in test.html)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


class TestChoice:
    def test_without_a_run_it_leads_to_new_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
        monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "data"))
        test = page()
        assert [button.label for button in test.button] == ["New run"]

    def test_the_newest_run_and_its_best_checkpoint_are_the_default(self, workspace: Path) -> None:
        newest = RunStore(workspace / "runs").list()[0].run
        test = page()
        best = newest.status().best
        assert best is not None
        assert test.query_params["run"] == newest.id
        shown = test.selectbox(key=f"classify_checkpoint_{newest.id}")
        assert shown.value == "best"
        assert shown.options[0] == f"Best · epoch {best.epoch} · {best.val_accuracy * 100:.1f} % val"

    def test_every_kept_epoch_can_be_chosen_and_stands_in_the_address(self, flips: Run) -> None:
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

    def test_a_run_that_does_not_exist_is_said_and_none_is_chosen(self, flips: Run) -> None:
        test = page("gone*")
        assert "There is no run 'gone*'" in texts(test)
        assert test.selectbox(key="classify_run").value is None

    def test_a_run_without_an_epoch_is_said(self, flips: Run, workspace: Path) -> None:
        store, library = RunStore(workspace / "runs"), Library(workspace / "data")
        waiting = store.create(flips.recipe(), library.open("small").info, name="waiting")
        assert "waiting has no checkpoint yet" in texts(page(waiting))

    def test_a_damaged_checkpoint_is_one_sentence(self, flips: Run) -> None:
        flips.checkpoint("best").write_bytes(b"nonsense")
        test = page(flips)
        assert len(test.error) == 1
        assert "damaged" in test.error[0].value

    def test_a_damaged_recipe_json_is_no_hindrance(self, flips: Run) -> None:
        (flips.folder / "recipe.json").write_text("{")
        test = page(flips, view="samples")
        assert not test.error
        assert cards(test).count('class="pl-card"') == 8

    def test_the_average_is_offered_where_the_run_kept_one_and_answers_otherwise(
        self, flips: Run, no_changes: Run
    ) -> None:
        assert "EMA" not in [toggle.label for toggle in page(no_changes, view="samples").toggle]
        test = page(flips, view="samples")
        raw = cards(test)
        test.toggle(key=f"classify_ema_{flips.id}").set_value(True)
        show(test)
        assert cards(test) != raw


class TestSamples:
    def test_each_image_has_its_classes_its_truth_and_its_views(self, flips: Run, dataset: Dataset) -> None:
        test = page(flips, view="samples")
        html = cards(test)
        assert html.count('class="pl-card"') == 8
        assert html.count("view 5: ") == 8
        assert html.count("view 6: ") == 0
        assert html.count("✓ right") + html.count("✗ it is") == 8
        assert html.count("image-rendering:pixelated") == 8 * 6
        assert "Flip left to right" in texts(test)

    def test_what_is_counted_right_is_what_the_cards_say(self, flips: Run) -> None:
        test = page(flips, view="samples")
        right = cards(test).count("✓ right")
        assert f"{right} of 8 right; with TTA" in texts(test)

    def test_other_images_come_on_request(self, flips: Run) -> None:
        test = page(flips, view="samples")
        before = cards(test)
        press(test, "classify_others")
        assert cards(test) != before

    def test_without_tta_there_are_no_views(self, flips: Run) -> None:
        test = page(flips, view="samples")
        test.toggle(key="classify_tta").set_value(False)
        show(test)
        assert "view 1: " not in cards(test)
        assert "with TTA" not in texts(test)

    @pytest.mark.parametrize("views", [1, 32])
    def test_as_many_views_as_asked_for(self, flips: Run, views: int) -> None:
        test = page(flips, view="samples")
        test.number_input(key="classify_views").set_value(views)
        show(test)
        assert cards(test).count(f"view {views}: ") == 8
        assert cards(test).count(f"view {views + 1}: ") == 0

    def test_a_run_without_augmentations_says_that_all_views_are_the_same(self, no_changes: Run) -> None:
        test = page(no_changes, view="samples")
        assert "all views of an image are the same" in texts(test)
        assert "TTA changes the answer" not in cards(test)

    def test_a_data_set_that_is_gone_is_one_sentence_and_uploads_still_work(
        self, flips: Run, workspace: Path, dataset: Dataset
    ) -> None:
        content = encoded(dataset, 0, "PNG")
        Library(workspace / "data").delete("small")
        test = page(flips, view="samples")
        assert [error.value for error in test.error] == ["There is no data set 'small'\\."]
        test.button_group(key="classify_view").set_value("upload")
        show(test)
        test.file_uploader(key="classify_uploads").set_value([("a.png", content, "image/png")])
        show(test)
        assert cards(test).count('class="pl-card"') == 1

    def test_an_answer_that_tta_changes_is_said(self, flips: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        real = torch.Tensor.softmax
        calls = {"count": 0}

        def turned(self: torch.Tensor, dim: int) -> torch.Tensor:
            # The first call is the plain answer; every view says the opposite.
            calls["count"] += 1
            return real(self if calls["count"] == 1 else -self, dim=dim)

        monkeypatch.setattr(torch.Tensor, "softmax", turned)
        test = page(flips, view="samples")
        assert "TTA changes the answer" in cards(test)


class TestUploads:
    def test_good_images_are_answered_and_bad_ones_named(self, flips: Run, dataset: Dataset) -> None:
        test = page(flips, view="upload")
        kinds = ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]
        files = [
            (f"<b>{kind}</b>.{kind.lower()}", encoded(dataset, i, kind), "image/x")
            for i, kind in enumerate(kinds)
        ]
        bad = [
            ("empty.png", b"", "image/png"),
            ("text.jpg", b"hello", "image/jpeg"),
            ("cut.png", files[0][1][:300], "image/png"),
        ]
        test.file_uploader(key="classify_uploads").set_value([*files, *bad])
        show(test)
        assert cards(test).count('class="pl-card"') == 6
        assert "<b>PNG" not in cards(test)
        assert [error.value.split("\\.")[0] for error in test.error] == ["empty", "text", "cut"]

    def test_another_checkpoint_answers_the_same_uploads(
        self, flips: Run, no_changes: Run, dataset: Dataset
    ) -> None:
        test = page(flips, view="upload")
        test.file_uploader(key="classify_uploads").set_value(
            [("a.png", encoded(dataset, 0, "PNG"), "image/png")]
        )
        show(test)
        assert 'width="140"' in cards(test)  # 28 px, five times
        test.selectbox(key="classify_run").set_value(no_changes.id)
        show(test)
        assert 'width="128"' in cards(test)  # 16 px, eight times
        assert "kind 1" in cards(test)

    def test_more_than_can_be_shown_is_said(self, flips: Run, dataset: Dataset) -> None:
        test = page(flips, view="upload")
        content = encoded(dataset, 0, "PNG")
        test.file_uploader(key="classify_uploads").set_value(
            [(f"{n}.png", content, "image/png") for n in range(50)]
        )
        show(test)
        assert "The first 48 of 50" in test.info[0].value


class TestEvaluate:
    def test_each_look_at_test_is_numbered_and_listed(self, flips: Run) -> None:
        test = page(flips, view="evaluate")
        assert not test.dataframe
        test.button_group(key=f"classify_split_{flips.id}").set_value("test")
        show(test)
        assert "the first look is the honest one" in texts(test)
        for number in (1, 2):
            press(test, "classify_evaluate")
            assert f"This is look number {number} at the test split" in texts(test)
            assert len(test.dataframe[0].value) == number
        assert "looked at 2 times" in texts(test)

    def test_the_figures_are_those_that_the_run_remembers(self, flips: Run) -> None:
        test = press(page(flips, view="evaluate"), "classify_evaluate")
        (look,) = flips.looks()
        figures = {metric.label: metric.value for metric in test.metric}
        assert figures["Accuracy"] == f"{look.accuracy * 100:.1f} %"
        assert look.tta_accuracy is not None
        assert figures["With TTA, 5 views"] == f"{look.tta_accuracy * 100:.1f} %"
        assert figures["TTA fixes"] == str(look.fixed)
        assert "look number" not in texts(test)

    def test_a_kept_epochs_figures_are_those_of_its_own_row(self, flips: Run) -> None:
        """Preset 26 of the diary is run 25's weights of an earlier epoch, tested on this page."""
        for row in flips.epochs().rows:
            epoch = int(row["epoch"])
            test = press(page(flips, view="evaluate", checkpoint=str(epoch)), "classify_evaluate")
            look = flips.looks()[-1]
            assert (look.checkpoint_epoch, look.split) == (epoch, "val")
            assert (look.accuracy, look.loss) == (row["val/accuracy"], row["val/loss"])
            assert f"Epoch {epoch} on" in texts(test)

    def test_without_tta_only_the_plain_figures(self, flips: Run) -> None:
        test = page(flips, view="evaluate")
        test.toggle(key="classify_tta").set_value(False)
        press(test, "classify_evaluate")
        assert [metric.label for metric in test.metric] == ["Accuracy", "Loss"]
        assert flips.looks()[0].tta_views is None

    def test_the_looks_say_which_weights_were_evaluated(self, flips: Run) -> None:
        test = press(page(flips, view="evaluate"), "classify_evaluate")
        assert "averaged weights" not in texts(test)
        test.toggle(key=f"classify_ema_{flips.id}").set_value(True)
        press(test, "classify_evaluate")
        assert "averaged weights (EMA), on" in texts(test)
        assert test.dataframe[0].value["Weights"].tolist() == ["EMA", "raw"]

    def test_the_way_to_cancel_is_there_only_while_it_works(self, flips: Run) -> None:
        test = press(page(flips, view="evaluate"), "classify_evaluate")
        assert "Cancel" not in [button.label for button in test.button]


class TestCsv:
    def test_the_data_sets_own_unlabelled_images_become_rows(self, no_changes: Run) -> None:
        test = press(page(no_changes, view="csv"), "classify_all")
        assert "4 images classified" in texts(test)
        rows = list(csv.reader(io.StringIO(test.session_state["classify_csv"]["csv"])))
        assert rows[0] == ["Id", "Category"]
        assert [row[0] for row in rows[1:]] == ["x30.png", "x31.png", "x32.png", "x33.png"]
        assert {row[1] for row in rows[1:]} <= {"kind 0", "kind 1", "kind 2"}

    def test_a_folder_of_this_machine_and_what_was_left_out(
        self, flips: Run, dataset: Dataset, tmp_path: Path
    ) -> None:
        save(dataset, 0, tmp_path / "images" / "a.png")
        (tmp_path / "images" / "bad.png").write_text("x")
        test = page(flips, view="csv")
        test.button_group(key="classify_way_2").set_value("A folder or zip on this machine")
        show(test)
        test.text_input(key="classify_path").set_value(str(tmp_path / "images"))
        press(test, "classify_all")
        assert "1 image classified" in texts(test)
        assert "bad.png is not an image" in texts(test)

    def test_an_uploaded_zip(self, flips: Run, dataset: Dataset) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("test/a.png", encoded(dataset, 0, "PNG"))
        test = page(flips, view="csv")
        test.file_uploader(key="classify_zip").set_value(
            ("images.zip", content.getvalue(), "application/zip")
        )
        show(test)
        press(test, "classify_all")
        assert test.dataframe[0].value["Id"].tolist() == ["a.png"]

    def test_nothing_given_is_one_sentence(self, flips: Run) -> None:
        test = press(page(flips, view="csv"), "classify_all")
        assert "There is no zip yet" in texts(test)
        assert not test.dataframe


class TestThreads:
    def test_beside_a_run_on_the_cpu_one_thread_computes_and_the_number_is_put_back(self, flips: Run) -> None:
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
