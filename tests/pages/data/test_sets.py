"""The first step, the list, one set in detail, its deletion."""

import shutil
from pathlib import Path

import pytest

from core.data import ImportOptions, Library, ShapesSource, TableSource
from tests.pages.data.page import errors, keys, page, save, texts, until_imported
from tests.pages.opening import press, show


class TestFirstVisit:
    def test_one_primary_button_makes_the_shapes_set(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fewer = ShapesSource(classes=3, images=60, image_size=28)  # the real set takes seconds
        monkeypatch.setattr("ui.data_add.ShapesSource", lambda: fewer)
        test = page()
        assert "data_first" in keys(test)
        assert "data_new_run" not in keys(test)
        press(test, "data_first")
        test = until_imported(test)
        assert library.open("shapes").info.images == 60
        assert "Imported shapes: 60 images of 3 classes" in texts(test).replace("\\", "")
        assert test.query_params["data"] == "shapes"
        assert "data_new_run" in keys(test)

    def test_the_other_ways_are_one_click_away(self, library: Library) -> None:
        test = press(page(), "data_first_known")
        assert test.query_params["add"] == "known"
        assert "data_import" in keys(test)


class TestDetails:
    def test_the_figures_of_a_set_are_shown(self, filled: Library) -> None:
        test = page(data="small")
        info = filled.open("small").info
        figures = {metric.label: metric.value for metric in test.metric}
        assert figures["Train"] == str(info.counts["train"])
        assert figures["Classes"] == "3"
        assert figures["Mean"] == " ".join(f"{value:.3f}" for value in info.mean)
        assert info.fingerprint[:12] in texts(test)
        assert test.dataframe[0].value["Name"].tolist() == ["small"]

    def test_an_unknown_name_in_the_address_is_said_and_another_set_is_shown(self, filled: Library) -> None:
        test = page(data="no*such")
        assert any("no\\*such" in warning.value for warning in test.warning)
        assert test.query_params["data"] == "small"

    def test_others_are_shown_on_request(self, filled: Library) -> None:
        test = page(data="small")
        before = [html.proto.body for html in test.html]
        press(test, "data_others")
        assert before != [html.proto.body for html in test.html]

    def test_a_damaged_set_says_so_and_hides_no_other(self, filled: Library) -> None:
        shutil.copytree(filled.folder / "small", filled.folder / "broken")
        (filled.folder / "broken" / "dataset.json").write_text("{")
        test = page(data="broken")
        assert "damaged" in errors(test)
        assert test.dataframe[0].value["Name"].tolist() == ["broken", "small"]
        assert "data_delete" in keys(test)
        assert not errors(page(data="small"))

    def test_deletion_asks_first(self, filled: Library) -> None:
        test = press(page(data="small"), "data_delete")
        assert filled.open("small")
        press(test, "data_delete_sure")
        assert filled.list() == []
        assert "was deleted" in texts(test)
        assert "data_first" in keys(test)

    def test_many_classes_come_in_pages(self, library: Library) -> None:
        library.import_dataset(ShapesSource(classes=25, images=100, image_size=28), "many", ImportOptions())
        test = page(data="many")
        pages = test.selectbox(key="data_class_page_25")
        assert len(pages.options) == 3
        pages.set_value(20)
        assert "of 25" in pages.options[0]
        show(test)

    def test_unlabelled_images_are_counted_and_shown(
        self, library: Library, pictures: Path, prepared: Library
    ) -> None:
        table = pictures.parent / "table.csv"
        names = sorted(path.name for path in pictures.rglob("*.png") if path.name != "bad.png")
        table.write_text("Id,Category\n" + "".join(f"{name},{int(name[:-4]) % 3}\n" for name in names))
        flat, test_images = pictures.parent / "flat", pictures.parent / "test"
        for folder in (flat, test_images):
            folder.mkdir()
        for path in pictures.rglob("*.png"):
            shutil.copy(path, flat / path.name)
        save(prepared.open("small"), 0, test_images / "x.png")
        source = TableSource(images=str(flat), table=str(table), test_images=str(test_images))
        library.import_dataset(source, "contest", ImportOptions())
        test = page(data="contest")
        assert {metric.label: metric.value for metric in test.metric}["Unlabelled"] == "1"
