"""All runs of a folder: made, found, listed, removed, whatever else lies in the folder."""

import json
import os
import re
import threading
import time
import zipfile
from datetime import datetime, tzinfo
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.data import Dataset
from core.errors import BadInput, Busy, Damaged, NotFound
from core.files import write_json
from core.recipe import parse_recipe
from core.runs import Run, RunStore, State
from core.runs import ids as ids_module
from core.runs import order as order_module
from core.runs import store as store_module
from core.runs.lock import hold
from core.runs.status import read_status
from tests.unit.runs.setups import new_run, put, recipe, waiting


def test_a_new_run_is_a_folder_that_waits(store: RunStore, small: Dataset) -> None:
    run = store.create(recipe(), small.info, name=" first ", hypothesis="why not", parent="p-1")
    assert re.fullmatch(r"\d{8}-\d{6}-my-net-[0-9a-f]{4}", run.id)
    assert parse_recipe((run.folder / "recipe.json").read_bytes()) == run.recipe() == recipe()
    status = run.status()
    assert (status.state, status.epoch, status.epochs) == ("queued", 0, 3)
    assert (status.dataset, status.architecture, status.parent) == ("tiny", "my_net", "p-1")
    assert status.dataset_fingerprint == small.info.fingerprint
    assert (run.notes().name, run.notes().hypothesis) == ("first", "why not")
    assert waiting(store) == [run.id]
    visible = {path.name for path in store.folder.iterdir() if not path.name.startswith(".")}
    assert visible == {run.id}, "nothing half-made is left"


def test_a_run_can_be_made_without_queueing_it(store: RunStore, small: Dataset) -> None:
    new_run(store, small)
    assert waiting(store) == []


def test_runs_made_in_a_row_have_colours_of_their_own(store: RunStore, small: Dataset) -> None:
    assert [new_run(store, small).status().color for _ in range(4)] == [0, 1, 2, 3]


def test_runs_of_one_second_have_ids_in_their_order(
    store: RunStore, small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Frozen(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Frozen":
            return cls(2026, 9, 1, tzinfo=tz)

    monkeypatch.setattr(ids_module, "datetime", Frozen)
    monkeypatch.setattr(ids_module, "secrets", SimpleNamespace(token_hex=lambda _: "aaaa"))
    made = [new_run(store, small).id for _ in range(3)]
    assert len(set(made)) == 3 and made == sorted(made)
    assert [entry.id for entry in store.list()] == made[::-1]


def test_a_token_makes_one_run(store: RunStore, small: Dataset) -> None:
    first = store.create(recipe(), small.info, token="abc-1")
    assert store.create(recipe(), small.info, token="abc-1") == first
    assert store.create(recipe(), small.info, token="abc-2") != first
    assert len(store.list()) == 2
    assert len(waiting(store)) == 2


def test_twenty_clicks_at_once_make_one_run(store: RunStore, small: Dataset) -> None:
    made: list[str] = []
    start = threading.Barrier(20)

    def click() -> None:
        start.wait()
        made.append(store.create(recipe(), small.info, token="double-click").id)

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 20
    assert len(set(made)) == len(store.list()) == len(waiting(store)) == 1


def test_the_token_of_a_deleted_run_makes_a_new_one(store: RunStore, small: Dataset) -> None:
    first = store.create(recipe(), small.info, token="abc")
    store.delete(first)
    assert store.create(recipe(), small.info, token="abc").id != first.id


@pytest.mark.parametrize("token", ["../x", "", "a/b", ".hidden", "a\0b", "x" * 200])
def test_a_token_that_is_no_plain_word_is_refused(store: RunStore, small: Dataset, token: str) -> None:
    with pytest.raises(BadInput, match="token"):
        store.create(recipe(), small.info, token=token)
    assert store.list() == []


@pytest.mark.parametrize(
    "run_id",
    [
        "../secret",
        "..",
        ".",
        "",
        "/etc",
        "a/../b",
        "a\\b",
        "a\0b",
        "x" * 101,
        ".queue",
        "no-such",
        "a\nb",
        "a b",
    ],
)
def test_an_id_that_is_none_is_no_such_run(store: RunStore, small: Dataset, run_id: str) -> None:
    new_run(store, small)
    outside = store.folder.parent / "secret"
    outside.mkdir()
    (outside / "recipe.json").write_text("{}")
    with pytest.raises(NotFound, match="There is no run"):
        store.get(run_id)
    with pytest.raises(NotFound, match="There is no run"):
        store.find(run_id)


def test_a_run_is_found_by_id_name_beginning_or_end(store: RunStore, small: Dataset) -> None:
    run = store.create(recipe(), small.info, name="tall")
    other = store.create(recipe(architecture={"kind": "resnet18"}), small.info)
    for text in (run.id, "tall", run.id[-4:], run.id[:-1]):
        assert store.find(text) == run
    assert store.get(other.id) == other


def test_a_text_that_fits_several_runs_names_them(store: RunStore, small: Dataset) -> None:
    runs = [store.create(recipe(), small.info, name="same") for _ in range(2)]
    with pytest.raises(BadInput, match="fits 2 runs") as caught:
        store.find("same")
    assert all(run.id in str(caught.value) for run in runs)


def test_a_name_wins_over_a_part_of_an_id(store: RunStore, small: Dataset) -> None:
    first = new_run(store, small)
    second = store.create(recipe(), small.info, name=first.id[-4:])
    assert store.find(first.id[-4:]) == second


def test_runs_are_listed_newest_first(store: RunStore, small: Dataset) -> None:
    made = sorted((new_run(store, small).id for _ in range(3)), reverse=True)
    assert [entry.id for entry in store.list()] == made


def test_no_folder_is_no_runs(store: RunStore) -> None:
    assert store.list() == []
    assert store.queue() == []


def test_a_damaged_run_says_so_and_hides_no_other(store: RunStore, small: Dataset) -> None:
    good = new_run(store, small)
    damages = {
        "a-torn": lambda f: (f / "status.json").write_text('{"state": "finis'),
        "b-zeros": lambda f: (f / "status.json").write_bytes(b"\0" * 50),
        "c-empty": lambda f: (f / "status.json").write_bytes(b""),
        "d-none": lambda f: None,
        "e-other": lambda f: (f / "status.json").write_text('{"state": "dreaming", "epochs": 3}'),
        "f-list": lambda f: (f / "status.json").write_text("[]"),
        "g-folder": lambda f: (f / "status.json").mkdir(),
        "h-notes": lambda f: (f / "notes.json").mkdir(),
        "i-lock": _running_with_a_folder_as_lock,
    }
    for name, damage in damages.items():
        (store.folder / name).mkdir()
        damage(store.folder / name)
    entries = {entry.id: entry for entry in store.list()}
    assert set(entries) == {good.id, *damages}
    assert entries[good.id].state == "queued"
    for name in damages:
        assert entries[name].state == "damaged"
        assert name in entries[name].damaged
        assert entries[name].name == name
    assert store.find(good.id[-4:]) == good


def _running_with_a_folder_as_lock(folder: Path) -> None:
    values = {"state": "running", "epochs": 1, "created_at": "", "dataset": "", "architecture": ""}
    (folder / "status.json").write_text(json.dumps(values))
    (folder / "lock").mkdir()


def test_files_and_hidden_folders_are_no_runs(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    (store.folder / "some-file").write_text("x")
    (store.folder / ".hidden").mkdir()
    (store.folder / "with space").mkdir()
    assert [entry.id for entry in store.list()] == [run.id]


def test_a_link_is_named_and_nothing_is_done_through_it(
    store: RunStore, small: Dataset, tmp_path: Path
) -> None:
    outside = new_run(RunStore(tmp_path / "elsewhere"), small, queue=False)
    run = new_run(store, small)
    before = {path: path.read_bytes() for path in outside.folder.rglob("*") if path.is_file()}
    link = Run(store.folder / "20990101-000000-my-net-link")
    link.folder.symlink_to(outside.folder)
    entry = next(entry for entry in store.list() if entry.id == link.id)
    assert entry.damaged.startswith(f"Run {link.id} is a link and was not followed;")
    with pytest.raises(NotFound):
        store.get(link.id)
    for act in (lambda: store.resume(link), lambda: link.write_notes(star=True), link.status):
        with pytest.raises(Damaged, match="is a link"):
            act()
    assert link.size_bytes() == 0
    store.export([link, run], tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {run.id}
    store.delete(link)
    assert [entry.id for entry in store.list()] == [run.id]
    assert {path: path.read_bytes() for path in outside.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["", " ", "..", "../../etc", "a/b", "x" * 200])
def test_any_name_that_is_not_too_long_is_kept_and_no_path(
    store: RunStore, small: Dataset, name: str
) -> None:
    run = store.create(recipe(), small.info, name=name)
    assert run.notes().name == name.strip()
    assert run.display_name() == (name.strip() or "my_net 1")
    assert run.folder.parent == store.folder


@pytest.mark.parametrize(("field", "most"), [("name", 200), ("hypothesis", 5_000)])
def test_a_text_that_is_too_long_is_refused_and_makes_no_run(
    store: RunStore, small: Dataset, field: str, most: int
) -> None:
    with pytest.raises(
        BadInput, match=f"^{field} = .*: must have at most {most:,} characters; shorten it[.]$"
    ):
        store.create(recipe(), small.info, **{field: "x" * (most + 1)})
    assert store.list() == []


def test_a_running_run_whose_lock_is_free_was_interrupted(store: RunStore, small: Dataset) -> None:
    for state in ("running", "stopping"):
        run = put(new_run(store, small), state, epoch=2)
        status = run.status()
        assert status.state == "interrupted"
        assert "after epoch 2" in status.message
        assert status.hint.startswith("Resume")
        assert read_status(run.folder).state == state, "a look changes nothing on the disk"
        with hold(run.lock_path, busy=""):
            assert run.status().state == state
            assert run.is_alive()


@pytest.mark.parametrize("state", ["queued", "stopped", "finished", "failed", "interrupted"])
def test_other_states_are_as_they_are_written(store: RunStore, small: Dataset, state: State) -> None:
    assert put(new_run(store, small), state).status().state == state


def test_recovery_writes_the_true_states_down_and_queues_what_waits(store: RunStore, small: Dataset) -> None:
    dead = put(new_run(store, small), "running", epoch=1)
    lost = new_run(store, small)
    alive = put(new_run(store, small), "running")
    done = put(new_run(store, small), "finished")
    (store.folder / ".new-x").mkdir()
    (store.folder / ".trash-y" / "deep").mkdir(parents=True)
    tokens = [store.folder / ".tokens" / name for name in ("now", "long-ago")]
    tokens[0].parent.mkdir()
    for token, age_days in zip(tokens, (1, 8), strict=True):
        token.write_text("{}")
        os.utime(token, (time.time() - 86_400 * age_days,) * 2)
    with hold(alive.lock_path, busy=""):
        assert store.recover() == [dead]
        assert read_status(alive.folder).state == "running"
    assert read_status(dead.folder).state == "interrupted"
    assert read_status(done.folder).state == "finished"
    assert waiting(store) == [lost.id]
    assert not list(store.folder.glob(".new-*"))
    assert not list(store.folder.glob(".trash-*"))
    assert [token.exists() for token in tokens] == [True, False]


def test_a_deleted_run_is_gone_with_its_place_in_the_queue(store: RunStore, small: Dataset) -> None:
    run, other = new_run(store, small, queue=True), new_run(store, small, queue=True)
    assert run.size_bytes() > 100
    store.delete(run)
    assert [entry.id for entry in store.list()] == [other.id] == waiting(store)
    assert not list(store.folder.glob(".trash-*"))
    with pytest.raises(NotFound):
        store.get(run.id)


def test_a_training_run_cannot_be_deleted(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    with hold(run.lock_path, busy=""), pytest.raises(Busy, match="stop it before deleting"):
        store.delete(run)
    assert store.get(run.id)


def test_a_damaged_run_can_be_deleted(store: RunStore, small: Dataset) -> None:
    run = new_run(store, small)
    (run.folder / "status.json").write_text("{")
    (run.folder / "recipe.json").unlink()
    (entry,) = store.list()
    store.delete(entry.run)
    assert store.list() == []


def test_a_link_inside_a_run_is_not_followed(store: RunStore, small: Dataset, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x" * 100_000)
    run = new_run(store, small)
    (run.folder / "link.txt").symlink_to(secret)
    assert run.size_bytes() < 50_000
    store.export([run], tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        assert not [name for name in archive.namelist() if "link" in name]
    store.delete(run)
    assert secret.exists()


def test_a_file_older_than_zips_can_say_is_packed_all_the_same(
    store: RunStore, small: Dataset, tmp_path: Path
) -> None:
    run = new_run(store, small)
    os.utime(run.folder / "recipe.json", (0, 0))
    store.export([run], tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        assert f"{run.id}/recipe.json" in archive.namelist()


@pytest.mark.parametrize("place", [".queue", ".tokens"])
def test_a_run_that_could_not_be_queued_was_not_made(
    store: RunStore, small: Dataset, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Else it would say that it waits, train after the next start, and a second click make another."""

    def full(path: Path, *arguments: object, **options: object) -> None:
        if path.parent.name == place:
            raise OSError(28, "No space left on device")
        write_json(path, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        for module in (store_module, order_module):
            patched.setattr(module, "write_json", full)
        with pytest.raises(OSError, match="No space"):
            store.create(recipe(), small.info, token="click-1")
    assert store.list() == []
    run = store.create(recipe(), small.info, token="click-1")
    assert [entry.run for entry in store.list()] == store.queue() == [run]


def test_an_export_is_another_stores_run(store: RunStore, small: Dataset, tmp_path: Path) -> None:
    runs = [new_run(store, small) for _ in range(2)]
    runs[0].write_notes(name="kept")
    runs[0].ask_to_stop("now")
    with hold(runs[0].lock_path, busy=""):
        store.export(runs, tmp_path / "runs.zip")
    other = RunStore(tmp_path / "other")
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        names = archive.namelist()
        archive.extractall(other.folder)
    assert {name.partition("/")[0] for name in names} == {run.id for run in runs}
    assert not [name for name in names if name.endswith(("lock", "control.json", ".tmp"))]
    assert {entry.state for entry in other.list()} == {"queued"}
    assert other.find("kept").recipe() == runs[0].recipe()
