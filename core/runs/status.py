"""The small file that says where a run stands."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import Damaged, shown
from core.files import Durable, read_json, write_json

State = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "interrupted"]
ACTIVE: tuple[State, ...] = ("running", "stopping")
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")
REMEDY = "put back a copy of it, or delete the run"
"""What to do about a run's file that is damaged or gone."""

Epoch = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""Bounded, for a damaged number becomes a file's name."""


class Best(BaseModel):
    """The epoch with the highest val accuracy."""

    epoch: Epoch
    val_accuracy: float
    gap: float | None = None
    """Clean train accuracy minus val accuracy at that epoch."""


class Last(BaseModel):
    """The last whole epoch."""

    epoch: Epoch
    val_accuracy: float
    train_accuracy: float
    clean_train_accuracy: float
    val_loss: float | None = None
    lr: float


class Live(BaseModel):
    """Inside an epoch; replaced about twice a second."""

    epoch: Epoch
    step: int
    steps: int
    phase: str
    train_loss: float | None
    train_accuracy: float
    lr: float
    images_per_s: float


class Status(BaseModel):
    """status.json: written only by whoever holds the run's lock, replaced in one step."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    state: State
    epoch: Epoch = 0
    """Whole epochs done."""
    epochs: Epoch
    """Epochs asked for; more than the recipe's where the run was extended."""
    hold_from: int | None = None
    """In an extended run: the epoch whose lr stays, instead of the schedule going on."""
    best: Best | None = None
    last: Last | None = None
    live: Live | None = None
    elapsed_s: float = 0.0
    """Time spent in training and evaluation, over all sittings."""
    images_per_s: float | None = None
    created_at: str
    """ISO 8601, UTC."""
    started_at: str | None = None
    ended_at: str | None = None
    dataset: str
    dataset_fingerprint: str = ""
    split_fingerprint: str = ""
    architecture: str
    recipe_fingerprint: str = ""
    """Of all settings but the seed and where it computes; empty in runs of an older Plateau."""
    seed: int | None = None
    """The recipe's; None in runs of an older Plateau."""
    device: str = ""
    precision: str = ""
    notices: list[str] = []
    """What a person should know about how the last sitting computed."""
    environment: dict[str, str] = {}
    parent: str | None = None
    """The run that this one was cloned from."""
    color: int = 0
    """Which colour of the palette is the run's, wherever it is drawn; runs made in a row differ."""
    message: str = ""
    """One sentence for a person: why it stopped or failed."""
    hint: str = ""
    """What to do about it."""

    def is_on(self, dataset_fingerprint: str, split_fingerprint: str) -> bool:
        """Whether these are the images and the split that the run was launched for; a run that does not
        say what these were takes any."""
        mine = (self.dataset_fingerprint, self.split_fingerprint)
        return mine in ((dataset_fingerprint, split_fingerprint), ("", ""))


def read_status(folder: Path) -> Status:
    """The status of the run in `folder`, which must hold nothing but files and folders. Raises Damaged."""
    try:
        _check_parts(folder)
        content: Any = read_json(folder / "status.json", REMEDY)
        return Status.model_validate(content)
    except FileNotFoundError as error:
        raise Damaged(f"Run {folder.name} has no status.json; {REMEDY}.") from error
    except ValidationError as error:
        said = f"status.json of run {folder.name} does not hold what it should; {REMEDY}."
        raise Damaged(said) from error


def _check_parts(folder: Path) -> None:
    """Damaged where the run holds a link, a pipe or the like. Its trainer appends to its files and removes
    old ones: in a folder that somebody else made, these might be anybody's."""
    with os.scandir(folder) as parts:
        for part in parts:
            if part.is_symlink():
                what = f"the link '{shown(part.name)}', which may lead anywhere"
            elif not part.is_file(follow_symlinks=False) and not part.is_dir(follow_symlinks=False):
                what = f"'{shown(part.name)}', which is no ordinary file"
            else:
                continue
            raise Damaged(f"Run {folder.name} holds {what}; remove it, or delete the run.")


def write_status(folder: Path, status: Status, *, durable: Durable = True) -> None:
    """Replace the status in one step; `durable` says what this waits for."""
    write_json(folder / "status.json", status.model_dump(mode="json"), durable=durable)
