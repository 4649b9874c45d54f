"""One run: its notes, its evaluations, its checkpoints, its recipe."""

import threading

import pytest

from core.data import Dataset, Library
from core.errors import BadInput, Damaged, NotFound
from core.files import read_json, write_json
from core.runs import Look, Notes, RunStore, train
from core.runs.lock import hold
from tests.unit.runs.setups import launched_with, new_run, put, recipe

LOOK = Look(at="", split="test", checkpoint_epoch=1, images=1, accuracy=0.5, loss=1.0)


def test_notes_change_one_by_one(store: RunStore, small: Dataset) -> None:
    run = store.create(recipe(), small.info, name="a", hypothesis="h")
    run.write_notes(star=True)
    run.write_notes(tags=("x", "y"), note="line\nline")
    run.write_notes(name="ß")
    found = run.notes()
    assert (found.name, found.hypothesis, found.note) == ("ß", "h", "line\nline")
    assert (found.tags, found.star) == (("x", "y"), True)
    assert run.display_name() == "ß"
    run.write_notes(name="")
    assert run.display_name() == "my_net 1"


def test_damaged_notes_are_empty_ones(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    (run.folder / "notes.json").write_text('{"name": 3}')
    assert run.notes().name == ""
    assert run.write_notes(name="new").name == "new"


def test_notes_can_be_written_while_the_run_trains(store: RunStore, small: Dataset) -> None:
    run = put(new_run(store, small), "running")
    with hold(run.lock_path, busy=""):
        run.write_notes(name="live")
    assert run.notes().name == "live"


def test_notes_written_at_the_same_time_all_stay(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    changes = [{"name": "n"}, {"hypothesis": "h"}, {"note": "t"}, {"tags": ("a",)}, {"star": True}]
    threads = [threading.Thread(target=run.write_notes, kwargs=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = run.notes()
    assert (found.name, found.hypothesis, found.note, found.tags, found.star) == ("n", "h", "t", ("a",), True)


def test_every_look_at_a_split_is_remembered(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    assert run.looks() == []
    for accuracy in (0.5, 0.6):
        look = Look(at="2026", split="test", checkpoint_epoch=2, images=3, accuracy=accuracy, loss=1.0)
        run.add_look(look)
    assert [look.accuracy for look in run.looks()] == [0.5, 0.6]
    assert len(read_json(run.folder / "evaluations.json")["looks"]) == 2


def test_checkpoints_are_found_by_word_and_by_epoch(
    store: RunStore, small: Dataset, small_library: Library
) -> None:
    run = new_run(store, small, epochs=4, checkpoints={"best": True, "every": 0, "epochs": [2]})
    with pytest.raises(NotFound, match="no checkpoint yet"):
        run.checkpoint("best")
    status = train(run, small_library)
    assert status.best is not None
    assert run.checkpoint("best") == run.epoch_path(status.best.epoch)
    assert run.checkpoint(2) == run.epoch_path(2)
    last = run.epoch_path(4) if 4 in run.checkpoint_epochs() else run.state_path
    assert run.checkpoint("last") == run.checkpoint(4) == last
    assert run.checkpoint_epochs() == sorted({status.best.epoch, 2})
    absent = next(epoch for epoch in (1, 3) if epoch != status.best.epoch)
    with pytest.raises(NotFound, match=f"no checkpoint of epoch {absent}; it keeps epoch"):
        run.checkpoint(absent)


def test_foreign_files_among_the_checkpoints_are_ignored(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    for name in ("epoch-x.safetensors", "epoch-².safetensors", "epoch-0003.txt", "readme"):
        (run.folder / "checkpoints" / name).write_text("")
    assert run.checkpoint_epochs() == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]"])
def test_a_damaged_recipe_is_one_plain_sentence_in_the_list_too(
    store: RunStore, small: Dataset, content: bytes
) -> None:
    run = new_run(store, small)
    (run.folder / "recipe.json").write_bytes(content)
    with pytest.raises(
        Damaged, match=r"recipe\.json of .* put back a copy of it, or delete the run"
    ) as caught:
        run.recipe()
    (entry,) = store.list()
    assert (entry.state, entry.damaged) == ("damaged", str(caught.value))
    assert entry.status == run.status(), "what it reached can still be read"


@pytest.mark.parametrize("content", [b'{"version": 9}', b'{"epochs": 0}'])
def test_a_run_whose_recipe_cannot_be_used_here_can_still_be_looked_at(
    store: RunStore, small: Dataset, content: bytes
) -> None:
    run = put(new_run(store, small), "finished", epoch=3)
    launched_with(run, content)
    with pytest.raises(Damaged, match=r"recipe\.json of run .* cannot be used"):
        run.recipe()
    assert store.list()[0].state == "finished"


def test_notes_that_are_too_long_are_refused_and_the_old_ones_stay(store: RunStore, small: Dataset) -> None:
    run = store.create(recipe(), small.info, name="x" * 200)
    with pytest.raises(BadInput, match=r"^name = 'y+\.{3}: must have at most 200 characters; shorten it\.$"):
        run.write_notes(name="y" * 201)
    assert run.notes().name == "x" * 200


@pytest.mark.parametrize("act", ["star", "look", "stop", "resume", "extend", "delete"])
def test_nothing_brings_a_deleted_run_back(store: RunStore, small: Dataset, act: str) -> None:
    run = put(new_run(store, small), "finished", epoch=3)
    store.delete(run)
    look = Look(at="", split="val", checkpoint_epoch=1, images=1, accuracy=0.5, loss=1.0)
    acts = {
        "star": lambda: run.write_notes(star=True),
        "look": lambda: run.add_look(look),
        "stop": lambda: store.stop(run),
        "resume": lambda: store.resume(run),
        "extend": lambda: store.extend(run, 1),
        "delete": lambda: store.delete(run),
    }
    with pytest.raises(NotFound):
        acts[act]()
    assert not run.folder.exists()
    assert store.list() == []


def test_notes_that_cannot_be_read_are_put_aside_and_not_overwritten(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    (run.folder / "notes.json").write_bytes(b'{"name": "dear\xff"}')
    run.write_notes(star=True)
    assert run.notes().star
    (aside,) = run.folder.glob("notes.json.damaged-*")
    assert aside.read_bytes() == b'{"name": "dear\xff"}'


def test_a_look_is_added_beside_those_that_cannot_be_read(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    look = Look(at="", split="test", checkpoint_epoch=1, images=1, accuracy=0.5, loss=1.0)
    write_json(run.folder / "evaluations.json", {"looks": [{"from": "a newer version"}, look.model_dump()]})
    run.add_look(look)
    assert len(run.looks()) == 2
    assert len(read_json(run.folder / "evaluations.json")["looks"]) == 3


def test_a_look_is_refused_where_the_earlier_ones_are_lost(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    (run.folder / "evaluations.json").write_text("{")
    with pytest.raises(Damaged, match=r"evaluations\.json"):
        run.add_look(Look(at="", split="val", checkpoint_epoch=1, images=1, accuracy=0.5, loss=1.0))
    assert (run.folder / "evaluations.json").read_text() == "{"


@pytest.mark.parametrize("content", ["{", '{"star": 7}', '{"tags": 3}'])
def test_notes_that_cannot_be_read_are_said_in_the_list(
    store: RunStore, small: Dataset, content: str
) -> None:
    run = store.create(recipe(), small.info, name="a", queue=False)
    assert store.list()[0].lost == ()
    (run.folder / "notes.json").write_text(content)
    (entry,) = store.list()
    assert entry.notes == Notes() and not entry.damaged, "the run can be used all the same"
    (said,) = entry.lost
    assert said.startswith(f"Name, tags and notes are not shown: notes.json of {run.id} ")
    assert said.endswith("put back a copy of it.")


def test_looks_that_cannot_be_read_are_said_and_do_not_count_as_none(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    assert run.read_looks()[1] == ""
    run.add_look(LOOK)
    run.add_look(LOOK)
    assert run.read_looks()[1] == "" and len(run.looks()) == 2
    path = run.folder / "evaluations.json"
    whole = path.read_text()
    path.write_text(whole.replace('"split": "test"', '"split": "rest"', 1))
    assert len(run.looks()) == 1
    assert run.read_looks()[1] == (
        f"1 of the 2 evaluations in evaluations.json of {run.id} cannot be read; put back a copy of it."
    )
    for content in ("{", '{"looks": 3}', "[]"):
        path.write_text(content)
        assert run.looks() == []
        assert run.read_looks()[1].startswith("How often it was evaluated is not known: evaluations.json of ")
        assert store.list()[0].lost == (run.read_looks()[1],)
        with pytest.raises(Damaged):
            run.add_look(LOOK)
