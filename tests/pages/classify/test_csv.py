"""A folder's answers as a CSV."""

import csv
import io
import zipfile
from pathlib import Path

from core.data import Dataset
from core.runs import Run
from tests.pages.classify.page import encoded, page, save, texts
from tests.pages.opening import press, show


def test_the_data_sets_own_unlabelled_images_become_rows(no_changes: Run) -> None:
    test = press(page(no_changes, view="csv"), "classify_all")
    assert "4 images classified" in texts(test)
    rows = list(csv.reader(io.StringIO(test.session_state["classify_csv"]["csv"])))
    assert rows[0] == ["Id", "Category"]
    assert [row[0] for row in rows[1:]] == ["x30.png", "x31.png", "x32.png", "x33.png"]
    assert {row[1] for row in rows[1:]} <= {"kind 0", "kind 1", "kind 2"}


def test_a_folder_of_this_machine_and_what_was_left_out(flips: Run, dataset: Dataset, tmp_path: Path) -> None:
    save(dataset, 0, tmp_path / "images" / "a.png")
    (tmp_path / "images" / "bad.png").write_text("x")
    test = page(flips, view="csv")
    test.button_group(key="classify_way_2").set_value("A folder or zip on this machine")
    show(test)
    test.text_input(key="classify_path").set_value(str(tmp_path / "images"))
    press(test, "classify_all")
    assert "1 image classified" in texts(test)
    assert "bad.png is not an image" in texts(test)


def test_an_uploaded_zip(flips: Run, dataset: Dataset) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("test/a.png", encoded(dataset, 0, "PNG"))
    test = page(flips, view="csv")
    test.file_uploader(key="classify_zip").set_value(("images.zip", content.getvalue(), "application/zip"))
    show(test)
    press(test, "classify_all")
    assert test.dataframe[0].value["Id"].tolist() == ["a.png"]


def test_nothing_given_is_one_sentence(flips: Run) -> None:
    test = press(page(flips, view="csv"), "classify_all")
    assert "There is no zip yet" in texts(test)
    assert not test.dataframe
