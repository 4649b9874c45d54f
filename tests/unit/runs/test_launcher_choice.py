"""Which launcher a run gets: the recipe chooses, and else the environment."""

import json

import pytest

from core.data import Dataset, Library
from core.errors import BadInput
from core.runs import Run, RunStore
from core.runs import job as job_module
from core.runs.launch import LAUNCHERS, default_launcher
from core.runs.training import NotQueued
from tests.unit.runs.setups import eventually, new_run, waiting, working


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])


@pytest.mark.parametrize(
    ("variable", "recipe", "taken"),
    [
        (None, "auto", "thread"),
        ("", "auto", "thread"),
        ("thread", "auto", "thread"),
        ("process", "auto", "process"),
        ("process", "thread", "thread"),
        (None, "process", "process"),
    ],
)
def test_the_recipe_chooses_and_else_the_environment(
    store: RunStore,
    small: Dataset,
    small_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    recipe: str,
    taken: str,
) -> None:
    if variable is None:
        monkeypatch.delenv("PLATEAU_LAUNCHER", raising=False)
    else:
        monkeypatch.setenv("PLATEAU_LAUNCHER", variable)
    asked: list[str] = []
    for name in LAUNCHERS:

        def launch(run: Run, *_: object, name: str = name, **__: object) -> None:
            asked.append(name)
            raise NotQueued(run.id)

        monkeypatch.setitem(LAUNCHERS, name, launch)
    new_run(store, small, queue=True, launcher=recipe)
    with working(store, small_library):
        eventually(lambda: asked)
        eventually(lambda: waiting(store) == [])
    assert asked == [taken]


def test_an_unknown_launcher_is_named_at_the_start_and_nothing_trains(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small, queue=True)
    monkeypatch.setenv("PLATEAU_LAUNCHER", "rocket")
    sentence = (
        "PLATEAU_LAUNCHER = 'rocket': must be 'thread' or 'process'; set it to one of them, or not at all."
    )
    with pytest.raises(BadInput) as raised, working(store, small_library):
        pass
    assert str(raised.value) == sentence
    assert run.status().state == "queued"
    with pytest.raises(BadInput):
        default_launcher({"PLATEAU_LAUNCHER": "auto"})


def test_a_stored_recipe_without_the_choice_leaves_it_to_the_app(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    path = run.folder / "recipe.json"
    content = json.loads(path.read_text())
    assert content.pop("launcher") == "auto"
    path.write_text(json.dumps(content))
    assert run.recipe().launcher == "auto"
