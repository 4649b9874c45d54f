"""A data set, an empty folder of runs, and a page that many tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data import ImportOptions, Library, ShapesSource
from core.runs import RunStore
from tests.pages.new_run.page import checked, draft_of, opened


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    Library(folder).import_dataset(
        ShapesSource(images=150, classes=3, image_size=28), "shapes", ImportOptions()
    )
    return folder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Path) -> RunStore:
    monkeypatch.setenv("PLATEAU_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PLATEAU_DATA", str(dataset))
    return RunStore(tmp_path / "runs")


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Where the page wanted to go; a page alone has no other pages to go to."""
    pages: list[tuple[str, Any]] = []

    def switch_page(page: Any, *, query_params: Any = None) -> None:
        pages.append((Path(page).stem, query_params))

    monkeypatch.setattr(st, "switch_page", switch_page)
    monkeypatch.setattr(
        st, "page_link", lambda page, **options: pages.append((f"link {Path(page).stem}", options))
    )
    return pages


@pytest.fixture(scope="module")
def expert_page(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppTest]:
    """One page for many tests, which leave it with other settings: opening one takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATEAU_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("PLATEAU_DATA", str(dataset))
        page = opened()
        draft_of(page)["view"] = "expert"
        yield checked(page.run())
