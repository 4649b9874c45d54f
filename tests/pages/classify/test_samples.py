"""Images of the data set, and a person's own, with their answers and the votes of their views."""

from pathlib import Path

import pytest
import torch

from core.data import Dataset, Library
from core.runs import Run
from tests.pages.classify.page import cards, encoded, page, texts
from tests.pages.opening import press, show
from tests.unit.data.pictures import several_frames


def test_each_image_has_its_classes_its_truth_and_its_views(flips: Run, dataset: Dataset) -> None:
    test = page(flips, view="samples")
    html = cards(test)
    assert html.count('class="pl-card"') == 8
    assert html.count("view 5: ") == 8
    assert html.count("view 6: ") == 0
    assert html.count("✓ right") + html.count("✗ it is") == 8
    assert html.count("image-rendering:pixelated") == 8 * 6
    assert "Flip left to right" in texts(test)


def test_what_is_counted_right_is_what_the_cards_say(flips: Run) -> None:
    test = page(flips, view="samples")
    right = cards(test).count("✓ right")
    assert f"{right} of 8 right; with TTA" in texts(test)


def test_other_images_come_on_request(flips: Run) -> None:
    test = page(flips, view="samples")
    before = cards(test)
    press(test, "classify_others")
    assert cards(test) != before


def test_without_tta_there_are_no_views(flips: Run) -> None:
    test = page(flips, view="samples")
    test.toggle(key="classify_tta").set_value(False)
    show(test)
    assert "view 1: " not in cards(test)
    assert "with TTA" not in texts(test)


@pytest.mark.parametrize("views", [1, 32])
def test_as_many_views_as_asked_for(flips: Run, views: int) -> None:
    test = page(flips, view="samples")
    test.number_input(key="classify_views").set_value(views)
    show(test)
    assert cards(test).count(f"view {views}: ") == 8
    assert cards(test).count(f"view {views + 1}: ") == 0


def test_a_run_without_augmentations_says_that_all_views_are_the_same(no_changes: Run) -> None:
    test = page(no_changes, view="samples")
    assert "all views of an image are the same" in texts(test)
    assert "TTA changes the answer" not in cards(test)


def test_a_data_set_that_is_gone_is_one_sentence_and_uploads_still_work(
    flips: Run, workspace: Path, dataset: Dataset
) -> None:
    content = encoded(dataset, 0, "PNG")
    Library(workspace / "data").delete("small")
    test = page(flips, view="samples")
    (error,) = test.error
    assert error.value.startswith("There is no data set 'small'; Data and")
    test.button_group(key="classify_view").set_value("upload")
    show(test)
    test.file_uploader(key="classify_uploads").set_value([("a.png", content, "image/png")])
    show(test)
    assert cards(test).count('class="pl-card"') == 1


def test_an_answer_that_tta_changes_is_said(flips: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.Tensor.softmax
    calls = {"count": 0}

    def turned(self: torch.Tensor, dim: int) -> torch.Tensor:
        # The first call is the plain answer; every view says the opposite.
        calls["count"] += 1
        return real(self if calls["count"] == 1 else -self, dim=dim)

    monkeypatch.setattr(torch.Tensor, "softmax", turned)
    test = page(flips, view="samples")
    assert "TTA changes the answer" in cards(test)


def test_good_images_are_answered_and_bad_ones_named(flips: Run, dataset: Dataset) -> None:
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


def test_of_several_frames_the_first_is_answered_and_that_is_said(flips: Run, dataset: Dataset) -> None:
    test = page(flips, view="upload")
    files = {"moving.gif": several_frames("GIF"), "plain.png": encoded(dataset, 0, "PNG")}
    test.file_uploader(key="classify_uploads").set_value(
        [(name, content, "image/x") for name, content in files.items()]
    )
    show(test)
    assert cards(test).count('class="pl-card"') == 2
    (said,) = (info.value.replace("\\", "") for info in test.info)
    assert said == "moving.gif has several frames or pages; the first one counts."


def test_another_checkpoint_answers_the_same_uploads(flips: Run, no_changes: Run, dataset: Dataset) -> None:
    test = page(flips, view="upload")
    test.file_uploader(key="classify_uploads").set_value([("a.png", encoded(dataset, 0, "PNG"), "image/png")])
    show(test)
    assert 'width="140"' in cards(test)  # 28 px, five times
    test.selectbox(key="classify_run").set_value(no_changes.id)
    show(test)
    assert 'width="128"' in cards(test)  # 16 px, eight times
    assert "kind 1" in cards(test)


def test_more_than_can_be_shown_is_said(flips: Run, dataset: Dataset) -> None:
    test = page(flips, view="upload")
    content = encoded(dataset, 0, "PNG")
    test.file_uploader(key="classify_uploads").set_value(
        [(f"{n}.png", content, "image/png") for n in range(50)]
    )
    show(test)
    assert "The first 48 of 50" in test.info[0].value
