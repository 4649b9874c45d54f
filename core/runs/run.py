"""One run: a folder, and what can be read from it or asked of it."""

import re
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadInput, Damaged, NotFound, shown
from core.files import read_json, read_small, write_json
from core.recipe import Recipe, recipe_from_draft
from core.recipe.validation import migrate
from core.runs.lock import hold, is_held
from core.runs.rows import START, Cursor, RowsRead, read_rows
from core.runs.status import ACTIVE, REMEDY, State, Status, check_no_link, read_status

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
CheckpointChoice = Literal["best", "last"] | int


def no_such_run(run_id: str) -> str:
    """What to say where there is no run of this id."""
    return f"There is no run '{shown(run_id)}'; Compare and `python -m core runs` list them all."


class Notes(BaseModel):
    """notes.json: what a person wrote about a run."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field("", max_length=200)
    hypothesis: str = Field("", max_length=5_000)
    note: str = Field("", max_length=50_000)
    tags: tuple[str, ...] = ()
    star: bool = False

    @classmethod
    def of(cls, **written: Any) -> "Notes":
        """Notes as somebody gives them. Raises BadInput for a text that is too long."""
        try:
            return cls.model_validate(written)
        except ValidationError as error:
            found = error.errors()[0]
            if found["type"] != "string_too_long":
                raise
            field, most = ".".join(map(str, found["loc"])), found["ctx"]["max_length"]
            rule = f"must have at most {most:,} characters"
            raise BadInput.at(field, found["input"], rule, "shorten it") from error


class Look(BaseModel):
    """One evaluation of a checkpoint on a split, as somebody asked for it."""

    at: str
    split: Literal["val", "test"]
    checkpoint_epoch: int
    images: int
    accuracy: float
    loss: float
    averaged: bool = False
    """Whether the average of the weights (EMA) was evaluated."""
    tta_views: int | None = None
    tta_accuracy: float | None = None
    fixed: int | None = None
    broken: int | None = None


@dataclass(frozen=True)
class Run:
    """A run's folder. Nothing is kept in memory: every call reads what is there now."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def lock_path(self) -> Path:
        return self.folder / "lock"

    @property
    def state_path(self) -> Path:
        """last.state: the last whole epoch, with all that a resume needs."""
        return self.folder / "checkpoints" / "last.state"

    @contextmanager
    def locked(self, busy: str, *, wait_s: float = 2.0, name: str = "lock") -> Iterator[None]:
        """Hold the run's lock (or, by `name`, another one of its folder).

        Raises Busy with the sentence `busy`, NotFound where the run was deleted, Damaged where the lock or
        the folder is a link.
        """
        check_no_link(self.folder)
        if (self.folder / name).is_symlink():
            raise Damaged(f"Run {self.id} holds the link '{name}', which may lead anywhere; remove it.")
        with hold(self.folder / name, wait_s=wait_s, busy=busy):
            if all(path.name == name for path in self.folder.iterdir()):
                # Deleted a moment ago: what the lock itself brought back goes again.
                (self.folder / name).unlink(missing_ok=True)
                with suppress(OSError):
                    self.folder.rmdir()
                raise NotFound(no_such_run(self.id))
            yield

    def is_alive(self) -> bool:
        """Whether somebody trains it right now, in whatever process."""
        return is_held(self.lock_path)

    def status(self) -> Status:
        """The status, with the true state: a 'running' run that nobody holds was interrupted.

        Raises Damaged.
        """
        status = read_status(self.folder)
        if status.state in ACTIVE and not self.is_alive():
            # Perhaps it ended between the two looks.
            status = read_status(self.folder)
            if status.state in ACTIVE:
                status.state = "interrupted"
                status.message = f"It was interrupted after epoch {status.epoch}: its process is gone."
                status.hint = "Resume it: it goes on from its last whole epoch."
                status.live = None
        return status

    def recipe(self) -> Recipe:
        """The recipe as it was launched. Raises Damaged."""
        try:
            return recipe_from_draft(migrate(self.stored_recipe()))
        except BadInput as error:
            raise Damaged(f"recipe.json of run {self.id} cannot be used: {error}") from error

    def check_recipe(self, status: Status) -> None:
        """Whether recipe.json is readable JSON, and to the byte as the run was launched with: a changed
        digit would train another run. Raises Damaged."""
        self.stored_recipe()
        path = self.folder / "recipe.json"
        if status.recipe_crc32 is not None and zlib.crc32(read_small(path)) != status.recipe_crc32:
            raise Damaged(
                f"recipe.json of {self.id} is not as it was when the run was launched: its checksum does not "
                f"fit; {REMEDY}."
            )

    def stored_recipe(self) -> dict[str, Any]:
        """What recipe.json holds, whether or not this Plateau can use it. Raises Damaged."""
        try:
            return read_json(self.folder / "recipe.json", REMEDY)
        except FileNotFoundError as error:
            raise Damaged(f"Run {self.id} has no recipe.json; {REMEDY}.") from error

    def notes(self) -> Notes:
        """What a person wrote; empty where nothing was, or where it cannot be read."""
        return self.read_notes()[0]

    def read_notes(self) -> tuple[Notes, str]:
        """What a person wrote, and why it cannot be read; '' where it can, or where nothing was written."""
        try:
            return Notes.model_validate(read_json(self.folder / "notes.json")), ""
        except FileNotFoundError:
            return Notes(), ""
        except Damaged as error:
            return Notes(), f"Name, tags and notes are not shown: {error}"
        except ValidationError:
            return Notes(), (
                f"Name, tags and notes are not shown: notes.json of {self.id} does not hold what it should; "
                "put back a copy of it."
            )

    def write_notes(self, **changes: Any) -> Notes:
        """Change some of the notes, keeping the others. What cannot be read is put aside, not lost.

        Raises BadInput for a text that is too long.
        """
        with self._notes_locked():
            path = self.folder / "notes.json"
            try:
                Notes.model_validate(read_json(path))
            except FileNotFoundError:
                pass
            except (Damaged, ValidationError):
                path.replace(path.with_name(f"notes.json.damaged-{time.time_ns()}"))
            notes = Notes.of(**self.notes().model_dump() | changes)
            write_json(path, notes.model_dump(mode="json"))
        return notes

    def _notes_locked(self) -> AbstractContextManager[None]:
        busy = f"The notes of run {self.id} are being written; try again."
        return self.locked(busy, name=".notes.lock")

    def display_name(self) -> str:
        """The name that a person gave, else what it is and its number: 'my_net 12'."""
        with suppress(Damaged):
            return RunEntry(self, self.notes(), self.status()).name
        return self.notes().name or self.id

    def epochs(self, cursor: Cursor = START, most_bytes: int | None = None) -> RowsRead:
        """Rows of epochs.jsonl from `cursor` on; with `most_bytes` about so many bytes of them."""
        return read_rows(self.folder / "epochs.jsonl", cursor, most_bytes)

    def steps(self, cursor: Cursor = START) -> RowsRead:
        """Rows of steps.jsonl from `cursor` on."""
        return read_rows(self.folder / "steps.jsonl", cursor)

    def looks(self) -> list[Look]:
        """Every evaluation that somebody asked for, oldest first, as far as they can be read."""
        return self.read_looks()[0]

    def read_looks(self) -> tuple[list[Look], str]:
        """The same, and why how often somebody looked is not known; '' where it is."""
        try:
            stored = self._stored_looks()
        except Damaged as error:
            return [], f"How often it was evaluated is not known: {error}"
        found = []
        for item in stored:
            with suppress(ValidationError):
                found.append(Look.model_validate(item))
        lost = len(stored) - len(found)
        if not lost:
            return found, ""
        return found, (
            f"{lost} of the {len(stored)} evaluations in evaluations.json of {self.id} cannot be read; put "
            "back a copy of it."
        )

    def _stored_looks(self) -> list[Any]:
        try:
            looks = read_json(self.folder / "evaluations.json").get("looks", [])
        except FileNotFoundError:
            return []
        if not isinstance(looks, list):
            said = f"evaluations.json of {self.id} does not hold what it should; put back a copy of it."
            raise Damaged(said)
        return looks

    def add_look(self, look: Look) -> None:
        """Remember an evaluation beside the others. Raises Damaged where those cannot be read:
        a look that is forgotten would make the next one pass for the first."""
        with self._notes_locked():
            looks = [*self._stored_looks(), look.model_dump()]
            write_json(self.folder / "evaluations.json", {"looks": looks})

    def checkpoint_epochs(self) -> list[int]:
        """Epochs whose weights are kept, the last one apart."""
        names = (path.stem for path in (self.folder / "checkpoints").glob("epoch-*.safetensors"))
        return sorted(int(name[6:]) for name in names if name[6:].isdecimal())

    def epoch_path(self, epoch: int) -> Path:
        """Where the weights of an epoch are kept."""
        return self.folder / "checkpoints" / f"epoch-{epoch:04d}.safetensors"

    def checkpoint(self, which: CheckpointChoice) -> Path:
        """The file of a checkpoint: 'best', 'last' or an epoch. Raises NotFound."""
        status = self.status()
        if status.epoch == 0:
            raise NotFound(f"Run {self.id} has no checkpoint yet: no epoch is done; train it first.")
        epoch: int = status.epoch
        if which == "best":
            epoch = status.best.epoch if status.best else status.epoch
        elif which != "last":
            epoch = which
        if self.epoch_path(epoch).exists():
            return self.epoch_path(epoch)
        if epoch == status.epoch and self.state_path.exists():
            return self.state_path
        kept = sorted({*self.checkpoint_epochs(), status.epoch})
        raise NotFound(
            f"Run {self.id} keeps no checkpoint of epoch {epoch}; it keeps epoch "
            f"{', '.join(map(str, kept))}; others are kept by checkpoints.epochs or checkpoints.every."
        )

    def ask_to_stop(self, when: Literal["after_epoch", "now"]) -> None:
        """Leave the trainer a request; it looks a few times a second."""
        write_json(self.folder / "control.json", {"stop": when}, durable=False)

    def stop_request(self) -> str | None:
        """What was asked: 'after_epoch', 'now' or nothing."""
        try:
            stop = read_json(self.folder / "control.json").get("stop")
        except (FileNotFoundError, Damaged):
            return None
        return stop if stop in ("after_epoch", "now") else None

    def size_bytes(self) -> int:
        """What a deletion frees."""
        size = 0
        for path in self.folder.rglob("*") if not self.folder.is_symlink() else ():
            # A training run replaces its files all the time.
            with suppress(FileNotFoundError):
                found = path.lstat()
                size += found.st_size if stat.S_ISREG(found.st_mode) else 0
        return size


@dataclass(frozen=True)
class RunEntry:
    """A run as a list shows it; `damaged` is a sentence where its folder cannot be read, or its recipe,
    without which there still is a status."""

    run: Run
    notes: Notes
    status: Status | None
    damaged: str = ""
    lost: tuple[str, ...] = ()
    """A sentence for notes and for evaluations that cannot be read; the run can be used without them."""

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def name(self) -> str:
        """The name that a person gave, else what it is and its number: 'my_net 12'."""
        if self.notes.name or self.status is None:
            return self.notes.name or self.run.id
        return f"{self.status.architecture} {self.status.color + 1}"

    @property
    def state(self) -> State | Literal["damaged"]:
        return self.status.state if self.status and not self.damaged else "damaged"
