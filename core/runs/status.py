"""The small file that says where a run stands."""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import Damaged, shown
from core.files import Durable, read_json, to_json, write_text

State = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "interrupted"]
ACTIVE: tuple[State, ...] = ("running", "stopping")
RESUMABLE: tuple[State, ...] = ("stopped", "interrupted", "failed")
Reason = Literal["", "diverged"]
"""What ended a run, where something goes by it; a message is for people, and its wording may change."""
REMEDY = "put back a copy of it, or delete the run"
"""What to do about a run's file that is damaged or gone."""

Epoch = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""Bounded, for a damaged number becomes a file's name."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Of time or speed: pages put it into words."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

_SUM = "crc32"
"""Beside the fields in status.json: CRC-32 over them. JSON notices no digit that became another."""
_FOLDERS = ("checkpoints", "predictions")
_FILES = frozenset(
    {
        "recipe.json",
        "status.json",
        "notes.json",
        "evaluations.json",
        "control.json",
        "epochs.jsonl",
        "steps.jsonl",
        "lock",
    }
)
"""What must not be a folder. A run does without its log."""


class Best(BaseModel):
    """The epoch with the highest val accuracy."""

    epoch: Epoch
    val_accuracy: Share
    gap: Finite | None = None
    """Clean train accuracy minus val accuracy at that epoch."""


class Last(BaseModel):
    """The last whole epoch."""

    epoch: Epoch
    val_accuracy: Share
    train_accuracy: Share
    clean_train_accuracy: Share
    val_loss: float | None = None
    """May be no number: the network that an epoch left behind need not give one."""
    lr: Finite


class Live(BaseModel):
    """Inside an epoch; replaced about twice a second."""

    epoch: Epoch
    step: int = Field(ge=0, le=10**12)
    steps: int = Field(ge=1, le=10**12)
    phase: str
    train_loss: Finite | None
    train_accuracy: Share
    lr: Finite
    images_per_s: Amount


class Status(BaseModel):
    """status.json: written only by whoever holds the run's lock, replaced in one step."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    state: State
    epoch: Epoch = 0
    """Whole epochs done."""
    epochs: int = Field(ge=1, le=1_000_000_000)
    """Epochs asked for; more than the recipe's where the run was extended."""
    hold_from: Epoch | None = None
    """In an extended run: the epoch whose lr stays, instead of the schedule going on."""
    best: Best | None = None
    last: Last | None = None
    live: Live | None = None
    elapsed_s: Amount = 0.0
    """Time spent in training and evaluation, over all sittings."""
    images_per_s: Amount | None = None
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
    recipe_crc32: int | None = Field(default=None, ge=0, le=2**32 - 1)
    """Of recipe.json as it was written; None in runs of an older Plateau."""
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
    reason: Reason = ""
    """The same as a code; empty in runs of an older Plateau."""

    def is_on(self, dataset_fingerprint: str, split_fingerprint: str) -> bool:
        """Whether these are the images and the split that the run was launched for; a run that does not
        say what these were takes any."""
        mine = (self.dataset_fingerprint, self.split_fingerprint)
        return mine in ((dataset_fingerprint, split_fingerprint), ("", ""))


def read_status(folder: Path) -> Status:
    """The status of the run in `folder`, which must hold nothing but files and folders. Raises Damaged."""
    try:
        _check_parts(folder)
        content = read_json(folder / "status.json", REMEDY)
        stored = content.pop(_SUM, None)
        # As text again, for halves of characters become question marks there.
        text = to_json(content)
        # One without is an older Plateau's; a changed bit must not hide the checksum under another name.
        is_older = stored is None and content.keys() <= Status.model_fields.keys()
        if not is_older and stored != _sum(text):
            raise Damaged(
                f"status.json of run {folder.name} is damaged: its checksum does not fit; put back a copy of "
                f"it, or remove its line {_SUM} to take it as it is."
            )
        return Status.model_validate_json(text)
    except FileNotFoundError as error:
        raise Damaged(f"Run {folder.name} has no status.json; {REMEDY}.") from error
    except (ValidationError, RecursionError) as error:
        said = f"status.json of run {folder.name} does not hold what it should; {REMEDY}."
        raise Damaged(said) from error


def _sum(text: str) -> int:
    return zlib.crc32(text.encode())


def _check_parts(folder: Path) -> None:
    """Damaged where the run is or holds a link, a pipe or the like, or a folder for a file. Its trainer
    appends to its files and removes old ones: in a folder that somebody else made, these might be
    anybody's."""
    check_no_link(folder)
    for inside in ("", *_FOLDERS):
        with suppress(FileNotFoundError), os.scandir(f"{folder}/{inside}") as parts:
            for part in parts:
                if what := _foreign(part, inside):
                    raise Damaged(f"Run {folder.name} holds {what}; remove it, or delete the run.")


def check_no_link(folder: Path) -> None:
    """Damaged where the run's folder is a link."""
    if folder.is_symlink():
        raise Damaged(
            f"Run {folder.name} is a link and was not followed; put the folder itself in its place, or "
            "delete the run, which removes the link alone."
        )


def _foreign(part: "os.DirEntry[str]", inside: str) -> str:
    """What is wrong with a part of a run, `inside` one of its folders or directly in it; else nothing."""
    is_file, is_folder = part.is_file(follow_symlinks=False), part.is_dir(follow_symlinks=False)
    if is_file and (inside or part.name not in _FOLDERS):
        return ""
    if is_folder and (inside or part.name not in _FILES):
        return ""
    name = f"'{shown(f'{inside}/{part.name}' if inside else part.name)}'"
    if part.is_symlink():
        return f"the link {name}, which may lead anywhere"
    if is_file:
        return f"the file {name}, which must be a folder"
    return f"the folder {name}, which must be a file" if is_folder else f"{name}, which is no ordinary file"


def write_status(folder: Path, status: Status, *, durable: Durable = True) -> None:
    """Replace the status in one step; `durable` says what this waits for."""
    write_text(folder / "status.json", status_text(status), durable=durable)


def status_text(status: Status) -> str:
    """What status.json holds: the status and its sum."""
    content = status.model_dump(mode="json")
    return to_json({_SUM: _sum(to_json(content))} | content, indent=1) + "\n"
