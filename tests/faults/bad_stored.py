"""A run's own files and a data set's, damaged or put there by somebody else."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.classify import compute_for
from core.classify.predictor import Predictor
from core.errors import Damaged
from core.runs.answers import read_answers, stored_answers
from core.train import read_checkpoint, read_state
from core.train.checkpoint import read_card, write_checkpoint
from tests.faults.bad_case import Act, Bad, Desk
from tests.unit import tiny


def _card(name: str, content: bytes | None) -> Callable[[Desk], Act]:
    """What the list says of a run one of whose files holds this, or is cut to half where it is None."""

    def make(desk: Desk) -> Act:
        path = desk.run.folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)

        def act() -> None:
            desk.run.recipe()
            (entry,) = desk.store.list()
            raise Damaged(entry.damaged)

        return act

    return make


def _without(name: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        (desk.run.folder / name).unlink()
        return lambda: (desk.run.recipe(), desk.run.status())

    return make


def _weights(change: Callable[[bytes], bytes], read: Callable[[Path], object]) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        path = desk.run.state_path
        path.write_bytes(change(path.read_bytes()))
        return lambda: read(path)

    return make


def _flip(content: bytes) -> bytes:
    return content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]


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


def _answers(content: bytes) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        file = stored_answers(desk.run)[0]
        file.path(desk.run).write_bytes(content)
        return lambda: read_answers(desk.run, file, ("label", "predicted"))

    return make


def _linked(desk: Desk) -> Act:
    link = desk.store.folder / "20990101-000000-my-net-link"
    link.symlink_to(desk.run.folder)
    assert [entry.id for entry in desk.store.list()] == [desk.run.id]
    return lambda: desk.store.get(link.name)


def _linked_part(desk: Desk) -> Act:
    (desk.run.folder / "train.log").unlink()
    (desk.run.folder / "train.log").symlink_to(desk.file("outside.txt", b"x"))
    return lambda: desk.store.resume(desk.run)


def _linked_recipe(desk: Desk) -> Act:
    recipe = desk.run.folder / "recipe.json"
    outside = desk.file("outside.json", recipe.read_bytes())
    recipe.unlink()
    recipe.symlink_to(outside)
    return lambda: desk.store.get(desk.run.id).recipe()


def _huge(desk: Desk) -> Act:
    with (desk.run.folder / "status.json").open("wb") as file:
        file.truncate(2**40)
    return lambda: desk.run.status()


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
    Bad(
        "a cut recipe",
        "recipe.json of run {run} cannot be used: The recipe is not valid JSON; give a file that Plateau saved.",
        _card("recipe.json", None),
    ),
    Bad(
        "an empty recipe",
        "recipe.json of run {run} cannot be used: The recipe is not valid JSON; give a file that Plateau saved.",
        _card("recipe.json", b""),
    ),
    Bad(
        "a recipe of zeros",
        "recipe.json of run {run} cannot be used: The recipe is not valid JSON; give a file that Plateau saved.",
        _card("recipe.json", bytes(100)),
    ),
    Bad(
        "a recipe that is no text",
        "recipe.json of run {run} is damaged; put back a copy of it, or delete the run.",
        _card("recipe.json", b"\xff\xfe\xff"),
    ),
    Bad(
        "a newer recipe",
        "recipe.json of run {run} cannot be used: version = 7: this Plateau reads recipes up to version 1; update Plateau.",
        _card("recipe.json", b'{"version": 7}'),
    ),
    Bad(
        "no recipe",
        "Run {run} has no recipe.json; put back a copy of it, or delete the run.",
        _without("recipe.json"),
    ),
    Bad(
        "a cut status",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("status.json", None),
    ),
    Bad(
        "a status of zeros",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _card("status.json", bytes(100)),
    ),
    Bad(
        "a status that is a list",
        "status.json of {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card("status.json", b"[]"),
    ),
    Bad(
        "a status without its state",
        "status.json of run {run} does not hold what it should; put back a copy of it, or delete the run.",
        _card("status.json", b"{}"),
    ),
    Bad(
        "no status",
        "Run {run} has no status.json; put back a copy of it, or delete the run.",
        _without("status.json"),
    ),
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
        _weights(_flip, read_checkpoint),
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
        "a run's folder that is a link",
        "There is no run '20990101-000000-my-net-link'; Compare and `python -m core runs` list them all.",
        _linked,
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
        "a run's folder with a link in it",
        "Run {run} holds the link 'train.log', which may lead anywhere; remove it, or delete the run.",
        _linked_part,
    ),
    Bad(
        "a status of a terabyte",
        "status.json of {run} is damaged and cannot be read; put back a copy of it, or delete the run.",
        _huge,
    ),
    Bad(
        "a recipe that is a link",
        "recipe.json of run {run} is damaged; put back a copy of it, or delete the run.",
        _linked_recipe,
    ),
    Bad(
        "a data set of negative size",
        "dataset.json of the data set tiny does not hold what it should; import it again.",
        _changed_dataset(image_size=-28),
    ),
]
