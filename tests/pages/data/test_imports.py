"""An import in the background, as every session sees it."""

import pytest
import streamlit as st

from core.data import FolderSource, ImportOptions, Library, ShapesSource
from tests.pages.data.page import keys, page, texts, until_imported
from tests.pages.opening import press, show
from ui.data_jobs import jobs

SMALL = ShapesSource(classes=2, images=24, image_size=28)


class TestWhileImporting:
    def test_progress_is_shown_instead_of_the_form_and_it_can_be_cancelled(
        self, library: Library, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs().start(library, ShapesSource(images=100_000), "endless", ImportOptions())
        test = page(add="files")
        assert "Importing endless" in texts(test)
        assert "data_import" not in keys(test)
        test = until_imported(press(test, "data_cancel"))
        assert "was cancelled" in texts(test)
        assert library.list() == []
        assert not list(library.folder.glob(".importing-*"))

    def test_a_second_session_sees_the_same_import(self, library: Library) -> None:
        job = jobs().start(library, ShapesSource(images=100_000), "endless", ImportOptions())
        assert "Importing endless" in texts(page())
        assert "Importing endless" in texts(page())
        job.cancel()
        job.join(10)
        assert job.state == "cancelled"

    def test_clearing_the_caches_loses_no_import(self, library: Library) -> None:
        job = jobs().start(library, ShapesSource(images=100_000), "endless", ImportOptions())
        test = page()
        st.cache_resource.clear()
        st.cache_data.clear()
        assert "Importing endless" in texts(show(test))
        test = until_imported(press(test, "data_cancel"))
        assert job.state == "cancelled"
        assert "was cancelled" in texts(test)


class TestOutcomes:
    """How an import ended is for everybody who was there, once each."""

    def fail(self, library: Library) -> None:
        job = jobs().start(library, FolderSource(path="/no/such/folder"), "photos", ImportOptions())
        job.join(10)
        assert job.state == "failed"

    def succeed(self, library: Library, name: str) -> None:
        jobs().start(library, SMALL, name, ImportOptions()).join(10)

    def test_every_open_session_is_told(self, library: Library) -> None:
        one, other = page(), page()
        self.fail(library)
        assert "does not exist" in texts(show(one))
        assert "does not exist" in texts(show(other))

    def test_a_session_that_comes_later_hears_no_old_story(self, library: Library) -> None:
        one = page()
        self.fail(library)
        show(one)
        assert "does not exist" not in texts(page())

    def test_what_nobody_heard_is_told_to_the_next_one_who_comes(self, library: Library) -> None:
        self.fail(library)
        assert "does not exist" in texts(page())

    def test_what_ended_meanwhile_is_told_in_full(self, library: Library) -> None:
        test = page()
        self.fail(library)
        self.succeed(library, "second")
        shown = texts(show(test))
        assert "does not exist" in shown
        assert "Imported second" in shown
        shown = texts(show(test))
        assert "does not exist" in shown, "what went wrong stays until the next try"
        assert "Imported second" not in shown

    def test_an_import_of_somebody_else_takes_nobody_away_from_what_is_shown(self, filled: Library) -> None:
        looking, adding = page(data="small"), page(add="table")
        self.succeed(filled, "theirs")
        assert "Imported theirs" in texts(show(looking))
        assert looking.query_params["data"] in ("small", ["small"])
        assert "Imported theirs" in texts(show(adding))
        assert "data_import" in keys(adding)
