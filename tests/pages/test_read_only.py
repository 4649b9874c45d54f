"""A folder of runs that cannot be written: said above every page, which shows the runs all the same."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import RunStore
from tests.pages.made_runs import make_run
from tests.pages.opening import show

ROUTER = Path(__file__).resolve().parents[2] / "ui" / "router.py"


def banners(test: AppTest) -> list[str]:
    return [str(error.value).replace("\\", "") for error in test.error]


def offers(test: AppTest) -> list[str]:
    """The buttons that resume or put away interrupted runs."""
    return [str(button.key) for button in test.button if str(button.key).startswith("resume_offer")]


@pytest.fixture
def read_only(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A store with an interrupted run, said to be in a folder that may only be read: root may write any."""
    make_run(store, name="mine", state="interrupted", done=2)
    real = os.access

    def access(path: object, mode: int, **options: object) -> bool:
        return real(path, mode, **options) and not (Path(str(path)) == store.folder and mode & os.W_OK)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "access", access)
    return store


def test_a_folder_that_cannot_be_written_is_said_and_read(read_only: RunStore) -> None:
    test = show(AppTest.from_file(str(ROUTER), default_timeout=60))
    assert banners(test) == [
        f"{read_only.folder} cannot be written: runs can be looked at, but none can be launched. Make it "
        "writable, or name another folder in PLATEAU_RUNS, and start the app again."
    ]
    assert offers(test) == [], "nothing is offered that cannot be"


def test_one_that_can_has_no_banner(store: RunStore) -> None:
    make_run(store, state="interrupted", done=2)
    test = show(AppTest.from_file(str(ROUTER), default_timeout=60))
    assert banners(test) == []
    assert offers(test)
