"""Interrupted runs on top of every page: one click resumes, another puts the offer away."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import RunStore
from core.runs.lock import hold
from tests.pages.made_runs import HOSTILE, make_run
from tests.pages.opening import press, show
from ui import resume_offer
from ui.resume_offer import SHOWN

ROUTER = Path(__file__).resolve().parents[2] / "ui" / "router.py"


def offer() -> AppTest:
    def script() -> None:
        from ui.resume_offer import resume_offer

        resume_offer()

    return show(AppTest.from_function(script, default_timeout=20))


def keys(test: AppTest) -> list[str]:
    return [str(button.key) for button in test.button]


def texts(test: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*test.markdown, *test.caption, *test.error])


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "queued"])
def test_nothing_is_said_where_nothing_was_interrupted(store: RunStore, state: str) -> None:
    make_run(store, state=state)
    test = offer()
    assert not test.button and not test.markdown


def test_nothing_is_said_without_a_run(store: RunStore) -> None:
    assert not offer().markdown


def test_one_click_resumes_one_run(store: RunStore) -> None:
    run = make_run(store, state="running", done=4, name="wide net")
    test = offer()
    assert "**wide net** was interrupted after epoch 4 of 10." in texts(test)
    press(test, f"resume_offer_{run.id}")
    assert run.status().state == "queued"
    assert store.queue() == [run]
    assert [toast.value for toast in test.toast] == ["wide net goes on."]
    assert not test.button, "it is answered"


def test_a_run_without_an_epoch_says_that_it_begins_anew(store: RunStore) -> None:
    make_run(store, state="interrupted", done=0, name="x")
    assert "was interrupted in its first epoch. It begins anew." in texts(offer())


def test_one_click_resumes_all_the_oldest_first(store: RunStore) -> None:
    runs = [make_run(store, state="interrupted", done=2) for _ in range(SHOWN + 2)]
    test = offer()
    assert f"**{len(runs)} runs were interrupted.**" in texts(test)
    assert "and 2 more" in texts(test)
    assert len([key for key in keys(test) if key.startswith("resume_offer_2")]) == SHOWN
    press(test, "resume_offer_all")
    assert store.queue() == runs
    assert not test.button


def test_one_of_several_can_be_resumed_and_the_others_stay_offered(store: RunStore) -> None:
    first, second, third = (make_run(store, state="interrupted", done=2) for _ in range(3))
    test = press(offer(), f"resume_offer_{second.id}")
    assert store.queue() == [second]
    assert {f"resume_offer_{run.id}" for run in (first, third)} <= set(keys(test))


def test_put_away_it_does_not_come_back_for_anybody(store: RunStore) -> None:
    run = make_run(store, state="interrupted", done=2)
    test = press(offer(), "resume_offer_put_away")
    assert not test.button and not test.error
    assert not offer().button, "nor for another session"
    assert run.status().state == "interrupted"


def test_a_click_in_a_second_tab_is_no_error(store: RunStore) -> None:
    run = make_run(store, state="interrupted", done=2)
    tabs = [offer(), offer()]
    for tab in tabs:
        press(tab, f"resume_offer_{run.id}")
        assert not tab.error
    assert store.queue() == [run]


def test_a_run_that_is_gone_is_said_in_one_sentence(store: RunStore) -> None:
    run = make_run(store, state="interrupted", done=2)
    test = offer()
    shutil.rmtree(run.folder)
    press(test, f"resume_offer_{run.id}")
    assert "There is no run" in test.error[0].value
    assert not show(test).error, "once"


def test_a_name_is_shown_as_it_is(store: RunStore) -> None:
    make_run(store, state="interrupted", done=2, name=HOSTILE)
    assert "\\!\\[x\\]" in texts(offer())


def test_the_router_draws_it_above_every_page(store: RunStore, running: object) -> None:
    run = make_run(store, state="interrupted", done=2)
    test = show(AppTest.from_file(str(ROUTER), default_timeout=60))
    assert f"resume_offer_{run.id}" in keys(test)


def test_while_somebody_holds_the_run_nothing_is_offered(store: RunStore) -> None:
    run = make_run(store, state="running", done=2)
    with hold(run.lock_path, busy=""):
        assert not offer().button


def test_an_offer_that_cannot_be_put_away_says_why_without_a_path(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(store, state="interrupted", done=2)
    test = offer()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "/some/where/.put-away.json")

    monkeypatch.setattr(resume_offer, "put_away", full)
    press(test, "resume_offer_put_away")
    assert test.error[0].value == "The offer could not be put away\\: No space left on device\\."
