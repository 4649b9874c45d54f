"""Actions on a full disk, or one that may only be read: one sentence, and the page stays."""

import errno
import os
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import Run, RunStore
from tests.pages.live_page import buttons, page
from tests.pages.made_runs import make_run
from tests.pages.opening import press

REMEDIES = {
    errno.ENOSPC: "free some space and try again.",
    errno.EROFS: "let it be read and written, and try again.",
}


@pytest.fixture(params=REMEDIES, ids=errno.errorcode.__getitem__)
def refuse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """From the call on no file gets its name; returns how the sentence ends."""

    def replace(source: object, target: object) -> None:
        raise OSError(request.param, os.strerror(request.param), str(target))

    def begin() -> str:
        monkeypatch.setattr(os, "replace", replace)
        return f"cannot be read or written: {os.strerror(request.param)}; {REMEDIES[request.param]}"

    return begin


def said(test: AppTest) -> str:
    """The one sentence on the page, which is drawn to its end."""
    (error,) = test.error
    return str(error.value).replace("\\", "")


@pytest.mark.parametrize("button", ["live_stop_after", "live_stop_now"])
def test_a_stop(store: RunStore, running: Run, refuse: Callable[[], str], button: str) -> None:
    test = page(run=running.id)
    end = refuse()
    press(test, f"{button}_{running.id}")
    assert said(test).startswith(str(running.folder / "control.json"))
    assert said(test).endswith(end)
    assert running.stop_request() is None
    assert f"{button}_{running.id}" in buttons(test)


def test_a_resume(store: RunStore, refuse: Callable[[], str]) -> None:
    run = make_run(store, state="stopped", done=4)
    test = page(run=run.id)
    end = refuse()
    press(test, f"live_resume_{run.id}")
    assert said(test).endswith(end)
    assert run.status().state == "stopped"


@pytest.mark.parametrize("button", ["queue_later", "queue_cancel"])
def test_the_queue(store: RunStore, refuse: Callable[[], str], button: str) -> None:
    first, second = make_run(store, state="queued"), make_run(store, state="queued")
    for run in (first, second):
        store.enqueue(run)
    test = page(run=first.id)
    end = refuse()
    press(test, f"{button}_{first.id}")
    assert said(test).endswith(end)
    assert [run.status().state for run in (first, second)] == ["queued", "queued"]
    assert {run.id for run in store.queue()} == {first.id, second.id}


def test_what_no_page_caught_is_the_same_sentence_and_other_faults_name_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def script(kind: str) -> None:
        from ui.problems import show_script_error

        known = {
            "full": OSError(28, "No space left on device", "/data/x"),
            "odd": OSError(5, "Input/output error", "/data/x"),
            "fault": ZeroDivisionError("oh"),
        }
        show_script_error(known[kind])

    def of(kind: str) -> str:
        caplog.clear()
        return said(AppTest.from_function(script, args=(kind,)).run())

    assert (
        of("full") == "/data/x cannot be read or written: No space left on device; " + REMEDIES[errno.ENOSPC]
    )
    assert of("odd").endswith("Input/output error; try again; the server's log has the details.")
    assert of("fault") == (
        "This page met an unexpected error and could not be drawn to its end. Your runs go on; the server's "
        "log has the details."
    )
    assert "ZeroDivisionError: oh" in caplog.text, "the log that the sentence names has them"
