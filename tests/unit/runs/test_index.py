"""The index of runs: what is read again and when, damage, and several processes on one folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

import core.runs.index as index_module
from core.files import write_text
from core.runs import Run, RunStore
from core.runs.index import LOOK_AGAIN_NS, SETTLED_NS, Listing, RunIndex
from core.runs.lock import hold
from core.runs.status import write_status
from tests.pages.made_runs import make_run


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def index(store: RunStore) -> RunIndex:
    return RunIndex(store.folder)


Reads = Callable[[], list[str]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """The ids of the runs that were read since the last call."""
    read: list[str] = []
    original = index_module.read_entry
    monkeypatch.setattr(index_module, "read_entry", lambda run: read.append(run.id) or original(run))

    def since() -> list[str]:
        found = sorted(read)
        read.clear()
        return found

    return since


def settle(*runs: Run) -> None:
    """Make the runs' files look as if nobody had touched them for a while: times are all that tells."""
    before_ns = time.time_ns() - 2 * SETTLED_NS
    for run in runs:
        for path in run.folder.iterdir():
            os.utime(path, ns=(before_ns, before_ns))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the index alone is ahead, so that files written just now are settled."""
    now_ns = time.time_ns
    monkeypatch.setattr(index_module.time, "time_ns", lambda: now_ns() + 2 * SETTLED_NS)


def names(listing: Listing) -> list[str]:
    return [entry.name for entry in listing.entries]


class TestWhatIsReadAgain:
    def test_only_what_changed(self, store: RunStore, index: RunIndex, reads: Reads, later: None) -> None:
        first, second = make_run(store, name="a"), make_run(store, name="b")
        before = index.listing()
        assert reads() == sorted([first.id, second.id])
        assert index.listing() is before and reads() == []
        second.write_notes(name="c")
        after = index.listing()
        assert reads() == [second.id] and names(after) == ["c", "a"]
        assert after.revisions[first.id] == before.revisions[first.id]
        assert after.revisions[second.id] != before.revisions[second.id]
        assert after.version != before.version

    def test_a_file_of_the_last_moments_though_its_times_are_the_same(
        self, store: RunStore, index: RunIndex, reads: Reads
    ) -> None:
        run = make_run(store)
        index.listing()
        reads()
        before = index.listing()
        assert reads() == [run.id]
        assert index.listing() is before  # read, and found to say the same

    @pytest.mark.parametrize("part", ["status.json", "notes.json"])
    def test_a_file_that_was_replaced_with_the_old_times_and_size(
        self, store: RunStore, index: RunIndex, later: None, part: str
    ) -> None:
        run = make_run(store, name="aaaa")
        index.listing()
        path = run.folder / part
        old = path.stat()
        other = path.with_name("other")
        other.write_text(path.read_text().replace("aaaa", "bbbb").replace("finished", "stopped "))
        text = json.loads(other.read_text())
        if part == "status.json":
            text["state"] = "stopped"
            del text["crc32"]
            other.write_text(json.dumps(text).ljust(old.st_size))
        other.replace(path)
        os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
        [entry] = index.listing().entries
        assert (entry.name, entry.state) == (
            ("aaaa", "stopped") if part == "status.json" else ("bbbb", "finished")
        )

    def test_a_new_evaluation_is_told_though_it_is_not_read(
        self, store: RunStore, index: RunIndex, later: None
    ) -> None:
        run = make_run(store)
        before = index.listing()
        (run.folder / "evaluations.json").write_text("{}")
        after = index.listing()
        assert after.entries == before.entries
        assert after.version != before.version and after.revisions != before.revisions

    def test_runs_that_come_and_go(self, store: RunStore, index: RunIndex, later: None) -> None:
        first = make_run(store, name="a")
        versions = [index.listing().version]
        make_run(store, name="b")
        assert names(index.listing()) == ["b", "a"]
        versions.append(index.listing().version)
        store.delete(first)
        assert names(index.listing()) == ["b"]
        assert len({*versions, index.listing().version}) == 3

    def test_of_a_few_runs_only_those_are_looked_at(
        self, store: RunStore, index: RunIndex, reads: Reads, later: None
    ) -> None:
        first, second = make_run(store, name="a"), make_run(store, name="b")
        found = index.find([second.id, "../a", "20260101-000000-none"])
        assert {run_id: entry.name for run_id, entry in found.items()} == {second.id: "b"}
        assert reads() == [second.id]
        before = index.listing()
        assert reads() == [first.id] and names(before) == ["b", "a"]
        second.write_notes(name="c")
        assert index.find([second.id])[second.id].name == "c"
        after = index.listing()
        assert reads() == [second.id] and names(after) == ["c", "a"] and after.version != before.version
        store.delete(second)
        assert index.find([second.id]) == {} and names(index.listing()) == ["a"]

    def test_a_link_is_found_and_its_entry_says_so(
        self, store: RunStore, index: RunIndex, tmp_path: Path
    ) -> None:
        run = make_run(store)
        moved = run.folder.rename(tmp_path / "elsewhere")
        run.folder.symlink_to(moved)
        assert index.find([run.id])[run.id] == index.listing().entries[0]
        assert index.find([run.id])[run.id].damaged

    def test_two_indexes_share_no_version(self, store: RunStore) -> None:
        make_run(store)
        assert RunIndex(store.folder).listing().version != RunIndex(store.folder).listing().version

    def test_one_look_at_its_folder_tells_that_nothing_was_replaced(
        self, store: RunStore, index: RunIndex, later: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = make_run(store, name="a")
        index.listing()
        looked = []
        stamp = index_module._stamp
        monkeypatch.setattr(index_module, "_stamp", lambda path: looked.append(path) or stamp(path))
        index.listing()
        assert looked == [str(run.folder)]
        run.write_notes(name="b")
        assert names(index.listing()) == ["b"]

    def test_what_an_editor_writes_into_a_file_is_seen_a_little_later(
        self, store: RunStore, index: RunIndex, later: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = make_run(store, name="a")
        run.write_notes(name="aa")
        assert names(index.listing()) == ["aa"]
        path = run.folder / "notes.json"
        path.write_text(path.read_text().replace('"aa"', '"edited"'))
        later_ns = index_module.time.time_ns
        monkeypatch.setattr(index_module.time, "time_ns", lambda: later_ns() + LOOK_AGAIN_NS)
        assert names(index.listing()) == ["edited"]

    def test_settings_are_read_once(
        self, store: RunStore, index: RunIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = make_run(store)
        assert index.settings([run])[run.id]["batch_size"] == 32
        monkeypatch.setattr(Run, "recipe", lambda self: pytest.fail("read again"))
        assert index.settings([run])[run.id]["batch_size"] == 32


class TestLocks:
    def test_a_process_that_is_gone_changes_no_file_and_is_seen_all_the_same(
        self, store: RunStore, index: RunIndex, later: None
    ) -> None:
        run = make_run(store, state="running", done=2)
        with hold(run.lock_path, busy="in use"):
            assert index.listing().entries[0].state == "running"
        assert index.listing().entries[0].state == "interrupted"

    def test_what_was_only_taken_for_interrupted_may_train_again(
        self, store: RunStore, index: RunIndex, later: None
    ) -> None:
        run = make_run(store, state="running", done=2)
        assert index.listing().entries[0].state == "interrupted"
        with hold(run.lock_path, busy="in use"):
            assert index.listing().entries[0].state == "running"

    def test_what_says_so_itself_is_not_probed_again(
        self, store: RunStore, index: RunIndex, reads: Reads, later: None
    ) -> None:
        make_run(store, state="interrupted", done=2)
        index.listing()
        reads()
        index.listing()
        assert reads() == []


class TestDamage:
    @pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "nothing"}'])
    def test_a_damaged_run_says_so_hides_no_other_and_may_be_mended(
        self, store: RunStore, index: RunIndex, later: None, content: str
    ) -> None:
        whole, broken = make_run(store), make_run(store)
        good = (broken.folder / "status.json").read_text()
        (broken.folder / "status.json").write_text(content)
        by_id = {entry.id: entry for entry in index.listing().entries}
        assert by_id[whole.id].state == "finished"
        assert by_id[broken.id].state == "damaged" and "status.json" in by_id[broken.id].damaged
        (broken.folder / "status.json").write_text(good)
        assert {entry.state for entry in index.listing().entries} == {"finished"}

    def test_a_damaged_recipe_has_no_settings(self, store: RunStore, index: RunIndex) -> None:
        whole, broken = make_run(store), make_run(store)
        (broken.folder / "recipe.json").write_text("{")
        assert set(index.settings([whole, broken])) == {whole.id}

    def test_what_is_no_run_is_left_out(self, store: RunStore, index: RunIndex, tmp_path: Path) -> None:
        run = make_run(store)
        (store.folder / "notes.txt").write_text("mine")
        (store.folder / ".hidden").mkdir()
        assert [entry.id for entry in index.listing().entries] == [run.id]

    def test_a_link_is_listed_as_one_and_not_followed(
        self, store: RunStore, index: RunIndex, tmp_path: Path
    ) -> None:
        outside = make_run(RunStore(tmp_path / "elsewhere"), name="mine").folder
        (store.folder).mkdir()
        for name, target in (("linked", outside), ("nowhere", tmp_path / "none")):
            (store.folder / name).symlink_to(target)
        for entry in index.listing().entries:
            assert (entry.state, entry.name) == ("damaged", entry.id), "nothing of what it leads to is shown"
            assert "is a link and was not followed" in entry.damaged
        assert {entry.id for entry in index.listing().entries} == {"linked", "nowhere"}

    def test_a_recipe_that_is_cut_is_damage_and_may_be_mended(
        self, store: RunStore, index: RunIndex, later: None
    ) -> None:
        run = make_run(store)
        recipe = (run.folder / "recipe.json").read_text()
        assert index.listing().entries[0].state == "finished"
        write_text(run.folder / "recipe.json", recipe[:-5])
        assert "recipe.json" in index.listing().entries[0].damaged
        write_text(run.folder / "recipe.json", recipe)
        assert index.listing().entries[0].state == "finished"

    def test_no_folder_is_no_runs(self, tmp_path: Path) -> None:
        assert RunIndex(tmp_path / "none").listing().entries == ()


WRITER = """
import sys
from pathlib import Path
from core.runs import RunStore
for name in sys.stdin:
    for entry in RunStore(Path(sys.argv[1])).list():
        entry.run.write_notes(name=name.strip())
    print("written", flush=True)
"""


def test_what_other_processes_write_is_seen(store: RunStore, index: RunIndex) -> None:
    runs = [make_run(store, name="here") for _ in range(3)]
    settle(*runs)
    assert names(index.listing()) == ["here"] * 3
    command = [sys.executable, "-c", WRITER, str(store.folder)]
    with ExitStack() as stack:
        # Both at once, for each takes seconds to begin; they write in turn.
        writers = [
            stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)) for _ in "12"
        ]
        for writer, name in zip(writers, ("from one", "from two"), strict=True):
            assert writer.stdin and writer.stdout
            print(name, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "written\n"
            assert names(index.listing()) == [name] * 3


def test_another_writer_between_two_looks_leaves_nothing_stale(
    store: RunStore, index: RunIndex, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, name="before")
    original = index_module.read_entry

    def slow(read: Run) -> object:
        entry = original(read)
        run.write_notes(name="after")  # while the listing is made, once its stamps were taken
        return entry

    monkeypatch.setattr(index_module, "read_entry", slow)
    assert names(index.listing()) == ["before"]
    monkeypatch.setattr(index_module, "read_entry", original)
    assert names(index.listing()) == ["after"]


def test_a_state_written_back_is_seen(store: RunStore, index: RunIndex, later: None) -> None:
    run = make_run(store)
    index.listing()
    status = run.status()
    for state in ("failed", "finished"):
        status.state = state  # type: ignore[assignment]
        write_status(run.folder, status)
        assert index.listing().entries[0].state == state
