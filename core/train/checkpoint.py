"""The two kinds of files that keep a network, both safetensors: no pickle, and one rename makes
them whole.

`epoch-0046.safetensors` holds weights under torchvision's own names, and in its header a `Card`:
all that a predictor needs. `last.state` holds the same for the last whole epoch, and what a
resume needs besides: it is one file, so weights and optimizer can never belong to different epochs.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ValidationError

from core.errors import Damaged, NotFound
from core.files import replacing, to_json
from core.recipe import Recipe, recipe_from_draft
from core.train.events import Resume

_WEIGHTS, _OPTIMIZER, _AVERAGED = "weights/", "optimizer/", "averaged/"


class Card(BaseModel):
    """What a checkpoint says of itself."""

    run: str
    epoch: int
    val_accuracy: float
    recipe: dict[str, Any]
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int
    channels: int
    """Channels that the network sees."""
    resize: str
    """How an image of another shape becomes a square: as at the data set's import."""
    dataset: str
    dataset_fingerprint: str

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
    _write(
        path,
        tensors | _with_prefix(resume.optimizer, _OPTIMIZER),
        card,
        history=resume.history,
        rows=list(rows),
    )


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
        history = [{key: float(value) for key, value in row.items()} for row in metadata["history"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        history = []
    if len(history) != card.epoch:
        raise Damaged(f"{path.name} of run {card.run} does not hold the history of its epochs.")
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
    metadata, _ = _read(path, "nothing")
    rows = metadata.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Damaged(f"{path.name} of run {path.parent.parent.name} does not hold its epochs.")
    return rows


def _write(path: Path, tensors: dict[str, torch.Tensor], card: Card, **metadata: Any) -> None:
    from safetensors.torch import save_file  # here: see _read

    metadata["card"] = card.model_dump()
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={key: to_json(value) for key, value in metadata.items()})


def _read(path: Path, prefix: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The metadata, and the tensors whose names start with `prefix`."""
    # Here: the loop alone, as it is measured on a bare GPU machine, does without this library.
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
    except FileNotFoundError as error:
        raise NotFound(f"There is no checkpoint {path.name} in run {path.parent.parent.name}.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise Damaged(f"The checkpoint {path.name} of run {path.parent.parent.name} is damaged.") from error
    return metadata, tensors


def _card(path: Path, metadata: dict[str, Any]) -> Card:
    try:
        return Card.model_validate(metadata.get("card"))
    except ValidationError as error:
        raise Damaged(f"The checkpoint {path.name} does not say what it holds.") from error


def _with_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _without_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
