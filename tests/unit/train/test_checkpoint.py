"""Two kinds of files, both whole or absent, both told from anything else."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core.errors import Damaged, NotFound
from core.files import to_json
from core.train import (
    Card,
    Resume,
    checkpoint,
    read_card,
    read_checkpoint,
    read_state,
    read_state_rows,
    write_checkpoint,
    write_state,
    write_tensors,
)
from tests.unit import tiny


def card(**changes: Any) -> Card:
    values: dict[str, Any] = {
        "run": "run-1",
        "epoch": 2,
        "val_accuracy": 0.5,
        "recipe": tiny.recipe().model_dump(mode="json"),
        "classes": ("Größe", "b\n", "日本"),
        "mean": (0.1, 0.2, 0.3),
        "std": (0.4, 0.5, 0.6),
        "image_size": 28,
        "channels": 3,
        "resize": "crop",
        "dataset": "tiny",
        "dataset_fingerprint": "f" * 64,
    }
    return Card(**(values | changes))


def tensors(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "conv.weight": torch.randn(4, 3, 3, 3, generator=generator),
        "bn.num_batches_tracked": torch.tensor(7),
        "head.bias": torch.randn(4, generator=generator),
    }


def resume() -> Resume:
    row = {"val/accuracy": 0.1, "val/loss": math.nan, "train/loss": 2 / 3}
    optimizer = {"0.momentum_buffer": torch.ones(4, 3, 3, 3), "2.step": torch.tensor(5.0)}
    return Resume(epoch=2, weights=tensors(1), optimizer=optimizer, history=[row, {**row, "val/loss": 0.3}])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run-1" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_a_checkpoint_comes_back_to_the_bit(folder: Path) -> None:
    path = folder / "epoch-0002.safetensors"
    write_checkpoint(path, card(), tensors(0))
    found, weights = read_checkpoint(path)
    assert found == card()
    assert tiny.digest(weights) == tiny.digest(tensors(0))
    assert read_card(path) == card()
    assert found.parsed_recipe() == tiny.recipe()
    assert [file.name for file in folder.iterdir()] == [path.name]


def test_a_state_comes_back_to_the_bit(folder: Path) -> None:
    path = folder / "last.state"
    write_state(path, card(), resume())
    found = read_state(path)
    assert found.epoch == 2
    assert tiny.digest(found.weights) == tiny.digest(tensors(1))
    assert tiny.digest(found.optimizer) == tiny.digest(resume().optimizer)
    assert math.isnan(found.history[0]["val/loss"])
    assert found.history[1] == resume().history[1]


ROWS = [{"epoch": epoch, "val/loss": "nan", "note": "ß"} for epoch in (1, 2)]


def test_the_epochs_rows_come_back_with_a_state(folder: Path) -> None:
    path = folder / "last.state"
    write_state(path, card(), resume(), ROWS)
    assert read_state_rows(path) == ROWS
    write_state(path, card(), resume())
    assert read_state_rows(path) == []


def old_state(path: Path, *, sums: bool) -> None:
    """A state as an older Plateau wrote it: history and rows in the header, before that no checksums."""
    held = {f"weights/{name}": tensor for name, tensor in tensors(1).items()}
    texts = {
        "card": to_json(card().model_dump()),
        "history": to_json(resume().history),
        "rows": to_json(ROWS),
    }
    if sums:
        texts["tensor_crc32"] = to_json({name: checkpoint._tensor_sum(held[name]) for name in held})
        texts["text_crc32"] = str(checkpoint._text_sum(texts))
    write_tensors(path, held, texts)


@pytest.mark.parametrize("sums", [True, False])
def test_a_state_of_an_older_plateau_is_read(folder: Path, sums: bool) -> None:
    path = folder / "last.state"
    old_state(path, sums=sums)
    assert read_state(path).history[1] == resume().history[1]
    assert read_state_rows(path) == ROWS
    path.write_bytes(path.read_bytes().replace(rb"0.6666666666666666", rb"0.6666666666666667"))
    if sums:
        with pytest.raises(Damaged, match="checksum"):
            read_state(path)


def test_a_states_header_does_not_grow_with_the_epochs(folder: Path) -> None:
    """safetensors refuses one of 100 MB, and a run of so many epochs would fail for ever."""
    path, sizes = folder / "last.state", []
    for epochs in (100, 10_000):
        history = resume().history[1:] * epochs
        state = Resume(epoch=epochs, weights=tensors(1), optimizer={}, history=history)
        write_state(path, card(epoch=epochs), state, ROWS[:1] * epochs)
        assert len(read_state(path).history) == len(read_state_rows(path)) == epochs
        (size,) = struct.unpack("<Q", path.read_bytes()[:8])
        sizes.append(size)
    assert sizes[1] < sizes[0] + 100


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[" * 100_000, b'{"epoch": 1}', b"[1]", b"[[]]"],
    ids=lambda content: str(content[:12]),
)
def test_a_state_whose_rows_or_history_are_none_is_damaged(folder: Path, content: bytes) -> None:
    """Of somebody who can count: the checksums fit."""
    path = folder / "last.state"
    grown = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    held = tensors(1) | {"json/history": grown, "json/rows": grown.clone()}
    checkpoint._write(path, held, card())
    with pytest.raises(Damaged, match="history of its epochs"):
        read_state(path)
    with pytest.raises(Damaged, match="does not hold its epochs"):
        read_state_rows(path)


def test_rows_in_numbers_that_numpy_lacks_are_damaged(folder: Path) -> None:
    path = folder / "last.state"
    checkpoint._write(path, {"json/rows": torch.zeros(2, dtype=torch.bfloat16)}, card())
    with pytest.raises(Damaged, match="does not hold its epochs"):
        read_state_rows(path)


def test_a_predictor_can_read_the_weights_of_a_state(folder: Path) -> None:
    write_state(folder / "last.state", card(), resume())
    found, weights = read_checkpoint(folder / "last.state")
    assert found.epoch == 2
    assert tiny.digest(weights) == tiny.digest(tensors(1)), "and none of the optimizer's tensors"


def test_a_failing_write_keeps_the_old_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "last.state"
    write_state(path, card(), resume())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_state(path, card(epoch=1), resume())
    assert path.read_bytes() == before
    assert [file.name for file in folder.iterdir()] == [path.name]


READERS = pytest.mark.parametrize("read", [read_checkpoint, read_card, read_state], ids=lambda f: f.__name__)


@READERS
def test_a_missing_checkpoint_names_file_and_run(folder: Path, read: Any) -> None:
    with pytest.raises(NotFound, match=r"epoch-0009\.safetensors in run run-1"):
        read(folder / "epoch-0009.safetensors")


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.1, 0.3, 0.6, 0.9, 0.9999])
@pytest.mark.parametrize("read", [read_checkpoint, read_state], ids=lambda f: f.__name__)
def test_a_truncated_file_is_damaged(folder: Path, read: Any, share: float) -> None:
    path = folder / "last.state"
    write_state(path, card(), resume())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Damaged, match=r"last\.state of run run-1 is damaged"):
        read(path)


def _absurd_header() -> bytes:
    return struct.pack("<Q", 2**62) + b"{}"


@READERS
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x80\x02}q\x00.",
        b"PK\x03\x04" + b"\0" * 40,
        b"\0" * 64,
        b"\xff" * 64,
        _absurd_header(),
    ],
    ids=["empty", "text", "a pickle", "a PyTorch archive", "zeros", "ones", "an absurd header"],
)
def test_a_foreign_file_is_damaged(folder: Path, read: Any, content: bytes) -> None:
    path = folder / "epoch-0001.safetensors"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"epoch-0001\.safetensors"):
        read(path)


@READERS
def test_a_folder_in_its_place_is_damaged(folder: Path, read: Any) -> None:
    (folder / "last.state").mkdir()
    with pytest.raises(Damaged, match=r"last\.state"):
        read(folder / "last.state")


@READERS
def test_a_link_in_its_place_is_damaged(folder: Path, read: Any) -> None:
    write_state(folder / "other", card(), resume())
    (folder / "last.state").symlink_to(folder / "other")
    with pytest.raises(Damaged, match=r"last\.state"):
        read(folder / "last.state")


@READERS
@pytest.mark.parametrize(
    "metadata",
    [None, {"format": "pt"}, {"card": "{"}, {"card": "[]"}, {"card": '{"epoch": 1}'}, {"card": "3"}],
    ids=str,
)
def test_safetensors_of_somebody_else_are_told_apart(folder: Path, read: Any, metadata: Any) -> None:
    path = folder / "epoch-0001.safetensors"
    save_file({"weights/a": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(Damaged, match=r"epoch-0001\.safetensors"):
        read(path)


@pytest.mark.parametrize(
    "history", [None, "x", [], [1, 2], [{"a": "b"}] * 2, [{"a": []}] * 2, {"a": 1}], ids=str
)
def test_a_state_without_its_history_cannot_be_resumed_from(folder: Path, history: Any) -> None:
    """The schedule replays it: without, the learning rate would silently start anew."""
    path = folder / "last.state"
    metadata = {"card": json.dumps(card().model_dump())}
    if history is not None:
        metadata["history"] = json.dumps(history)
    save_file({"weights/a": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(Damaged, match="history of its epochs"):
        read_state(path)


def test_a_checkpoint_of_one_epoch_is_no_state(folder: Path) -> None:
    write_checkpoint(folder / "epoch-0002.safetensors", card(), tensors(0))
    with pytest.raises(Damaged):
        read_state(folder / "epoch-0002.safetensors")
