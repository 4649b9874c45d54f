"""Whatever ends a run: a true state, a sentence, and a whole last checkpoint."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.runs import Run, RunStore, State, Status, train
from core.runs import training as training_module
from core.runs.store import owned
from core.runs.training import DeviceBroken, NotQueued
from core.train import (
    CheckpointReady,
    Compute,
    Diverged,
    EpochEnded,
    Notice,
    read_state,
)
from tests.unit import tiny
from tests.unit.runs.setups import broken_gpu, end, new_run, rows


def fails(run: Run, library: Library, words: str, state: str = "failed") -> Status:
    status = train(run, library)
    assert status.state == state
    assert words in status.message
    assert status.message.endswith(".")
    assert status.hint.endswith(".")
    assert run.status() == status
    assert not run.is_alive()
    assert status.live is None
    return status


def test_a_diverged_run_says_when_and_what_to_do(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training_module.fit

    def diverge_in_the_second_epoch(task: Any) -> Any:
        for event in real(task):
            yield event
            if isinstance(event, CheckpointReady):
                break
        raise Diverged("The loss became nan in epoch 2, by step 1 of 2: lower the learning rate.")

    run = new_run(store, small)
    monkeypatch.setattr(training_module, "fit", diverge_in_the_second_epoch)
    status = fails(run, small_library, "epoch 2")
    assert (status.epoch, status.reason) == (1, "diverged")
    assert run.checkpoint("last").exists(), "the last good checkpoint stays"
    monkeypatch.undo()
    store.resume(run, queue=False)
    status = train(run, small_library)
    assert (status.state, status.reason) == ("finished", "")


def test_a_missing_data_set_is_named(store: RunStore, small: Dataset, tmp_path: Path) -> None:
    status = fails(new_run(store, small), Library(tmp_path / "empty"), "no data set 'tiny'")
    assert status.reason == ""


@pytest.mark.parametrize("what", ["the images", "the split"])
def test_a_resume_on_other_data_is_refused(
    store: RunStore, small: Dataset, small_library: Library, tmp_path: Path, what: str
) -> None:
    run = new_run(store, small)
    train(run, small_library)
    before = rows(run)
    other = Library(tmp_path / "data")
    other.import_dataset(
        ShapesSource(classes=2, images=24, image_size=28, seed=1 if what == "the images" else 0),
        tiny.DATASET,
        ImportOptions(seed=1 if what == "the split" else 0),
    )
    store.extend(run, 1, queue=False)
    status = fails(run, other, "is not the one that it was when it began")
    assert rows(run) == before
    assert status.epoch == 3
    store.resume(run, queue=False)
    assert train(run, small_library).state == "finished"


@pytest.mark.parametrize("content", [b"{", b'{"version": 9}', b'{"epochs": 0}', b"\xff"])
def test_a_damaged_recipe_fails_the_run_only(
    store: RunStore, small: Dataset, small_library: Library, content: bytes
) -> None:
    run = new_run(store, small)
    (run.folder / "recipe.json").write_bytes(content)
    fails(run, small_library, "")


def test_a_damaged_checkpoint_is_named(store: RunStore, small: Dataset, small_library: Library) -> None:
    run = new_run(store, small)
    train(run, small_library)
    run.state_path.write_bytes(run.state_path.read_bytes()[:1000])
    before = rows(run)
    store.extend(run, 1, queue=False)
    fails(run, small_library, "last.state")
    assert rows(run) == before


def test_a_device_that_is_gone_is_named(store: RunStore, small: Dataset, small_library: Library) -> None:
    fails(new_run(store, small, device="cuda:99"), small_library, "cuda:99")


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_an_unexpected_error_is_a_sentence_and_a_traceback_in_the_log(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "load_images", raises(ZeroDivisionError("secret detail")))
    run = new_run(store, small)
    status = fails(run, small_library, "An unexpected error ended the run (ZeroDivisionError)")
    assert "secret detail" not in status.message
    assert "Traceback" in (run.folder / "train.log").read_text()
    monkeypatch.undo()
    store.resume(run, queue=False)
    assert train(run, small_library).state == "finished"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_out_of_memory_names_a_smaller_batch(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(training_module, "load_images", raises(error))
    status = fails(new_run(store, small), small_library, "out of memory at batch size 8")
    assert "batch size 4" in status.hint


class _Disk:
    """A disk that is full from its n-th flush on."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number

    def __call__(self, descriptor: int) -> None:
        self.room -= 1
        if self.room == 0:
            raise OSError(self.number, "No space left on device")


def test_a_full_disk_stops_the_run_with_its_last_checkpoint_whole(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full at each of the flushes in turn: always stopped, never half an epoch, and resumable."""
    whole = new_run(store, small, epochs=2)
    train(whole, small_library)
    for room in range(3, 34, 3):
        run = new_run(store, small, epochs=2)
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", _Disk(room))
            status = train(run, small_library)
        if status.state == "finished":
            break
        if status.state == "interrupted":
            # Not even the end could be written down; the free lock says it.
            assert "No space" in status.message
            if run.status().state == "finished":
                # Only the folder's flush behind the very last write was refused: all is there.
                assert end(run) == end(whole)
                continue
            assert run.status().state == "interrupted"
            assert not list(run.folder.rglob("*.tmp"))
            store.resume(run, queue=False)
            assert train(run, small_library).state == "finished"
            assert end(run) == end(whole)
            continue
        assert (status.state, status.message) == (
            "stopped",
            "The disk is full; the last checkpoint is whole.",
        )
        assert run.status() == status
        if status.epoch:
            assert read_state(run.state_path).epoch >= status.epoch
            assert status.best
            assert status.best.epoch <= status.epoch
            assert run.checkpoint("best").exists()
            assert run.checkpoint("last").exists()
        assert not list(run.folder.rglob("*.tmp"))
        store.resume(run, queue=False)
        assert train(run, small_library).state == "finished"
        assert end(run) == end(whole), f"full at flush {room}"
    else:
        pytest.fail("the disk was never large enough")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ((), "A file could not be read or written: Input/output error."),
        (("/runs/a/epochs.jsonl",), "A file epochs.jsonl could not be read or written: Input/output error."),
    ],
)
def test_another_error_of_the_disk_is_named_with_its_file(
    store: RunStore,
    small: Dataset,
    small_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    file: tuple[str, ...],
    said: str,
) -> None:
    error = OSError(errno.EIO, "Input/output error", *file)
    monkeypatch.setattr(training_module, "load_images", raises(error))
    fails(new_run(store, small), small_library, said)


def test_one_failed_run_leaves_nothing_that_the_next_one_feels(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean, after = new_run(store, small), new_run(store, small)
    train(clean, small_library)
    with monkeypatch.context() as patch:
        patch.setattr(training_module, "write_state", raises(MemoryError()))
        fails(new_run(store, small), small_library, "out of memory")
    train(after, small_library)
    assert end(after) == end(clean)


def test_a_loss_that_is_no_number_in_val_is_stored_and_read(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training_module.fit

    def without_val_loss(task: Any) -> Any:
        from dataclasses import replace

        for event in real(task):
            yield replace(event, val_loss=float("nan")) if isinstance(event, EpochEnded) else event

    monkeypatch.setattr(training_module, "fit", without_val_loss)
    run = new_run(store, small)
    assert train(run, small_library).state == "finished"
    text = (run.folder / "epochs.jsonl").read_text()
    json.loads(text.splitlines()[0], parse_constant=pytest.fail)
    assert all(row["val/loss"] != row["val/loss"] for row in run.epochs().rows)
    assert run.status().last
    assert store.list()[0].state == "finished"


def test_a_copied_run_folder_is_a_run_elsewhere(
    store: RunStore, small: Dataset, small_library: Library, tmp_path: Path
) -> None:
    """A run is one folder, and nothing outside of it."""
    run = new_run(store, small, epochs=2)
    train(run, small_library)
    other = RunStore(tmp_path / "elsewhere")
    shutil.copytree(run.folder, other.folder / run.id)
    copy = other.get(run.id)
    other.extend(copy, 1, queue=False)
    assert train(copy, small_library).state == "finished"
    store.extend(run, 1, queue=False)
    train(run, small_library)
    assert end(copy) == end(run)


def test_the_auto_precision_is_said(store: RunStore, small: Dataset, small_library: Library) -> None:
    run = new_run(store, small, precision="auto", epochs=1)
    status = train(run, small_library)
    assert status.state == "finished"
    compute: Compute = training_module.resolve_compute("cpu", "auto")
    assert (status.device, status.precision) == (compute.name, compute.reason)


def test_what_the_loop_has_to_say_stands_in_the_status_and_in_the_log(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = training_module.fit

    def telling(task: Any) -> Any:
        yield Notice("No CUDA graph: it failed.")
        yield from real(task)

    run = new_run(store, small, epochs=1)
    monkeypatch.setattr(training_module, "fit", telling)
    assert train(run, small_library).notices == ["No CUDA graph: it failed."]
    assert "No CUDA graph: it failed." in (run.folder / "train.log").read_text()
    monkeypatch.undo()
    store.extend(run, 1, queue=False)
    assert train(run, small_library).notices == [], "another sitting may compute otherwise"


def test_a_damaged_row_costs_no_checkpoint(store: RunStore, small: Dataset, small_library: Library) -> None:
    run = new_run(store, small)
    train(run, small_library)
    best, before = run.status().best, rows(run)
    assert best is not None
    path = run.folder / "epochs.jsonl"
    lines = path.read_text().splitlines()
    lines[best.epoch - 1] = '{"epoch": "?"}'
    path.write_text("\n".join(lines) + "\n")
    store.extend(run, 1, queue=False)
    status = train(run, small_library)
    assert rows(run)[:3] == before
    assert status.best is not None
    if status.best.epoch != 4:
        assert status.best == best
    assert run.epoch_path(status.best.epoch).exists()


def test_a_waiting_run_does_not_train_on_data_that_took_its_name(
    store: RunStore, small: Dataset, small_library: Library, tmp_path: Path
) -> None:
    run = new_run(store, small)
    other = Library(tmp_path / "data")
    other.import_dataset(
        ShapesSource(classes=2, images=24, image_size=28, seed=1), tiny.DATASET, ImportOptions()
    )
    fails(run, other, "is not the one that it was when it was launched")


@pytest.mark.parametrize("state", ["stopped", "finished", "failed"])
def test_only_a_queued_run_is_trained(
    store: RunStore, small: Dataset, small_library: Library, state: State
) -> None:
    run = new_run(store, small)
    with owned(run) as status:
        status.state = state
    with pytest.raises(NotQueued, match=state):
        train(run, small_library)
    assert rows(run) == []
    assert run.status().state == state


def test_a_broken_gpu_leaves_the_run_to_be_resumed_and_ends_the_devices_queue(
    store: RunStore, small: Dataset, small_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(store, small)
    with broken_gpu(monkeypatch), pytest.raises(DeviceBroken):
        train(run, small_library)
    status = run.status()
    assert (status.state, "Restart the app" in status.hint) == ("interrupted", True)
    store.resume(run, queue=False)
    assert train(run, small_library).state == "finished"
