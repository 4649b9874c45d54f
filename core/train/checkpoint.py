"""The two kinds of files that keep a network, both safetensors: no pickle, and one rename makes
them whole.

`epoch-0046.safetensors` holds weights under torchvision's own names, and in its header a `Card`:
all that a predictor needs. `last.state` holds the same for the last whole epoch, and what a
resume needs besides: it is one file, so weights and optimizer can never belong to different epochs.
`previous.state` is the epoch before, for the case that the disk gives the last one back damaged.

Each file carries a CRC-32 per tensor and one of its header's texts: safetensors itself notices a file
that is too short, but no changed bit. Files of an older Plateau have none and are read without.

What grows with the epochs, history and rows, is JSON in tensors of bytes: a header has at most 100 MB,
and is read whole by whoever wants the card. An older Plateau had them in the header.
"""

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationError, model_validator

from core.errors import Damaged, NotFound
from core.files import open_regular, replacing, to_json
from core.recipe import Recipe, recipe_from_draft
from core.train.events import Resume

_INSTEAD = "use another epoch's, or resume the run from the epoch before"
_WEIGHTS, _OPTIMIZER, _AVERAGED, _JSON = "weights/", "optimizer/", "averaged/", "json/"
_TENSOR_SUMS, _TEXT_SUM = "tensor_crc32", "text_crc32"
_TEXTS = {"card", "history", "rows", _TENSOR_SUMS, _TEXT_SUM}
"""Every key that a header of ours has: a changed bit must not hide a checksum under another name."""


class Card(BaseModel):
    """What a checkpoint says of itself."""

    run: str
    epoch: int
    val_accuracy: float
    recipe: dict[str, Any]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int = Field(ge=1, le=4096)
    channels: Literal[1, 3]
    """Channels that the network sees."""
    resize: Literal["crop", "pad", "stretch"]
    """How an image of another shape becomes a square: as at the data set's import."""
    dataset: str
    dataset_fingerprint: str

    @model_validator(mode="after")
    def _fits_together(self) -> "Card":
        """A file that somebody else wrote may say anything."""
        if not self.channels == len(self.mean) == len(self.std):
            raise ValueError("mean and std need a number for each channel")
        if not all(math.isfinite(value) for value in (*self.mean, *self.std)) or min(self.std) <= 0:
            raise ValueError("mean and std must be finite, and std above 0")
        if self.epoch < 0 or not self.classes:
            raise ValueError("there must be an epoch and classes")
        return self

    def parsed_recipe(self) -> Recipe:
        """The recipe, checked. Raises InvalidSettings."""
        return recipe_from_draft(self.recipe)


def write_checkpoint(
    path: Path,
    card: Card,
    weights: dict[str, torch.Tensor],
    averaged: dict[str, torch.Tensor] | None = None,
) -> None:
    """Write weights, averaged ones where there are any, and card to `path` in one step."""
    _write(path, _with_prefix(weights, _WEIGHTS) | _with_prefix(averaged or {}, _AVERAGED), card)


def write_state(path: Path, card: Card, resume: Resume, rows: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write everything that a resume needs to `path` in one step; `rows` are the epochs as a log has
    them, so that the log can be written anew from here."""
    tensors = _with_prefix(resume.weights, _WEIGHTS) | _with_prefix(resume.averaged, _AVERAGED)
    tensors |= _with_prefix(resume.optimizer, _OPTIMIZER)
    grown = {"history": _bytes_of(resume.history), "rows": _bytes_of(list(rows))}
    _write(path, tensors | _with_prefix(grown, _JSON), card)


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], texts: dict[str, str] | None = None) -> None:
    """Write a safetensors file. Raises OSError.

    Through a file of Python's own: safetensors names a full disk by an error of its own without a number,
    and leaves a temporary file of its own behind where it is killed.
    """
    from safetensors.torch import save  # here: see _read

    path.write_bytes(save(tensors, metadata=texts))


def open_tensors(path: Path, framework: Literal["pt", "np"]) -> Any:
    """safetensors' own reader of an ordinary file. Raises FileNotFoundError, OSError, SafetensorError.

    Looked at first: safetensors holds the interpreter while it opens, and so every thread before a pipe.
    """
    from safetensors import safe_open  # here: see _read

    open_regular(path).close()
    return safe_open(path, framework=framework)


def previous_path(path: Path) -> Path:
    """Where the state before the one at `path` is kept."""
    return path.with_name("previous.state")


def keep_previous(path: Path) -> None:
    """Give the state at `path` the second name `previous.state`, so that it outlives its replacement.

    Nothing is copied. Where the disk knows no second names (or has no room for one) the run goes on
    without: it is a precaution.
    """
    with suppress(OSError), replacing(previous_path(path), durable=False) as temporary:
        os.link(path, temporary)


def go_back(path: Path) -> None:
    """Put `previous.state` in the place of a damaged state, keeping both names. Raises NotFound."""
    try:
        with replacing(path) as temporary:
            os.link(previous_path(path), temporary)
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no checkpoint before {path.name} in run {path.parent.parent.name}."
        ) from error


def read_checkpoint(path: Path, *, averaged: bool = False) -> tuple[Card, dict[str, torch.Tensor]]:
    """Card and weights, out of either kind of file; `averaged` gives the averaged weights.

    Raises NotFound (also where there are no averaged weights), Damaged.
    """
    prefix = _AVERAGED if averaged else _WEIGHTS
    metadata, tensors = _read(path, prefix)
    card = _card(path, metadata)
    if averaged and not tensors:
        raise NotFound(f"Run {card.run} kept no average of its weights; its recipe's ema.decay is 0.")
    return card, _without_prefix(tensors, prefix)


def read_card(path: Path) -> Card:
    """The card alone, without reading the weights. Raises NotFound, Damaged."""
    return _card(path, _read(path, "nothing")[0])


def read_state(path: Path) -> Resume:
    """What a resume needs. Raises NotFound, Damaged."""
    metadata, tensors = _read(path, "")
    card = _card(path, metadata)
    try:
        # float: a loss that is no number was stored as the word.
        stored = _grown(metadata, tensors, "history")
        history = [{key: float(value) for key, value in row.items()} for row in stored]
    except (TypeError, ValueError, AttributeError, OverflowError):
        history = []
    if len(history) != card.epoch:
        raise Damaged(f"{path.name} of run {card.run} does not hold the history of its epochs; {_INSTEAD}.")
    return Resume(
        epoch=card.epoch,
        weights=_without_prefix(tensors, _WEIGHTS),
        optimizer=_without_prefix(tensors, _OPTIMIZER),
        history=history,
        averaged=_without_prefix(tensors, _AVERAGED),
    )


def read_state_rows(path: Path) -> list[dict[str, Any]]:
    """The epochs' rows that were written with a state; none where the state has only its history.

    Raises NotFound, Damaged.
    """
    rows = _grown(*_read(path, f"{_JSON}rows"), "rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Damaged(f"{path.name} of run {path.parent.parent.name} does not hold its epochs; {_INSTEAD}.")
    return rows


def _bytes_of(value: Any) -> torch.Tensor:
    """A value's JSON, as a tensor of bytes."""
    return torch.frombuffer(bytearray(to_json(value).encode()), dtype=torch.uint8)


def _grown(metadata: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], name: str) -> Any:
    """History or rows; none where the file has none, None where its bytes are no JSON."""
    if f"{_JSON}{name}" not in tensors:
        return metadata.get(name, [])
    try:
        return json.loads(tensors[f"{_JSON}{name}"].numpy().tobytes())
    except (TypeError, ValueError, RecursionError):  # TypeError: numbers that numpy does not know
        return None


def _write(path: Path, tensors: dict[str, torch.Tensor], card: Card) -> None:
    sums = {name: _tensor_sum(tensor) for name, tensor in tensors.items()}
    texts = {"card": to_json(card.model_dump()), _TENSOR_SUMS: to_json(sums)}
    texts[_TEXT_SUM] = str(_text_sum(texts))
    with replacing(path) as temporary:
        write_tensors(temporary, tensors, texts)


def _read(path: Path, prefix: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The metadata, and the tensors whose names start with `prefix`. Raises NotFound, Damaged."""
    # Here: the loop alone, as it is measured on a bare GPU machine, does without this library.
    from safetensors import SafetensorError

    run = path.parent.parent.name
    try:
        with open_tensors(path, "pt") as file:
            texts, names = file.metadata() or {}, set(file.keys())
            tensors = {name: file.get_tensor(name) for name in sorted(names) if name.startswith(prefix)}
        metadata = {key: json.loads(value) for key, value in texts.items() if key != "format"}
    except FileNotFoundError as error:
        raise NotFound(f"There is no checkpoint {path.name} in run {run}; use another epoch's.") from error
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise Damaged(_unreadable(path)) from error
    if not _sums_fit(texts, metadata, names, tensors):
        raise Damaged(
            f"The checkpoint {path.name} of run {run} is damaged: its checksum does not fit; {_INSTEAD}."
        )
    return metadata, tensors


def _unreadable(path: Path) -> str:
    """Why a file is no checkpoint of ours: PyTorch's own archives are told from damage."""
    said = f"The checkpoint {path.name} of run {path.parent.parent.name} is"
    with suppress(OSError), open_regular(path) as file:
        if file.read(4).startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
            return (
                f"{said} a PyTorch archive (.pt), which may hold programs and is never read; "
                "save its weights as safetensors."
            )
    return f"{said} damaged; {_INSTEAD}."


def _sums_fit(
    texts: Mapping[str, str],
    metadata: Mapping[str, Any],
    names: set[str],
    tensors: Mapping[str, torch.Tensor],
) -> bool:
    """Whether what was read is what was written; true for a file that carries no checksum."""
    if _TENSOR_SUMS not in texts and _TEXT_SUM not in texts:
        return not texts.keys() - _TEXTS - {"format"}
    sums = metadata.get(_TENSOR_SUMS)
    others = {key: text for key, text in texts.items() if key != _TEXT_SUM}
    if metadata.get(_TEXT_SUM) != _text_sum(others) or not isinstance(sums, dict) or sums.keys() != names:
        return False
    return all(sums[name] == _tensor_sum(tensor) for name, tensor in tensors.items())


def _tensor_sum(tensor: torch.Tensor) -> int:
    """CRC-32 over type, shape and bytes."""
    described = zlib.crc32(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return zlib.crc32(flat.numpy().data, described)


def _text_sum(texts: Mapping[str, str]) -> int:
    """CRC-32 over all texts of a header but this sum itself, with their names."""
    return zlib.crc32("".join(f"{key}\n{texts[key]}\n" for key in sorted(texts)).encode())


def _card(path: Path, metadata: dict[str, Any]) -> Card:
    try:
        return Card.model_validate(metadata.get("card"))
    except ValidationError as error:
        raise Damaged(f"The checkpoint {path.name} does not say what it holds; {_INSTEAD}.") from error


def _with_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _without_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
