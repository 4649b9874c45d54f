"""Which run a run is set against: the one it was cloned from, else the nearest earlier recipe."""

import json

import pytest

from core.insight.parents import age, parent_of, parents_of, tried
from core.recipe import Recipe
from core.runs import Run, RunStore
from core.runs.status import write_status
from tests.pages.made_runs import data_info, make_run, recipe

SGD = {"optimizer": {"kind": "sgd", "lr": 0.05}}
SMOOTH = {"loss": {"label_smoothing": 0.1}}


@pytest.fixture
def store(tmp_path) -> RunStore:  # type: ignore[no-untyped-def]
    return RunStore(tmp_path / "runs")


def found(store: RunStore, run: Run) -> tuple[str, str] | None:
    entries = store.list()
    parent = parent_of(store.entry(run), entries)
    assert parents_of(entries)[run.id] == parent
    return (parent[0].id, parent[1]) if parent else None


def test_the_run_it_was_cloned_from_even_where_another_is_nearer(store: RunStore) -> None:
    first = make_run(store, settings=SGD | SMOOTH)
    make_run(store)
    assert found(store, make_run(store, parent=first.id)) == (first.id, "clone")


def test_else_the_fewest_settings_then_the_same_seed_then_the_latest(store: RunStore) -> None:
    make_run(store, settings=SGD)
    near = make_run(store, settings=SMOOTH)
    assert found(store, make_run(store, settings=SMOOTH | {"epochs": 20})) == (near.id, "nearest")
    seeded = make_run(store, settings=SMOOTH | {"seed": 1})
    run = make_run(store, settings=SMOOTH | {"batch_size": 16})
    assert found(store, run) == (near.id, "nearest")
    other_seed = make_run(store, settings=SMOOTH | {"batch_size": 8, "seed": 1})
    assert found(store, other_seed) == (seeded.id, "nearest")


def test_a_replaced_choice_counts_as_one_setting(store: RunStore) -> None:
    adam = make_run(store, settings={"optimizer": {"kind": "adamw", "lr": 0.002, "weight_decay": 0.1}})
    make_run(store, settings=SGD | SMOOTH)
    assert found(store, make_run(store)) == (adam.id, "nearest")


def test_a_clone_of_a_run_that_was_deleted_has_a_nearest_one(store: RunStore) -> None:
    first, gone = make_run(store), make_run(store)
    run = make_run(store, parent=gone.id)
    store.delete(gone)
    assert found(store, run) == (first.id, "nearest")


def test_later_runs_other_images_and_runs_without_an_epoch_are_not_asked(store: RunStore) -> None:
    make_run(store, info=data_info("other"))
    make_run(store, state="queued")
    run = make_run(store)
    make_run(store)
    assert found(store, run) is None


def test_damaged_runs_have_none_and_are_none(store: RunStore) -> None:
    broken, odd, run = make_run(store), make_run(store), make_run(store)
    (broken.folder / "status.json").write_text("{")
    (odd.folder / "recipe.json").write_text("{")
    assert found(store, broken) is None
    assert found(store, run) is None


def test_a_run_that_is_not_in_the_list_yet_has_one_all_the_same(store: RunStore) -> None:
    first = make_run(store)
    entries, run = store.list(), make_run(store, settings=SMOOTH)
    parent = parent_of(store.entry(run), entries)
    assert parent and (parent[0].id, parent[1]) == (first.id, "nearest")


def test_a_damaged_run_is_as_old_as_its_id_says(store: RunStore) -> None:
    run = make_run(store)
    old, odd = (run.folder.with_name(name) for name in ("20200101-101500-my-net-0000", "copy"))
    for folder in (old, odd):
        folder.mkdir()
    entries = sorted((store.entry(Run(folder)) for folder in (run.folder, old, odd)), key=age)
    assert [entry.id for entry in entries] == ["copy", old.name, run.id]
    assert age(entries[1])[0] == "2020-01-01T10:15:00"


def test_what_was_tried_is_known_whatever_seed_and_place(store: RunStore) -> None:
    make_run(store, settings=SMOOTH | {"seed": 7, "device": "cpu"})
    make_run(store, settings={"scheduler": {"kind": "cosine", "t_max": 10}})
    entries = store.list()
    assert tried(recipe(**SMOOTH), entries)
    assert tried(recipe(scheduler={"kind": "cosine"}), entries)
    assert not tried(recipe(), entries) and not tried(Recipe(), entries)


def test_hundreds_of_recipes_are_told_apart(store: RunStore) -> None:
    runs = [make_run(store, done=1, settings={"batch_size": 1 + at}) for at in range(70)]
    last = make_run(store, settings={"batch_size": 1, "epochs": 20})
    assert found(store, last) == (runs[0].id, "nearest")


def test_a_run_that_names_itself_as_its_parent_does_no_harm(store: RunStore) -> None:
    run = make_run(store)
    status = run.status()
    status.parent = run.id
    write_status(run.folder, status)
    assert found(store, run) is None
    assert json.loads((run.folder / "status.json").read_text())["parent"] == run.id
