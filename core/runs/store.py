"""All runs: a folder of folders. A new run, the list, deletion, export, and what stop, resume and extend
make of a run."""

import logging
import os
import secrets
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from core.data import DatasetInfo
from core.errors import BadInput, Busy, Damaged, NotFound, PlateauError
from core.files import read_json, sync_files, sync_folder, to_json, write_json, write_new
from core.recipe import Recipe, recipe_fingerprint
from core.runs.ids import free_id
from core.runs.index import RunIndex, read_entry
from core.runs.lock import hold
from core.runs.names import find_run
from core.runs.order import Order
from core.runs.run import RUN_ID, Notes, Run, RunEntry, no_such_run
from core.runs.status import ACTIVE, RESUMABLE, Status, read_status, status_text, write_status
from core.spec import kind_of, settings_of

DEVICE_BUSY = "The device is in use."
_TOKEN_S = 7 * 86_400.0
"""No second click comes so late."""

_log = logging.getLogger("plateau.queue")


def _first_status(recipe: Recipe, dataset: DatasetInfo, parent: str | None) -> Status:
    """What a run's status says when it is made."""
    return Status(
        state="queued",
        epochs=recipe.epochs,
        created_at=now(),
        dataset=recipe.data.name,
        dataset_fingerprint=dataset.fingerprint,
        split_fingerprint=dataset.split_fingerprint,
        architecture=kind_of(recipe.architecture),
        recipe_fingerprint=recipe_fingerprint(recipe),
        seed=recipe.seed,
        device=recipe.device,
        parent=parent,
    )


def now() -> str:
    """The time as stored everywhere: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


# RunStore has a method `list`, inside of which the type cannot be named.
Runs = list[Run]
Entries = list[RunEntry]


@dataclass(frozen=True)
class RunStore:
    """The runs in one folder. Several processes may use one folder at the same time."""

    folder: Path
    index: RunIndex | None = field(default=None, compare=False, repr=False)
    """What remembers the listing between two calls, where a program lists often."""

    @property
    def queue_folder(self) -> Path:
        """A file for each run that waits."""
        return self.folder / ".queue"

    @property
    def _order(self) -> Order:
        return Order(self.queue_folder)

    def device_lock(self, device: str) -> Path:
        """The lock of a device: one run at a time trains on it."""
        return self._lock(device.replace(":", "-"))

    def hold_device(self, device: str) -> AbstractContextManager[None]:
        """Have a device for oneself. Raises Busy while another run trains on it."""
        return hold(self.device_lock(device), wait_s=0.1, busy=DEVICE_BUSY)

    def server_lock(self, device: str) -> Path:
        """Held by whoever takes waiting runs of a device out of the queue, an app that is."""
        return self._lock(f"queue-{device.replace(':', '-')}")

    def _lock(self, name: str) -> Path:
        folder = self.folder / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.lock"

    def create(
        self,
        recipe: Recipe,
        dataset: DatasetInfo,
        *,
        name: str = "",
        hypothesis: str = "",
        parent: str | None = None,
        token: str | None = None,
        queue: bool = True,
        epochs: int | None = None,
        hold_from: int | None = None,
        durable: bool = True,
    ) -> Run:
        """A new run, waiting in the queue (or, with `queue` off, for its maker to train it).

        A second call with the same `token` gives the run of the first: a double click makes one.
        `epochs` and `hold_from` are those of an extended run, where such a one is repeated. Without
        `durable` nothing waits for the disk: for runs that can be made again. Raises BadInput where the
        name or the hypothesis is too long.
        """
        notes = Notes.of(name=_text(name), hypothesis=_text(hypothesis))
        status = _first_status(recipe, dataset, parent)
        status.epochs, status.hold_from = epochs or recipe.epochs, hold_from
        with self._creating():
            made = self._claim(token) if token is not None else None
            if made is not None:
                return made
            run = self._create(recipe, notes, status, durable)
            try:
                if token is not None:
                    write_json(self.folder / ".tokens" / token, {"run": run.id})
                if queue:
                    self.enqueue(run)
            except OSError:
                # It would say that it waits, and a second click would make another.
                with suppress(OSError, PlateauError):
                    self.delete(run)
                raise
        return run

    @contextmanager
    def _creating(self) -> Iterator[None]:
        """Held while a run is made: so that a token makes one run, and that no other server takes the
        unfinished folder for something that a crash left."""
        with hold(self._lock("creating"), wait_s=20.0, busy="Another run is being made."):
            yield

    def repeating(self) -> AbstractContextManager[None]:
        """Held while repeats choose their seeds and are made. Raises Busy after a long wait."""
        return hold(self._lock("repeating"), wait_s=20.0, busy="Other repeats are being queued; try again.")

    def _create(self, recipe: Recipe, notes: Notes, status: Status, durable: bool) -> Run:
        names = os.listdir(self.folder)  # noqa: PTH208  the names alone: there may be thousands
        run_id = free_id(status.architecture, names)
        status.color = self._take_color()
        staging = self.folder / f".new-{run_id}"
        staging.mkdir(parents=True)
        for part in ("checkpoints", "predictions"):
            (staging / part).mkdir()
        text = recipe.model_dump_json(indent=1) + "\n"
        status.recipe_crc32 = zlib.crc32(text.encode())
        write_new(staging / "recipe.json", text)
        write_new(staging / "notes.json", to_json(notes.model_dump(mode="json"), indent=1) + "\n")
        write_new(staging / "status.json", status_text(status))
        if durable:
            sync_files(staging)
            sync_folder(staging)
        run = Run(self.folder / run_id)
        staging.rename(run.folder)
        if durable:
            sync_folder(self.folder)
        return run

    def _take_color(self) -> int:
        """The next run's colour. A file keeps count, a line per run, for looking through all runs takes
        long where they are many; where its last line is not whole, they are looked through."""
        path = self.folder / ".colors"
        try:
            lines = path.read_text(encoding="ascii").split("\n")
            color, begin = int(lines[-2]) + 1, ""
            if lines[-1]:
                raise ValueError
        except (FileNotFoundError, ValueError, IndexError):
            color = max((entry.status.color + 1 for entry in self.list() if entry.status), default=0)
            begin = "\n"
        with path.open("a", encoding="ascii") as file:
            file.write(f"{begin}{color}\n")
        return color

    def _claim(self, token: str) -> Run | None:
        """The run that was already made with this token, if any."""
        if not RUN_ID.fullmatch(token):
            raise BadInput(f"token = {token!r}: letters, digits, '-' and '_' only.")
        folder = self.folder / ".tokens"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return self.get(str(read_json(folder / token)["run"]))
        except (FileNotFoundError, Damaged, KeyError, NotFound):
            return None

    def get(self, run_id: str) -> Run:
        """The run with this id. Raises NotFound."""
        folder = self.folder / run_id
        if not RUN_ID.fullmatch(run_id) or folder.is_symlink() or not (folder / "recipe.json").is_file():
            raise NotFound(no_such_run(run_id))
        return Run(folder)

    def find(self, text: str) -> Run:
        """The run that a person means by `text`, as `find_run` reads it. Raises NotFound, BadInput."""
        try:
            return self.get(text)
        except NotFound:
            return find_run(self.list(), text).run

    def list(self) -> Entries:
        """Every run, newest first. A damaged one says so and hides no other."""
        return list((self.index or RunIndex(self.folder)).listing().entries)

    def entry(self, run: Run) -> RunEntry:
        """The run as a list shows it."""
        return read_entry(run)

    def delete(self, run: Run) -> None:
        """Remove a run's folder, or the link that is in its place. Raises Busy while it trains."""
        if run.folder.is_symlink():
            run.folder.unlink()
            return
        trash = self.folder / f".trash-{run.id}-{secrets.token_hex(2)}"
        if run.lock_path.is_symlink():
            run.lock_path.unlink()  # nobody can hold it
        with run.locked(f"Run {run.id} is training; stop it before deleting it.", wait_s=0.3):
            self.leave_queue(run)
            run.folder.rename(trash)
            # Before its files go: a power loss must not bring back a run with a part of them.
            sync_folder(self.folder)
        shutil.rmtree(trash, ignore_errors=True)

    def export(self, runs: Runs, target: Path) -> None:
        """Pack runs into a zip, each under its id, without locks, requests and links."""
        with zipfile.ZipFile(
            target, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
        ) as archive:
            for run in runs:
                if run.folder.is_symlink():
                    continue
                for path in sorted(run.folder.rglob("*")):
                    if path.name in ("lock", "control.json") or path.name.startswith("."):
                        continue
                    if path.is_file() and not path.is_symlink():
                        # A training run may have removed it in between.
                        with suppress(FileNotFoundError):
                            archive.write(path, f"{run.id}/{path.relative_to(run.folder)}")

    def enqueue(self, run: Run) -> None:
        """Put a run at the queue's end."""
        self._order.append(run.id)

    def queue(self) -> Runs:
        """The waiting runs, in the order in which they will train."""
        runs = []
        for run_id in self._order.ids():
            try:
                runs.append(self.get(run_id))
            except NotFound:
                with suppress(OSError):
                    self._order.remove(run_id)
        return runs

    def move(self, run: Run, places: int) -> None:
        """Move a waiting run by so many places; negative is sooner."""
        order = [waiting.id for waiting in self.queue()]
        if run.id not in order:
            raise NotFound(f"Run {run.id} is not waiting in the queue.")
        at = order.index(run.id)
        order.insert(max(0, min(len(order) - 1, at + places)), order.pop(at))
        self._order.rearrange(order)

    def leave_queue(self, run: Run) -> None:
        """Take a run out of the queue's order; its status is left as it is."""
        self._order.remove(run.id)

    def stop(self, run: Run, when: Literal["after_epoch", "now"] = "now") -> None:
        """Stop a training run, or take a waiting one out of the queue. Raises BadInput if neither."""
        try:
            with owned(run) as status:
                if status.state != "queued":
                    raise BadInput(f"Run {run.id} is {status.state}; there is nothing to stop.")
                status.state, status.ended_at = "stopped", now()
                status.message = "It was taken out of the queue before it began."
                if status.epoch:
                    status.message = f"It was taken out of the queue after epoch {status.epoch}."
                status.hint = "Resume it to put it back."
        except Busy:
            run.ask_to_stop(when)
        else:
            # Last: on a full disk it waits on as it says. The queue passes over a place whose run does not.
            self.leave_queue(run)

    def resume(self, run: Run, *, queue: bool = True) -> None:
        """Let a stopped, interrupted or failed run go on from its last whole epoch.

        Raises BadInput for a run in another state.
        """
        with owned(run) as status:
            if status.state not in RESUMABLE:
                raise BadInput(
                    f"Run {run.id} is {status.state}; only a stopped, interrupted or failed run resumes."
                )
            self._requeue(run, status, queue)

    def extend(self, run: Run, epochs: int, *, hold_lr: bool = False, queue: bool = True) -> None:
        """Let a run go on for `epochs` more than it was asked for; `hold_lr` keeps its last lr.

        Raises BadInput for a run that is waiting or training, for less than one epoch, or for more in all
        than a recipe may have.
        """
        if epochs < 1:
            raise BadInput(f"epochs = {epochs}: an extension must be at least 1 epoch; raise it.")
        with owned(run) as status:
            if status.state == "queued":
                raise BadInput(f"Run {run.id} is still waiting; extend it when it is done.")
            _check_length(status.epochs, epochs)
            # Not the recipe's end: an earlier extension may have gone on beyond it.
            status.hold_from = (status.hold_from or status.epochs) if hold_lr else None
            status.epochs += epochs
            self._requeue(run, status, queue)

    def _requeue(self, run: Run, status: Status, queue: bool) -> None:
        status.state, status.message, status.hint, status.ended_at = "queued", "", "", None
        status.reason = ""
        (run.folder / "control.json").unlink(missing_ok=True)
        if queue:
            self.enqueue(run)

    def recover(self) -> Runs:
        """At a start: put down which runs were interrupted, and queue what says it is queued.

        Returns the interrupted runs. Leftovers of unfinished creations and deletions are removed, and
        the tokens of clicks of long ago.
        """
        interrupted = []
        waiting = {run.id for run in self.queue()}
        for entry in self.list():
            if entry.state == "interrupted":
                interrupted.append(entry.run)
            try:
                self._recover(entry, waiting)
            except Busy:
                continue
            except (PlateauError, OSError) as error:
                # A folder that is gone or cannot be written keeps no app from starting.
                _log.warning("run %s is left as it is: %s", entry.id, error)
        with self._creating():
            for pattern in (".new-*", ".trash-*"):
                for leftover in self.folder.glob(pattern):
                    shutil.rmtree(leftover, ignore_errors=True)
            for token in (self.folder / ".tokens").glob("*"):
                with suppress(OSError):
                    if time.time() - token.stat().st_mtime > _TOKEN_S:
                        token.unlink()
        return interrupted

    def _recover(self, entry: RunEntry, waiting: set[str]) -> None:
        if entry.status is None:
            return
        if entry.status.state == "interrupted":
            with owned(entry.run) as status:
                status.state = "interrupted"
                status.message, status.hint = entry.status.message, entry.status.hint
                status.live = None
        elif entry.status.state == "queued" and entry.id not in waiting and not entry.run.is_alive():
            self.enqueue(entry.run)


def _check_length(planned: int, more: int) -> None:
    """BadInput where a run of so many epochs cannot have so many more."""
    bound = next(setting.le for setting in settings_of(Recipe) if setting.name == "epochs")
    assert bound is not None
    most = int(bound)
    if planned + more > most:
        left = max(0, most - planned)
        remedy = f"lower it, for {left:,} more are left" if left else "train a clone instead"
        raise BadInput.at("epochs", planned + more, f"a run has at most {most:,} in all", remedy)


def _text(typed: str) -> str:
    """What was typed, without blanks around it and without the halves of characters that a shell of
    another encoding gives: no file can hold those."""
    return typed.strip().encode("utf-8", "replace").decode("utf-8")


@contextmanager
def owned(run: Run) -> Iterator[Status]:
    """The status of a run that nobody trains: locked, to be changed, and written back.

    Raises Busy while it trains; on any other error the status stays as it was.
    """
    with run.locked(f"Run {run.id} is training.", wait_s=0.3):
        status = read_status(run.folder)
        if status.state in ACTIVE:
            status.state = "interrupted"
        yield status
        write_status(run.folder, status)
