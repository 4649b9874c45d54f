"""Files that the disk gives back damaged: cut at every byte, a bit flipped in every byte, zeroed.

A named error and never another, the state before it where there is one, and no other run feels it.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.data import Library
from core.errors import Damaged, NotFound
from core.runs import Run, RunStore, train
from core.runs.rows import read_rows
from core.train import previous_path, read_card, read_checkpoint, read_state
from tests.faults.points import enumerate_points
from tests.faults.scenarios import Place, Resume, Training
from tests.faults.setups import curve, go_on, outcome

EVERY = 1 if os.environ.get("PLATEAU_LONG") else 7
"""In large files a bit of every so many bytes is flipped; `make test-long` takes every byte."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, library: Library) -> Place:
    """One run that was stopped after its second epoch of three, and one that is finished."""
    place = Place(tmp_path_factory.mktemp("damage"), library)
    Training("plain", "three", epochs=3).prepare(place)
    whole = place.run
    train(whole, library)
    return place


@pytest.fixture
def stopped(tmp_path: Path, library: Library) -> Place:
    """One run that was stopped after its second epoch of three."""
    place = Place(tmp_path, library)
    Resume().prepare(place)
    run = place.run
    place.store.resume(run, queue=False)
    place.train_until(2)
    assert read_state(previous_path(run.state_path)).epoch == 1
    return place


def cut(content: bytes) -> Iterator[tuple[str, bytes]]:
    for size in range(len(content)):
        yield f"cut to {size} bytes", content[:size]


def flipped(content: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(content), EVERY if len(content) > 5_000 else 1):
        bit = 1 << (at % 8)
        yield f"bit {bit} of byte {at}", content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]


def zeroed(content: bytes) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(content), 64):
        zeros = bytes(min(64, len(content) - start))
        if content[start : start + 64] != zeros:
            yield f"zeros from byte {start}", content[:start] + zeros + content[start + 64 :]


Damage = Callable[[bytes], Iterator[tuple[str, bytes]]]
DAMAGES = pytest.mark.parametrize("damage", [cut, flipped, zeroed], ids=lambda f: f.__name__)


@DAMAGES
@pytest.mark.parametrize("kind", ["last.state", "epoch checkpoint"])
def test_every_damage_of_a_checkpoint_is_named(
    place: Place, tmp_path: Path, kind: str, damage: Damage
) -> None:
    """A changed bit of a weight too, which safetensors itself does not notice."""
    run = place.run
    source = run.state_path if kind == "last.state" else run.epoch_path(run.checkpoint_epochs()[0])
    path = tmp_path / "run-1" / "checkpoints" / source.name
    path.parent.mkdir(parents=True)
    count = 0
    for what, content in damage(source.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(Damaged, match=source.name):
            if kind == "last.state":
                read_state(path)
            else:
                read_checkpoint(path)
                read_checkpoint(path, averaged=True)
            pytest.fail(f"{what}: read as if it were whole")
        count += 1
    assert count > 90


@DAMAGES
def test_a_damaged_header_gives_no_card(place: Place, tmp_path: Path, damage: Damage) -> None:
    content = place.run.state_path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    path = tmp_path / "run-1" / "checkpoints" / "last.state"
    path.parent.mkdir(parents=True)
    for what, damaged in damage(content[:header]):
        path.write_bytes(damaged + content[header:] if len(damaged) == header else damaged)
        with pytest.raises(Damaged, match=r"last\.state"):
            read_card(path)
            pytest.fail(what)


@DAMAGES
@pytest.mark.parametrize("name", ["status.json", "recipe.json", "notes.json"])
def test_a_damaged_small_file_is_named_and_no_other_run_feels_it(
    place: Place, tmp_path: Path, name: str, damage: Damage
) -> None:
    """Status and recipe are as they were written, or damaged. A flipped bit in notes may leave readable JSON
    of another value: that is no error."""
    store = RunStore(tmp_path)
    whole, hit = (store.folder / f"{part}-{place.run.id}" for part in ("whole", "hit"))
    for folder in (whole, hit):
        shutil.copytree(place.run.folder, folder)
    before, recipe = store.entry(Run(whole)), Run(whole).recipe()
    path, run, named = hit / name, Run(hit), 0
    for what, content in damage((whole / name).read_bytes()):
        path.write_bytes(content)
        entry = store.entry(run)
        if entry.damaged:
            assert entry.damaged.startswith(f"{name} of ") and name != "notes.json", what
            assert entry.status == (before.status if name == "recipe.json" else None), what
            named += 1
        else:
            assert name != "recipe.json", f"{what}: read as if it were whole"
            assert entry.status == before.status, f"{what}: read as if it were whole"
            assert entry.notes == before.notes or name == "notes.json"
        try:
            assert run.recipe() == recipe or entry.damaged
        except Damaged as error:
            assert name == "recipe.json" and str(error).startswith("recipe.json of ")
    path.write_bytes(b"\0" * 100)
    assert [entry.id for entry in store.list()] == [whole.name, hit.name]
    assert store.list()[0] == before
    assert named >= (0 if name == "notes.json" else 5), "notes that cannot be read are empty ones"


@DAMAGES
def test_damaged_rows_are_counted_and_the_others_are_read(
    place: Place, tmp_path: Path, damage: Damage
) -> None:
    source, path = place.run.folder / "epochs.jsonl", tmp_path / "epochs.jsonl"
    whole = read_rows(source).rows
    for what, content in damage(source.read_bytes()):
        path.write_bytes(content)
        read = read_rows(path)
        same = sum(row in whole for row in read.rows)
        # A flip can hit a number, the bytes between two rows, or the last newline.
        assert same >= (content.count(b"\n") if damage is cut else len(whole) - 2), what
        assert len(read.rows) + read.damaged <= len(whole) + 1
    assert read_rows(path).damaged <= len(whole)


def test_a_run_whose_recipe_changed_by_a_digit_is_not_resumed_as_another(
    stopped: Place, tmp_path: Path, library: Library
) -> None:
    copy = RunStore(tmp_path / "changed")
    shutil.copytree(stopped.run.folder, copy.folder / stopped.run.id)
    run = copy.get(stopped.run.id)
    path = run.folder / "recipe.json"
    text = path.read_text()
    path.write_text(text.replace('"lr": 0.0', '"lr": 0.1', 1))
    assert path.read_text() != text
    assert copy.entry(run).damaged.startswith("recipe.json of ")
    copy.resume(run, queue=False)
    status = train(run, library)
    assert (status.state, status.epoch) == ("failed", stopped.run.status().epoch)
    assert "is not as it was when the run was launched" in status.message
    path.write_text(text)
    copy.resume(run, queue=False)
    assert train(run, library).state == "finished"
    assert outcome(run) == whole_of(stopped)


def test_a_resume_after_damage_goes_back_to_the_state_before_and_ends_the_same(
    stopped: Place, tmp_path: Path, library: Library
) -> None:
    run, whole = stopped.run, whole_of(stopped)
    content = run.state_path.read_bytes()
    for what, damaged in (("cut", content[:-100]), ("flipped", flip(content, -50)), ("zeros", bytes(500))):
        copy = RunStore(tmp_path / what)
        shutil.copytree(run.folder, copy.folder / run.id)
        again = copy.get(run.id)
        again.state_path.write_bytes(damaged)
        copy.resume(again, queue=False)
        status = train(again, library)
        assert (status.state, status.epoch) == ("finished", 3)
        assert any("went back" in notice for notice in status.notices)
        assert outcome(again) == whole


def test_a_kill_while_it_goes_back_is_survived(library: Library) -> None:
    """Every third point of a resume whose last.state is damaged."""

    class GoBack(Resume):
        def prepare(self, place: Place) -> None:
            super().prepare(place)
            run = place.run
            place.store.resume(run, queue=False)
            place.train_until(2)
            content = run.state_path.read_bytes()
            run.state_path.write_bytes(flip(content, -50))

        def settle(self, place: Place, reported: dict[str, int]) -> object:
            # Between the way back and the status that tells of it, the status knows a later epoch.
            place.store.recover()
            go_on(place.run, place.store, place.train)
            return super().settle(place, {})

    assert enumerate_points(GoBack(), library, "kill", range(1, 200, 6)).points >= 5


def test_damage_without_a_state_before_it_is_named_and_the_kept_epochs_stay(stopped: Place) -> None:
    run, store = stopped.run, stopped.store
    rows = curve(run)
    for path in (run.state_path, previous_path(run.state_path)):
        path.write_bytes(flip(path.read_bytes(), -50))
    store.resume(run, queue=False)
    status = train(run, stopped.library)
    assert status.state == "failed"
    assert "last.state" in status.message
    assert status.hint.startswith("Clone the run")
    assert curve(run) == rows
    assert read_checkpoint(run.epoch_path(run.checkpoint_epochs()[0]))[0].run == run.id


def test_a_disk_without_second_names_trains_without_the_state_before(
    stopped: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    run, whole = stopped.run, whole_of(stopped)
    monkeypatch.setattr("os.link", refuse)
    stopped.store.resume(run, queue=False)
    train(run, stopped.library)
    assert outcome(run) == whole


def test_a_finished_run_keeps_one_state(place: Place) -> None:
    assert not previous_path(place.run.state_path).exists()
    with pytest.raises(NotFound, match=r"previous\.state"):
        read_state(previous_path(place.run.state_path))


def flip(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def whole_of(place: Place) -> object:
    """What an uninterrupted run of the same recipe comes to."""
    run = place.store.create(place.run.recipe(), place.dataset.info, queue=False)
    train(run, place.library)
    found = outcome(run)
    place.store.delete(run)
    return found
