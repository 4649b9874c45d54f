"""Repeats: which seeds, which name, and when there are none."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.errors import BadInput, Damaged, InvalidSettings, NotFound
from core.recipe import recipe_fingerprint
from core.runs import Run, RunStore, State, train
from core.runs.repeat import group_key, next_seeds, repeat, repeat_name, seed_of
from core.runs.status import read_status, write_status
from tests.unit import tiny
from tests.unit.runs.setups import new_run, put, recipe, rows, waiting


def seeds(runs: list[Run]) -> list[int]:
    return [run.recipe().seed for run in runs]


def forget(run: Run) -> None:
    """The status as an older Plateau wrote it: without fingerprint and seed."""
    content = json.loads((run.folder / "status.json").read_text())
    del content["recipe_fingerprint"], content["seed"], content["crc32"]
    (run.folder / "status.json").write_text(json.dumps(content))


def test_repeats_are_the_same_run_with_the_next_seeds(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = store.create(recipe(seed=4), small.info, name="narrow", hypothesis="it is enough", queue=False)
    made = repeat(store, run, 3, library=small_library)
    assert seeds(made) == [5, 6, 7]
    assert waiting(store) == [new.id for new in made], "the first seed trains first"
    for new, seed in zip(made, (5, 6, 7), strict=True):
        assert new.recipe() == recipe(seed=seed)
        assert new.notes().name == f"narrow, seed {seed}"
        assert new.notes().hypothesis == "it is enough"
        status = new.status()
        assert (status.parent, status.state, status.epochs, status.seed) == (run.id, "queued", 3, seed)
        assert status.recipe_fingerprint == run.status().recipe_fingerprint == recipe_fingerprint(recipe())


def test_a_repeat_takes_no_seed_that_its_group_has(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, seed=0)
    new_run(store, small, seed=2)
    new_run(store, small, seed=1, epochs=9)  # another recipe
    assert seeds(repeat(store, run, 2, library=small_library)) == [1, 3]
    assert seeds(repeat(store, run, 1, library=small_library)) == [4]


def test_a_repeat_can_be_repeated_and_keeps_the_name(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, seed=0)
    [first] = repeat(store, run, 1, library=small_library)
    [second] = repeat(store, first, 1, library=small_library)
    assert [new.display_name() for new in (run, first, second)] == [
        "my_net 1",
        "my_net 1, seed 1",
        "my_net 1, seed 2",
    ]
    assert second.status().parent == first.id


def test_a_name_never_outgrows_its_field() -> None:
    assert repeat_name("x" * 200, 12) == "x" * 191 + ", seed 12"


def test_the_seeds_begin_anew_after_the_highest(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small, seed=2**31 - 1)
    entry = store.entry(run)
    assert next_seeds([entry], entry, 2) == [0, 1]


def test_one_click_twice_makes_the_repeats_once(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, seed=0)
    made = repeat(store, run, 2, library=small_library, token="click")
    assert repeat(store, run, 2, library=small_library, token="click") == made
    assert len(store.list()) == 3
    assert len(repeat(store, run, 2, library=small_library, token="another")) == 2
    assert sorted(seeds([entry.run for entry in store.list()])) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("tokens", [("one", "one"), ("one", "two"), (None, None)])
def test_two_at_the_same_time_share_no_seed(
    store: RunStore, small: Dataset, small_library: Library, tokens: tuple[str | None, ...]
) -> None:
    run = new_run(store, small, seed=0)
    threads = [
        threading.Thread(
            target=repeat, args=(store, run, 2), kwargs={"library": small_library, "token": token}
        )
        for token in tokens
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted(seeds([entry.run for entry in store.list()]))
    assert found == ([0, 1, 2] if tokens == ("one", "one") else [0, 1, 2, 3, 4])


@pytest.mark.parametrize("state", ["queued", "running", "stopping", "stopped", "finished", "failed"])
def test_a_run_in_any_state_can_be_repeated(
    store: RunStore, small: Dataset, small_library: Library, state: State
) -> None:
    run = put(new_run(store, small), state)
    assert len(repeat(store, run, 1, library=small_library)) == 1


def test_a_run_of_an_older_plateau_is_read_from_its_recipe(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, seed=3)
    forget(run)
    new_run(store, small, seed=4)
    old, new = store.entry(run), store.list()[0]
    assert run.status().recipe_fingerprint == ""
    assert (seed_of(old), group_key(old)) == (3, group_key(new))
    assert seeds(repeat(store, run, 1, library=small_library)) == [5]


def test_an_extended_run_is_repeated_with_all_its_epochs(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, scheduler={"kind": "cosine"})
    assert train(run, small_library).state == "finished"
    store.extend(run, 2, hold_lr=True, queue=False)
    assert train(run, small_library).state == "finished"
    [again] = repeat(store, run, 1, library=small_library)
    assert again.recipe().epochs == 3
    assert group_key(store.entry(again)) == group_key(store.entry(run))
    assert train(again, small_library).state == "finished"
    assert [row["lr"] for row in rows(again)] == [row["lr"] for row in rows(run)]
    assert rows(again) != rows(run), "another seed"


class TestNoRepeat:
    @pytest.mark.parametrize("times", [0, -1, 101])
    def test_for_a_number_out_of_range(
        self, store: RunStore, small: Dataset, small_library: Library, times: int
    ) -> None:
        with pytest.raises(BadInput, match=rf"repeats = {times}: must be 1 to 100\."):
            repeat(store, new_run(store, small), times, library=small_library)

    @pytest.mark.parametrize(
        ("part", "content", "said"),
        [
            ("status.json", "{", "a damaged run cannot be repeated"),
            ("recipe.json", "{", "recipe.json of .* cannot be read"),
            ("recipe.json", '{"epochs": 0}', "cannot be used"),
        ],
    )
    def test_of_a_damaged_run(
        self, store: RunStore, small: Dataset, small_library: Library, part: str, content: str, said: str
    ) -> None:
        run = new_run(store, small, seed=0)
        (run.folder / part).write_text(content)
        with pytest.raises(Damaged, match=said):
            repeat(store, run, 1, library=small_library)
        assert waiting(store) == []

    def test_on_other_images_or_another_split(self, store: RunStore, tmp_path: Path) -> None:
        library = Library(tmp_path / "own")
        source = ShapesSource(classes=2, images=24, image_size=28)
        info = library.import_dataset(source, tiny.DATASET, ImportOptions())
        run = store.create(recipe(), info, queue=False)
        shutil.rmtree(library.folder / tiny.DATASET)
        with pytest.raises(NotFound, match=tiny.DATASET):
            repeat(store, run, 1, library=library)
        library.import_dataset(source, tiny.DATASET, ImportOptions(seed=1))
        with pytest.raises(BadInput, match="not the one that this run learned from"):
            repeat(store, run, 1, library=library)
        assert waiting(store) == []

    def test_where_the_recipe_cannot_be_trained_here(
        self, store: RunStore, small: Dataset, small_library: Library
    ) -> None:
        run = store.create(recipe(device="cuda:99"), small.info, queue=False)
        with pytest.raises(InvalidSettings, match="cuda:99"):
            repeat(store, run, 1, library=small_library)


def test_an_unreadable_run_is_in_no_group(store: RunStore, small: Dataset) -> None:
    runs = [new_run(store, small) for _ in range(2)]
    for run in runs:
        forget(run)
        (run.folder / "recipe.json").write_text("{")
    keys = [group_key(store.entry(run)) for run in runs]
    assert keys == [f"alone-{run.id}" for run in runs]
    assert seed_of(store.entry(runs[0])) is None


def test_other_images_splits_and_lengths_are_other_groups(store: RunStore, small: Dataset) -> None:
    def key(**changes: object) -> str:
        run = new_run(store, small, seed=0)
        write_status(run.folder, read_status(run.folder).model_copy(update=changes))
        return group_key(store.entry(run))

    changes: list[dict[str, object]] = [
        {},
        {"dataset_fingerprint": "other"},
        {"split_fingerprint": "other"},
        {"epochs": 5},
        {"epochs": 5, "hold_from": 3},
    ]
    assert key() == key(), "the same settings, the same group"
    assert len({key(**change) for change in changes}) == len(changes)
