"""Folders that somebody else made: links that lead out of a run, pipes that never end, files without end.
None is followed or waited for, and no such run stands in the way of another."""

import gzip
import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.data import Dataset, ImportOptions, Library
from core.data.archive import extract_zip
from core.data.folder import FolderSource
from core.data.known.idx import read_idx
from core.data.limits import LIMITS, Limits
from core.data.table import read_table
from core.errors import BadInput, Damaged
from core.files import read_json
from core.insight.overfit import val_images
from core.runs import JobQueue, Run, RunStore, train
from core.runs import job as job_module
from core.runs.answers import AnswerFile, read_answers
from core.runs.status import read_status
from core.train import read_card, read_state
from tests.faults.bad_archives import packed
from tests.faults.points import fork
from tests.faults.running import eventually
from tests.faults.setups import new_run
from tests.unit.data.pictures import write_classes
from tests.unit.runs.setups import put


def within(act: Callable[[], object], seconds: float = 20.0) -> object:
    """What an act gives or raises; a wait without end is an error."""
    told: list[object] = []

    def work() -> None:
        try:
            told.append(act())
        except Exception as error:  # noqa: BLE001  (it is looked at)
            told.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert told, "it waits without end"
    return told[0]


def _link(path: Path, outside: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(outside)


PARTS = ("status.json", "train.log", "epochs.jsonl", "steps.jsonl", "checkpoints", "predictions", "lock")
TENSORS = ("checkpoints/last.state", "checkpoints/epoch-0001.safetensors", "predictions/val-0001.safetensors")


@pytest.mark.parametrize("part", [*PARTS, *TENSORS])
def test_a_run_with_a_link_in_it_is_shown_as_damaged_and_changes_nothing_outside(
    store: RunStore, dataset: Dataset, library: Library, tmp_path: Path, part: str
) -> None:
    good, bad = new_run(store, dataset, epochs=1), new_run(store, dataset, epochs=1)
    put(bad, "interrupted")
    outside = tmp_path / "outside"
    if part in ("checkpoints", "predictions"):
        outside.mkdir()
        (outside / ".x.tmp").write_bytes(b"mine")
    else:
        outside.write_bytes((bad.folder / part).read_bytes() if (bad.folder / part).exists() else b"mine\n")
    before = {path: path.read_bytes() for path in (outside, *outside.rglob("*")) if path.is_file()}
    _link(bad.folder / part, outside)
    entries = {entry.id: entry for entry in store.list()}
    assert entries[good.id].state == "queued"
    assert entries[bad.id].damaged == (
        f"Run {bad.id} holds the link '{part}', which may lead anywhere; remove it, or delete the run."
    )
    with pytest.raises(Damaged, match="holds the link"):
        store.resume(bad)
    assert {path: path.read_bytes() for path in (outside, *outside.rglob("*")) if path.is_file()} == before
    store.delete(bad)
    assert {path: path.read_bytes() for path in (outside, *outside.rglob("*")) if path.is_file()} == before


@pytest.mark.parametrize("part", ["status.json", "notes.json", "epochs.jsonl", "lock", *TENSORS])
def test_a_pipe_in_a_run_is_named_and_nobody_waits_for_it(
    store: RunStore, dataset: Dataset, part: str
) -> None:
    run = new_run(store, dataset)
    (run.folder / part).unlink(missing_ok=True)
    os.mkfifo(run.folder / part)
    (entry,) = within(store.list)  # type: ignore[misc]
    assert (
        entry.damaged
        == f"Run {run.id} holds '{part}', which is no ordinary file; remove it, or delete the run."
    )


READERS: dict[str, Callable[[Run], object]] = {
    "checkpoints/last.state": lambda run: read_state(run.state_path),
    "checkpoints/epoch-0001.safetensors": lambda run: read_card(run.epoch_path(1)),
    "predictions/val-0001.safetensors": lambda run: read_answers(run, AnswerFile("val", 1), ("label",)),
    "epochs.jsonl": lambda run: run.epochs(),
}


@pytest.mark.parametrize("part", READERS)
def test_a_pipe_that_came_after_the_look_at_a_run_holds_nobody(
    store: RunStore, dataset: Dataset, part: str
) -> None:
    """In a process of its own, which the system ends: in safetensors' opening all threads would wait."""
    run = new_run(store, dataset)
    os.mkfifo(run.folder / part)

    def work(report: Callable[[str, int], None]) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        try:
            READERS[part](run)
        except (Damaged, OSError) as error:
            report("named", int(Path(part).name in str(error)))

    assert fork(work) == (0, {"named": 1})


def test_how_many_val_images_there_were_is_not_asked_of_a_pipe(
    store: RunStore, dataset: Dataset, library: Library
) -> None:
    run = new_run(store, dataset, epochs=1)
    train(run, library)
    assert val_images(run) == len(dataset.indices("val"))
    path = AnswerFile("val", 1).path(run)
    path.unlink()
    os.mkfifo(path)
    assert within(lambda: (val_images(run),)) == (None,)


def test_a_small_file_that_is_huge_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "r" / "status.json"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(Damaged, match=r"status\.json of r is damaged"):
        read_json(path)


@pytest.fixture
def queue(store: RunStore, library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobQueue]:
    monkeypatch.setattr(job_module, "POLL_S", 0.01)
    monkeypatch.setattr(job_module, "available_devices", lambda: ["cpu"])
    queue = JobQueue(store, library)
    yield queue
    queue.close()


def _refusing(monkeypatch: pytest.MonkeyPatch, bad: Run, method: str) -> None:
    """As where a run's folder belongs to somebody else, which root does not notice."""
    real = getattr(Run, method)

    def refuse(run: Run, *arguments: object, **options: object) -> object:
        if run == bad:
            raise PermissionError(13, "Permission denied")
        return real(run, *arguments, **options)

    monkeypatch.setattr(Run, method, refuse)


@pytest.mark.parametrize("method", ["is_alive", "recipe", "locked"])
def test_a_waiting_run_that_cannot_be_opened_keeps_no_other_from_training(
    store: RunStore, dataset: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    bad, good = (new_run(store, dataset, epochs=1) for _ in range(2))
    for run in (bad, good):
        store.enqueue(run)
    _refusing(monkeypatch, bad, method)
    queue.start()
    eventually(lambda: good.status().state == "finished")
    assert read_status(bad.folder).state == "queued"


def test_a_waiting_run_that_cannot_be_refused_keeps_no_other_from_training(
    store: RunStore, dataset: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (new_run(store, dataset, epochs=1) for _ in range(2))
    for run in (bad, good):
        store.enqueue(run)
    (bad.folder / "recipe.json").write_text("{")
    _refusing(monkeypatch, bad, "locked")
    queue.start()
    eventually(lambda: good.status().state == "finished")


def test_an_interrupted_run_that_cannot_be_opened_keeps_no_app_from_starting(
    store: RunStore, dataset: Dataset, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, other = (put(new_run(store, dataset, epochs=1), "running") for _ in range(2))
    good = new_run(store, dataset, epochs=1)
    _refusing(monkeypatch, bad, "locked")
    assert set(queue.start()) == {bad, other}
    assert read_status(other.folder).state == "interrupted"
    eventually(lambda: good.status().state == "finished")


def test_a_folder_in_the_queues_folder_is_no_place_in_it(store: RunStore, dataset: Dataset) -> None:
    run = new_run(store, dataset)
    store.enqueue(run)
    (store.queue_folder / "20200101-000000-gone").mkdir()
    assert store.queue() == [run]


# What is imported


def test_a_pipe_among_images_is_left_out_as_any_bad_file(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "pets", {"cat": 6, "dog": 6})
    os.mkfifo(root / "cat" / "pipe.png")
    source, library = FolderSource(path=str(root)), Library(tmp_path / "data")
    info = within(lambda: library.import_dataset(source, "new", ImportOptions(on_bad_file="skip")))
    assert getattr(info, "images", info) == 12
    assert info.skipped == ("cat/pipe.png is no ordinary file; save it again.",)  # type: ignore[attr-defined]


def test_a_path_of_many_folders_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    """32,000 letters in 200 names made a list of 30,000 ever longer names of each."""
    content = packed(*((f"{number}/" + "a/" * 16_000 + "x.png", b"x") for number in range(200)))
    began = time.monotonic()
    with pytest.raises(BadInput, match="is not a name that every system can store"):
        extract_zip(io.BytesIO(content), tmp_path / "out", name="deep.zip")
    assert time.monotonic() - began < 5


def test_the_deepest_path_that_may_come_is_stored(tmp_path: Path) -> None:
    deep = "a/" * (LIMITS.archive_depth - 1) + "x.png"
    extract_zip(io.BytesIO(packed((deep, b"x"))), tmp_path / "out", name="deep.zip")
    assert (tmp_path / "out" / deep).read_bytes() == b"x"


@pytest.mark.parametrize(
    ("limits", "rule"),
    [(Limits(table_rows=3), "has more than 3 rows"), (Limits(table_bytes=20), "is larger than 0 MB")],
    ids=["rows", "bytes"],
)
def test_a_table_without_end_is_not_read_to_its_end(tmp_path: Path, limits: Limits, rule: str) -> None:
    table = tmp_path / "train.csv"
    table.write_text("Id,Category\n1,a\n2,b\n3,a\n4,b\n")
    assert len(read_table(table, "Id", "Category")) == 4
    with pytest.raises(BadInput, match=f"^train.csv {rule};"):
        read_table(table, "Id", "Category", limits=limits)


def test_a_gzip_file_is_unpacked_up_to_a_limit_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.known import idx

    monkeypatch.setattr(idx, "MOST_BYTES", 10_000)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\1\0\0\x4e\x20" + bytes(20_000)))
    with pytest.raises(BadInput, match="is larger than the official file; remove it and import again"):
        read_idx(path)
