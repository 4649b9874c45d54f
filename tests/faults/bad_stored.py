"""What is stored, damaged or put there by somebody else: a run's files, checkpoints, answers, a data set."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.classify import compute_for
from core.classify.predictor import Predictor
from core.data.dataset import FILES
from core.runs.answers import read_answers, stored_answers
from core.train import read_checkpoint, read_state
from core.train.checkpoint import read_card, write_checkpoint
from tests.faults.bad_case import Act, Bad, Desk
from tests.faults.bad_run_files import BAD_RUN_FILES
from tests.unit import tiny


def _weights(change: Callable[[bytes], bytes], read: Callable[[Path], object]) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        path = desk.run.state_path
        path.write_bytes(change(path.read_bytes()))
        return lambda: read(path)

    return make


def _flip(content: bytes, tensor: str = "json/rows") -> bytes:
    """One bit of one tensor is another."""
    (size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    at = 8 + size + header[next(name for name in header if name.startswith(tensor))]["data_offsets"][0]
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def _with_card(**changes: object) -> Callable[[Desk], Act]:
    """A checkpoint of somebody's own, whose card says something else."""

    def make(desk: Desk) -> Act:
        card, weights = read_checkpoint(desk.run.state_path)
        recipe = changes.pop("recipe", None) or card.recipe
        path = desk.run.folder / "checkpoints" / "epoch-0009.safetensors"
        write_checkpoint(path, card.model_copy(update={"recipe": recipe, **changes}), weights)
        return lambda: Predictor.load(path, compute_for(desk.run.recipe(), "cpu"))

    return make


def _other_network() -> dict[str, object]:
    return tiny.recipe(architecture={"kind": "my_net", "blocks": 1, "width": 8}).model_dump(mode="json")


def _dataset(name: str, content: bytes | None) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        path = desk.library.folder / tiny.DATASET / name
        path.write_bytes(path.read_bytes()[:-1] if content is None else content)

        def act() -> None:
            desk.dataset.image_name(0)

        return act

    return make


def _strange(name: str, kind: str) -> Callable[[Desk], Act]:
    """A data set one of whose files is a pipe that nobody writes, or a link to a file outside."""

    def make(desk: Desk) -> Act:
        path = desk.library.folder / tiny.DATASET / name
        outside = desk.file(f"outside-{name}", path.read_bytes())
        path.unlink()
        os.mkfifo(path) if kind == "pipe" else path.symlink_to(outside)
        return lambda: desk.dataset.image_name(0)

    return make


def _answers(content: bytes) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        file = stored_answers(desk.run)[0]
        file.path(desk.run).write_bytes(content)
        return lambda: read_answers(desk.run, file, ("label", "predicted"))

    return make


def _negative_label(desk: Desk) -> Act:
    path = desk.library.folder / tiny.DATASET / "labels.npy"
    labels = np.load(path)
    labels[0] = -1
    np.save(path, labels)
    return lambda: desk.dataset


def _epoch(desk: Desk) -> Act:
    return lambda: desk.run.checkpoint(77)


def _changed_dataset(**changes: object) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        path = desk.library.folder / tiny.DATASET / "dataset.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return lambda: desk.dataset

    return make


_ABSURD = struct.pack("<Q", 2**62) + b"{}"
_PT = b"PK\x03\x04\x00\x00\x08\x08archive/data.pkl"

BAD_STORED = [
    *BAD_RUN_FILES,
    Bad(
        "a cut checkpoint",
        "The checkpoint last.state of run {run} is damaged; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda content: content[:-100], read_checkpoint),
    ),
    Bad(
        "an empty checkpoint",
        "The checkpoint last.state of run {run} is damaged; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda content: b"", read_checkpoint),
    ),
    Bad(
        "a flipped checkpoint",
        "The checkpoint last.state of run {run} is damaged: its checksum does not fit; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda content: _flip(content, "weights/"), read_checkpoint),
    ),
    Bad(
        "a flipped state",
        "The checkpoint last.state of run {run} is damaged: its checksum does not fit; use another epoch's, or resume the run from the epoch before.",
        _weights(_flip, read_state),
    ),
    Bad(
        "a checkpoint of zeros",
        "The checkpoint last.state of run {run} is damaged; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda content: bytes(1000), read_card),
    ),
    Bad(
        "an absurd header",
        "The checkpoint last.state of run {run} is damaged; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda content: _ABSURD, read_checkpoint),
    ),
    Bad(
        "a .pt for a checkpoint",
        "The checkpoint last.state of run {run} is a PyTorch archive (.pt), which may hold programs and is never read; save its weights as safetensors.",
        _weights(lambda content: _PT, read_checkpoint),
    ),
    Bad(
        "an old .pt for a checkpoint",
        "The checkpoint last.state of run {run} is a PyTorch archive (.pt), which may hold programs and is never read; save its weights as safetensors.",
        _weights(lambda content: b"\x80\x02}q\0.", read_checkpoint),
    ),
    Bad(
        "a checkpoint of somebody else",
        "The checkpoint last.state does not say what it holds; use another epoch's, or resume the run from the epoch before.",
        _weights(lambda c: struct.pack("<Q", 2) + b"{}", read_checkpoint),
    ),
    Bad(
        "the wrong architecture",
        "The checkpoint of epoch 2 does not fit its architecture; use another epoch's.",
        _with_card(recipe=_other_network()),
    ),
    Bad(
        "another number of classes",
        "The checkpoint of epoch 2 does not fit its architecture; use another epoch's.",
        _with_card(classes=("a", "b", "c")),
    ),
    Bad(
        "no classes",
        "The checkpoint epoch-0009.safetensors does not say what it holds; use another epoch's, or resume the run from the epoch before.",
        _with_card(classes=()),
    ),
    Bad(
        "channels that do not fit",
        "The checkpoint epoch-0009.safetensors does not say what it holds; use another epoch's, or resume the run from the epoch before.",
        _with_card(channels=1),
    ),
    Bad(
        "a card's image size of a million",
        "The checkpoint epoch-0009.safetensors does not say what it holds; use another epoch's, or resume the run from the epoch before.",
        _with_card(image_size=10**6),
    ),
    Bad(
        "a card's std of zero",
        "The checkpoint epoch-0009.safetensors does not say what it holds; use another epoch's, or resume the run from the epoch before.",
        _with_card(std=(0.0, 0.0, 0.0)),
    ),
    Bad(
        "an epoch that is not kept",
        "Run {run} keeps no checkpoint of epoch 77; it keeps epoch 1, 2; others are kept by checkpoints.epochs or checkpoints.every.",
        _epoch,
    ),
    Bad(
        "damaged answers",
        "predictions/val-0002.safetensors of run {run} is damaged; evaluate this checkpoint again.",
        _answers(b"x" * 50),
    ),
    Bad(
        "answers with an absurd header",
        "predictions/val-0002.safetensors of run {run} is damaged; evaluate this checkpoint again.",
        _answers(_ABSURD),
    ),
    Bad(
        "a data set's description of zeros",
        "dataset.json of tiny is damaged and cannot be read; import it again.",
        _dataset("dataset.json", bytes(20)),
    ),
    Bad(
        "a data set's pixels cut",
        "images.u8 of the data set tiny has the wrong size; import it again.",
        _dataset("images.u8", None),
    ),
    Bad(
        "a data set's labels of somebody else",
        "labels.npy of the data set tiny cannot be read; import it again.",
        _dataset("labels.npy", b"\x93NUMPY\x01\0v\0{'descr': (((("),
    ),
    Bad(
        "a data set's labels as objects",
        "labels.npy of the data set tiny cannot be read; import it again.",
        _dataset("labels.npy", np.array([None] * 24).dumps()),
    ),
    Bad(
        "a data set's names cut",
        "names.utf8 of the data set tiny has the wrong size; import it again.",
        _dataset("names.utf8", None),
    ),
    Bad(
        "a newer data set",
        "The data set tiny was made by a newer version of Plateau; import it again.",
        _changed_dataset(version=2),
    ),
    Bad(
        "a data set with a label below 0",
        "Labels and split of the data set tiny do not fit; import it again.",
        _negative_label,
    ),
    Bad(
        "a data set of negative size",
        "dataset.json of the data set tiny does not hold what it should; import it again.",
        _changed_dataset(image_size=-28),
    ),
]
BAD_STORED += [
    Bad(
        f"a data set's {name} that is a {kind}",
        "dataset.json of tiny is damaged and cannot be read; import it again."
        if name == "dataset.json"
        else f"{name} of the data set tiny is no file that can be read; import it again.",
        _strange(name, kind),
    )
    for name in FILES
    for kind in ("pipe", "link")
]
