"""Repeat: the same recipe with other seeds, from Compare, Live and the form."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.data import ImportOptions, Library, ShapesSource
from core.runs import Run, RunStore
from tests.pages.made_runs import HOSTILE, make_run
from tests.pages.opening import opened, press, show
from ui.repeat import seed_words

SMOOTH = {"loss": {"label_smoothing": 0.1}}


@pytest.fixture
def library(tmp_path: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A real data set, since repeats are of what can be trained."""
    monkeypatch.setenv("PLATEAU_DATA", str(tmp_path / "own"))
    library = Library(tmp_path / "own")
    source = ShapesSource(images=60, classes=2, image_size=28)
    library.import_dataset(source, "shapes", ImportOptions())
    return library


def made(store: RunStore, library: Library, **options: object) -> Run:
    return make_run(store, info=library.open("shapes").info, **options)  # type: ignore[arg-type]


def control(*runs: Run) -> AppTest:
    """A page with nothing but the control for these runs."""

    def script(run_ids: tuple[str, ...]) -> None:
        from ui.repeat import repeat_control
        from ui.services import store

        entries = [store().entry(store().get(run_id)) for run_id in run_ids]
        repeat_control(entries, store().list(), "here")

    return show(AppTest.from_function(script, args=(tuple(run.id for run in runs),), default_timeout=20))


def repeat_button(test: AppTest, key: str = "here") -> Any:
    [button] = [button for button in test.button if button.key and button.key.startswith(f"{key}_go_")]
    return button


def repeated(test: AppTest) -> AppTest:
    return press(test, repeat_button(test).key)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.toast]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def help_of(test: AppTest) -> str:
    """What stands beside the button when the pointer rests on it."""
    return str(repeat_button(test).help).replace("\\", "").replace("**", "")


def test_one_click_queues_as_many_as_three_seeds_need(store: RunStore, library: Library) -> None:
    run = made(store, library, name="narrow", hypothesis="enough")
    test = control(run)
    assert repeat_button(test).label == "Repeat × 2"
    assert "narrow: seed 0 so far. Next: seeds 1 and 2, about 25 s each, 50 s together." in help_of(test)
    repeated(test)
    assert [waiting.notes().name for waiting in store.queue()] == ["narrow, seed 1", "narrow, seed 2"]
    assert {waiting.status().parent for waiting in store.queue()} == {run.id}
    assert "Queued: narrow again, seeds 1 and 2." in texts(test)


def test_a_button_leads_to_what_was_queued(
    store: RunStore, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = control(made(store, library, name="narrow"))
    assert "here_open" not in {button.key for button in test.button}
    repeated(test)
    gone: list[Any] = []
    monkeypatch.setattr("streamlit.switch_page", lambda _, query_params: gone.append(query_params))
    assert test.button(key="here_open").label == "Open seed 1"
    press(test, "here_open")
    assert gone == [{"run": store.queue()[0].id}]
    # It is gone with the run that it leads to.
    store.delete(store.queue()[0])
    assert "here_open" not in {button.key for button in show(test).button}


def test_neither_the_second_click_of_a_double_click_nor_another_tab_queues_more(
    store: RunStore, library: Library
) -> None:
    run = made(store, library)
    tab, other = control(run), control(run)
    button = repeat_button(tab)
    assert button.key == repeat_button(other).key
    press(tab, button.key)
    # On the button that was there, and on the one that took its place.
    button.click().run()
    repeated(tab)
    press(other, button.key)
    assert len(store.queue()) == 2


def test_how_many_can_be_chosen_and_more_can_follow(
    store: RunStore, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.repeat.DOUBLE_CLICK_S", 0.0)
    run = made(store, library)
    test = control(run)
    before = repeat_button(test).key
    for times in (4, 1):
        test.number_input(key="here_times").set_value(times)
        assert repeat_button(show(test)).label == f"Repeat × {times}"
        # A click that meets the number just typed is one on the same button.
        assert (repeat_button(test).key == before) is (times == 4)
        repeated(test)
    assert [waiting.recipe().seed for waiting in store.queue()] == [1, 2, 3, 4, 5]


def test_what_the_group_says_so_far_is_beside_the_button(store: RunStore, library: Library) -> None:
    run = made(store, library, level=0.5)
    made(store, library, level=0.6, settings={"seed": 1})
    assert "seeds 0 and 1 so far; best val" in help_of(control(run))
    assert "on average over 2, standard deviation" in help_of(control(run))


def test_a_failed_run_warns_and_other_data_are_refused_in_a_sentence(
    store: RunStore, library: Library
) -> None:
    run = made(store, library, state="failed", message="The loss became nan.")
    test = control(run)
    assert "It failed: The loss became nan. Its repeats may fail as well." in help_of(test)
    shutil.rmtree(library.folder / "shapes")
    library.import_dataset(
        ShapesSource(images=60, classes=2, image_size=28, seed=9), "shapes", ImportOptions()
    )
    repeated(test)
    assert "not the one that this run learned from" in texts(test)
    assert store.queue() == []


def test_no_name_is_taken_for_markdown(store: RunStore, library: Library) -> None:
    test = control(made(store, library, name=HOSTILE, state="failed", message=HOSTILE))
    assert HOSTILE not in repeat_button(test).help
    repeated(test)
    [said] = [toast.value for toast in test.toast]
    assert "evil" in said and HOSTILE not in said


@pytest.mark.parametrize(("page", "key"), [("compare", "compare_repeat"), ("live", "live_repeat")])
def test_one_click_on_a_page_queues_repeats_of_its_run(
    store: RunStore, library: Library, page: str, key: str
) -> None:
    run = made(store, library)
    key += f"_{run.id}" if page == "live" else ""
    test = opened(page, **{"runs" if page == "compare" else "run": run.id})
    press(test, repeat_button(test, key).key)
    assert [waiting.recipe().seed for waiting in store.queue()] == [1, 2]


def test_a_group_is_repeated_as_one_recipe_and_several_recipes_each(
    store: RunStore, library: Library
) -> None:
    first = made(store, library, name="first")
    again = made(store, library, settings={"seed": 1})
    other = made(store, library, name="other", settings={"epochs": 3})
    for runs, label in (((again, first), "Repeat × 2"), ((first, other), "Repeat each × 2")):
        test = opened("compare", runs=",".join(run.id for run in runs))
        assert repeat_button(test, "compare_repeat").label == label
    test = control(first, other)
    assert "other: seed 0 so far. Next: seeds 1 and 2" in help_of(test)
    repeated(test)
    names = [waiting.notes().name for waiting in store.queue()]
    assert names == ["first, seed 2", "first, seed 3", "other, seed 1", "other, seed 2"]
    assert "Queued: first again, seeds 2 and 3; other again, seeds 1 and 2." in texts(test)


def test_of_many_recipes_the_first_are_told_and_the_rest_are_counted(
    store: RunStore, library: Library
) -> None:
    runs = [made(store, library, name=f"net {at}", settings={"epochs": at + 1}) for at in range(5)]
    told = help_of(control(*runs))
    assert "net 2: seed 0 so far" in told and "net 3" not in told and "And of 2 more." in told


def test_more_than_a_hundred_at_once_are_a_slip_of_the_finger(store: RunStore, library: Library) -> None:
    test = control(*(made(store, library, settings={"epochs": at + 1}) for at in range(2)))
    for times, refused in ((50, False), (51, True)):
        test.number_input(key="here_times").set_value(times)
        assert repeat_button(show(test)).disabled is refused
    assert "102 at once are more than 100: select fewer runs, or fewer seeds." in help_of(test)


def test_a_suggestion_repeats_as_often_as_the_run_lacks_seeds(store: RunStore, library: Library) -> None:
    parent = made(store, library, name="old")
    run = made(store, library, parent=parent.id, level=0.605, settings=SMOOTH)
    made(store, library, parent=run.id, level=0.6, settings=SMOOTH | {"seed": 1})
    button = repeat_button(opened("live", run=run.id), f"live_next_win_within_noise_{run.id}")
    assert button.label == "Repeat × 1"


def test_what_was_queued_is_said_although_the_button_that_did_it_is_gone(store: RunStore) -> None:
    run = make_run(store)
    test = opened("live", run=run.id)
    # A suggestion's own button goes with the suggestion.
    test.session_state["repeat_said"] = "Queued: mine again, seed 1."
    show(test)
    assert [toast.value.replace("\\", "") for toast in test.toast] == ["Queued: mine again, seed 1."]
    assert not show(test).toast


def test_a_full_disk_is_a_sentence_with_a_remedy(
    store: RunStore, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = control(made(store, library, name="narrow"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ui.repeat.repeat", full)
    repeated(test)
    assert "No space left on device. Make room there" in texts(test)


def test_a_damaged_run_cannot_be_repeated(store: RunStore) -> None:
    run = make_run(store)
    (run.folder / "status.json").write_text("{")
    assert repeat_button(opened("compare", runs=run.id), "compare_repeat").disabled


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([3], "seed 3"),
        ([1, 2], "seeds 1 and 2"),
        ([1, 2, 5], "seeds 1, 2 and 5"),
        ([1, 2, 3, 4], "seeds 1 to 4"),
        ([1, 2, 3, 5], "seeds 1, 2, 3 and 5"),
    ],
)
def test_seeds_in_words(seeds: list[int], words: str) -> None:
    assert seed_words(seeds) == words
