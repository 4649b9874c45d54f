"""Repeat: the same recipe with other seeds, from Compare, Live and the form."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data import ImportOptions, Library, ShapesSource
from core.runs import Run, RunStore
from tests.pages.made_runs import HOSTILE, make_run
from tests.pages.opening import opened, press, show
from ui.repeat import seed_words


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


def dialog(*runs: Run) -> AppTest:
    """A page that always opens the dialog: here every click runs a page anew, which closes one."""

    def script(run_ids: tuple[str, ...]) -> None:
        import streamlit as st

        from ui.repeat import repeat_dialog
        from ui.services import store

        st.write(st.session_state.get("repeat_said", ""))
        repeat_dialog([store().entry(store().get(run_id)) for run_id in run_ids], "here")

    return show(AppTest.from_function(script, args=(tuple(run.id for run in runs),), default_timeout=20))


def queue_button(test: AppTest) -> str:
    [key] = [button.key for button in test.button if button.key and button.key.startswith("here_go")]
    return key


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def test_one_click_queues_as_many_as_three_seeds_need(store: RunStore, library: Library) -> None:
    run = made(store, library, name="narrow", hypothesis="enough")
    test = dialog(run)
    assert "narrow: seed 0 so far" in texts(test).replace("**", "")
    assert "Seeds 1 and 2, about 25 s each, 50 s together" in texts(test)
    press(test, queue_button(test))
    assert [waiting.notes().name for waiting in store.queue()] == ["narrow, seed 1", "narrow, seed 2"]
    assert {waiting.status().parent for waiting in store.queue()} == {run.id}
    assert "Queued: narrow again, seeds 1 and 2." in texts(test)


def test_the_second_click_of_a_double_click_and_another_tab_queue_no_more(
    store: RunStore, library: Library
) -> None:
    run = made(store, library)
    tab, other = dialog(run), dialog(run)
    key = queue_button(tab)
    assert key == queue_button(other)
    first = tab.button(key=key)
    press(tab, key)
    first.click().run()
    press(other, key)
    assert len(store.queue()) == 2


def test_how_many_can_be_chosen_and_more_can_follow(store: RunStore, library: Library) -> None:
    run = made(store, library)
    test = dialog(run)
    for times in (4, 1):
        test.number_input(key="here_times").set_value(times)
        show(test)
        press(test, queue_button(test))
    assert [waiting.recipe().seed for waiting in store.queue()] == [1, 2, 3, 4, 5]


def test_what_the_group_says_so_far_is_shown(store: RunStore, library: Library) -> None:
    run = made(store, library, level=0.5)
    made(store, library, level=0.6, settings={"seed": 1})
    assert "seeds 0 and 1 so far; best val" in texts(dialog(run))
    assert "on average over 2, standard deviation" in texts(dialog(run))


def test_a_failed_run_warns_and_other_data_are_refused_in_a_sentence(
    store: RunStore, library: Library
) -> None:
    run = made(store, library, state="failed", message="The loss became nan.")
    test = dialog(run)
    assert "This run failed: The loss became nan. Its repeats may fail as well." in texts(test)
    shutil.rmtree(library.folder / "shapes")
    library.import_dataset(
        ShapesSource(images=60, classes=2, image_size=28, seed=9), "shapes", ImportOptions()
    )
    press(test, queue_button(test))
    assert "not the one that this run learned from" in texts(test)
    assert store.queue() == []


def test_no_name_is_taken_for_markdown(store: RunStore, library: Library) -> None:
    test = dialog(made(store, library, name=HOSTILE, state="failed", message=HOSTILE))
    assert HOSTILE not in "\n".join(part.value for part in [*test.markdown, *test.warning])


@pytest.mark.parametrize(("page", "key"), [("compare", "compare_repeat"), ("live", "live_repeat")])
def test_it_is_offered_for_one_run(store: RunStore, library: Library, page: str, key: str) -> None:
    run = made(store, library)
    key += f"_{run.id}" if page == "live" else ""
    test = press(opened(page, **{"runs" if page == "compare" else "run": run.id}), key)
    assert f"{key}_times" in {field.key for field in test.number_input}


def test_a_group_is_repeated_as_one_recipe_and_several_recipes_each(
    store: RunStore, library: Library
) -> None:
    first = made(store, library, name="first")
    again = made(store, library, settings={"seed": 1})
    other = made(store, library, name="other", settings={"epochs": 3})
    for runs, lines in (((again, first), 1), ((first, other), 2)):
        test = press(opened("compare", runs=",".join(run.id for run in runs)), "compare_repeat")
        assert len([part for part in test.markdown if "so far" in part.value]) == lines
    test = dialog(first, other)
    assert "other: seeds 1 and 2" in texts(test)
    press(test, queue_button(test))
    names = [waiting.notes().name for waiting in store.queue()]
    assert names == ["first, seed 2", "first, seed 3", "other, seed 1", "other, seed 2"]
    assert "Queued: first again, seeds 2 and 3; other again, seeds 1 and 2." in texts(test)


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
    test = dialog(made(store, library, name="narrow"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ui.repeat.repeat", full)
    press(test, queue_button(test))
    assert "No space left on device. Make room there" in texts(test)


def test_a_damaged_run_cannot_be_repeated(store: RunStore) -> None:
    run = make_run(store)
    (run.folder / "status.json").write_text("{")
    assert opened("compare", runs=run.id).button(key="compare_repeat").disabled


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
