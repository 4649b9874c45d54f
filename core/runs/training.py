"""`train(run)`: from a run's folder to a trained run, whoever calls it.

The app's queue, the command line and a process of its own all call this one function, and leave
the same folder. An epoch is committed when `last.state` is in place; what lies beyond it after a
crash is cut by the resume.
"""

import gc
import logging
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from core import __version__
from core.data import Dataset, Library
from core.errors import BadInput, Damaged, NotFound, PlateauError
from core.files import replacing
from core.recipe import Recipe
from core.runs.answers import AnswerFile, stored_answers
from core.runs.failures import Failure, attempt
from core.runs.log import run_log
from core.runs.records import card_of, epoch_row, live_of, step_row, take_row
from core.runs.rows import append_row, cut_rows, restore_rows
from core.runs.run import Run
from core.runs.status import Status, read_status, write_status
from core.runs.store import now
from core.train import (
    CheckpointReady,
    EpochEnded,
    Event,
    Notice,
    Progress,
    Resume,
    Stopped,
    StopRequest,
    Task,
    fit,
    go_back,
    keep_previous,
    load_images,
    previous_path,
    read_state,
    read_state_rows,
    resolve_compute,
    statistics_for,
    write_checkpoint,
    write_state,
    write_tensors,
)


class NotQueued(PlateauError):
    """The run is not waiting to be trained: somebody stopped it, or trained it."""


class DeviceBroken(PlateauError):
    """The device computes nothing more in this process."""


CONTROL_EVERY_S = 0.2
MOST_NOTICES = 20
STEP_ROWS = 600
"""About so many rows of steps.jsonl per five minutes at first; later they thin out."""


def train(
    run: Run,
    library: Library,
    *,
    closing: Callable[[], bool] = lambda: False,
    listener: Callable[[Event], None] = lambda event: None,
    claimed: Callable[[], None] = lambda: None,
    threads: int | None = None,
) -> Status:
    """Train the queued run until it is finished, stopped or failed, and return its last status.

    `closing` says that the process is about to end: the run is left as interrupted, to be resumed.
    `listener` gets each event after it is written; `claimed` is called once the run is this caller's.
    `threads` is how many CPU threads it computes with (None: as many as torch takes). Raises Busy when
    somebody else has the run, NotQueued when it is not waiting to be trained, DeviceBroken when
    nothing can be computed on the device until the process is started anew.
    """
    with run.locked(f"Run {run.id} is already training."):
        status = read_status(run.folder)
        if status.state != "queued":
            raise NotQueued(f"Run {run.id} is {status.state}; only a queued run is trained.")
        if threads is not None:
            # For this thread and those that it starts; a page may have changed the number for all.
            torch.set_num_threads(threads)
        (run.folder / "control.json").unlink(missing_ok=True)
        _remove_leftovers(run, status.epoch)
        status.state, status.started_at = "running", status.started_at or now()
        status.ended_at, status.message, status.hint, status.live = None, "", "", None
        status.reason = ""
        write_status(run.folder, status)
        claimed()
        with run_log(run.folder / "train.log") as log:
            trainer = _Trainer(run, library, status, log, closing, listener)
            failure = attempt(trainer.run_all, log, lambda: trainer.batch_size)
            # Only here: the traceback that held the run's tensors is gone by now.
            gc.collect()
            _write_end(run, status, failure, log)
        if failure and failure.device_broken:
            raise DeviceBroken(failure.message)
        return status


def _write_end(run: Run, status: Status, failure: Failure | None, log: logging.Logger) -> None:
    """Write down how the run ended."""
    if failure:
        status.state, status.message, status.hint = failure.state, failure.message, failure.hint
        status.reason = failure.reason
    status.live, status.ended_at = None, now()
    try:
        write_status(run.folder, status)
    except OSError as error:
        # The disk may be too full for this as well; with its lock free the run then reads so.
        log.exception("the status could not be written")
        status.state, status.hint = "interrupted", "Mend it, then resume."
        status.message = f"The run's status could not be written: {error.strerror or error}."
    log.info("%s after epoch %d of %d. %s", status.state, status.epoch, status.epochs, status.message)


def _remove_leftovers(run: Run, done: int) -> None:
    """Temporary files of a trainer that was killed while it wrote; those of others are left alone.

    An evaluation, which needs no lock, may be writing answers at this moment. Its epochs are `done`; those
    that a killed trainer was writing belong to a later one.
    """
    for pattern in ("checkpoints/.*.tmp", ".status.json.*.tmp", ".*.jsonl.*.tmp"):
        for path in run.folder.glob(pattern):
            path.unlink(missing_ok=True)
    for path in run.folder.glob("predictions/.val-*.safetensors.*.tmp"):
        epoch = path.name.removeprefix(".val-").partition(".")[0]
        if epoch.isdecimal() and int(epoch) > done:
            path.unlink(missing_ok=True)


class _Trainer:
    """One sitting of a run: it alone writes the run's folder while it holds the lock."""

    def __init__(
        self,
        run: Run,
        library: Library,
        status: Status,
        log: logging.Logger,
        closing: Callable[[], bool],
        listener: Callable[[Event], None],
    ) -> None:
        self.run, self.library, self.status, self.log = run, library, status, log
        self.closing, self.listener = closing, listener
        self.batch_size = 0
        self._asked = StopRequest.NO
        self._looked_at = 0.0
        self._began = time.monotonic()
        self._before_s = status.elapsed_s
        self._row_at = -1e9
        self._rows: list[dict[str, Any]] = []
        """All whole epochs as epochs.jsonl has them."""

    def run_all(self) -> None:
        """From recipe and data to the last epoch."""
        self.run.check_recipe(self.status)
        recipe = self.run.recipe()
        self.batch_size = recipe.batch_size
        dataset = self.library.open(recipe.data.name)
        self._check_data(dataset)
        compute = resolve_compute(recipe.device, recipe.precision)
        self.status.device, self.status.precision = compute.name, compute.reason
        self.status.environment = environment()
        self.status.notices = []
        statistics = statistics_for(recipe, dataset)
        bank = load_images(dataset, recipe.data.color, compute.device)
        if bank.streamed:
            self.log.info("The images do not fit on the device and are brought there as they are needed.")
        task = Task(
            recipe=recipe,
            bank=bank,
            statistics=statistics,
            compute=compute,
            epochs=self.status.epochs,
            hold_from=self.status.hold_from,
            should_stop=self._should_stop,
        )
        self._resume(task)
        self.log.info(
            "%s on %s (%s), epochs %d to %d",
            recipe.architecture.kind,
            compute.name,
            compute.reason,
            self.status.epoch + 1,
            task.epochs,
        )
        if not self._follow(task, dataset):
            return
        # A finished run keeps one state, not two: they are as large as all its other files.
        previous_path(self.run.state_path).unlink(missing_ok=True)
        self.status.state = "finished"

    def _follow(self, task: Task, dataset: Dataset) -> bool:
        """Train, and write down every event; whether it came to its end."""
        for event in fit(task):
            if isinstance(event, Progress):
                self._progress(event)
            elif isinstance(event, Notice):
                self.log.info("%s", event.text)
                self.status.notices = [*self.status.notices, event.text][-MOST_NOTICES:]
            elif isinstance(event, EpochEnded):
                row = epoch_row(event, self._elapsed_s())
                append_row(self.run.folder / "epochs.jsonl", row, durable=True)
                self._rows.append(row)
            elif isinstance(event, CheckpointReady):
                self._commit(event, task, dataset)
            self.listener(event)
            if isinstance(event, Stopped):
                self._stopped(event)
                return False
        return True

    def _check_data(self, dataset: Dataset) -> None:
        """A run trains on the data that it was launched for, and goes on with no other."""
        info, status = dataset.info, self.status
        if not status.is_on(info.fingerprint, info.split_fingerprint):
            since = "it began" if status.epoch else "it was launched"
            raise BadInput(
                f"The data set {info.name!r} is not the one that it was when {since}: this run would not "
                "mean what its settings say, so clone it to train on the data as it is now."
            )
        status.dataset_fingerprint, status.split_fingerprint = info.fingerprint, info.split_fingerprint

    def _resume(self, task: Task) -> None:
        """Go on from `last.state`: it is the truth, and the rows are written anew from it."""
        rows: list[dict[str, Any]] = []
        try:
            task.resume = self._last_whole_state()
            done = task.resume.epoch
            rows = read_state_rows(self.run.state_path) or [
                # A state from before it kept the rows.
                dict(row)
                for row in self.run.epochs().rows
                if row["epoch"] <= done
            ]
        except NotFound:
            self._before_s = 0.0
        # What a crash left in the status may belong to an epoch that was never committed.
        self.status.best = self.status.last = None
        self.status.epoch = done = task.resume.epoch if task.resume else 0
        restore_rows(self.run.folder / "epochs.jsonl", rows)
        if (self.run.folder / "steps.jsonl").exists():
            cut_rows(self.run.folder / "steps.jsonl", done)
        for row in rows:
            take_row(self.status, row)
        self._rows = rows
        if rows:
            self._before_s = float(rows[-1]["elapsed_s"])
            # A crash right after the last commit left what that commit would have removed; the status on
            # the disk may still name it as the best.
            write_status(self.run.folder, self.status)
            self._prune(task.recipe)

    def _last_whole_state(self) -> Resume:
        """`last.state`, or the state before it where that is damaged: an epoch is trained again then, to
        the same bits. Raises NotFound where there is none yet, Damaged where neither can be read."""
        try:
            return read_state(self.run.state_path)
        except Damaged as error:
            self.log.error("%s", error)
            try:
                before = read_state(previous_path(self.run.state_path))
            except (NotFound, Damaged):
                raise error from None
        go_back(self.run.state_path)
        notice = f"last.state was damaged, so the run went back to the state before it, epoch {before.epoch}."
        self.log.warning("%s", notice)
        self.status.notices = [*self.status.notices, notice]
        return before

    def _should_stop(self) -> StopRequest:
        """What a person asked for, looked up a few times a second at most."""
        now_s = time.monotonic()
        if self._asked is not StopRequest.NOW and now_s - self._looked_at >= CONTROL_EVERY_S:
            self._looked_at = now_s
            asked = StopRequest.NOW if self.closing() else StopRequest(self.run.stop_request() or "no")
            if asked is not self._asked:
                self._asked = asked
                if asked is not StopRequest.NO:
                    self.status.state = "stopping"
                    write_status(self.run.folder, self.status, durable="content")
        return self._asked

    def _elapsed_s(self) -> float:
        return self._before_s + time.monotonic() - self._began

    def _progress(self, event: Progress) -> None:
        self.status.live = live_of(event)
        self.status.elapsed_s, self.status.images_per_s = self._elapsed_s(), event.images_per_s
        write_status(self.run.folder, self.status, durable="content")
        sitting_s = time.monotonic() - self._began
        if event.phase == "training" and sitting_s - self._row_at >= max(0.4, sitting_s / STEP_ROWS):
            self._row_at = sitting_s
            append_row(self.run.folder / "steps.jsonl", step_row(event))

    def _commit(self, event: CheckpointReady, task: Task, dataset: Dataset) -> None:
        """Write the checkpoint; `last.state` comes last, for it is what makes the epoch count."""
        recipe = task.recipe
        card = card_of(self.run.id, event, recipe, dataset.info, task.statistics, task.bank.channels)
        outcomes = event.val_outcomes
        truth = torch.from_numpy(dataset.labels[dataset.indices("val")])
        with replacing(AnswerFile("val", event.epoch).path(self.run)) as temporary:
            tensors = {
                "label": truth.to(outcomes.predicted.dtype),
                "predicted": outcomes.predicted,
                "probability": outcomes.probability,
                "true_probability": outcomes.true_probability,
            }
            write_tensors(temporary, tensors)
        kept = recipe.checkpoints.keeps(event.epoch)
        if kept or (event.is_best and recipe.checkpoints.best):
            state = event.state
            write_checkpoint(self.run.epoch_path(event.epoch), card, state.weights, state.averaged)
        keep_previous(self.run.state_path)
        write_state(self.run.state_path, card, event.state, self._rows)
        # Not before: a status that names a best epoch must have its checkpoint.
        take_row(self.status, self._rows[-1])
        self.status.epoch = event.epoch
        self.status.live = None
        write_status(self.run.folder, self.status)
        self._prune(recipe)

    def _prune(self, recipe: Recipe) -> None:
        """Remove what is neither best, last nor asked for."""
        best = self.status.best.epoch if self.status.best else 0
        wanted = {epoch for epoch in (best, self.status.epoch) if epoch}
        for file in stored_answers(self.run):
            own = file == AnswerFile("val", file.epoch)
            if own and file.epoch not in wanted and not recipe.checkpoints.keeps(file.epoch):
                file.path(self.run).unlink(missing_ok=True)
        for epoch in self.run.checkpoint_epochs():
            if epoch != best and not recipe.checkpoints.keeps(epoch):
                self.run.epoch_path(epoch).unlink(missing_ok=True)

    def _stopped(self, event: Stopped) -> None:
        self.status.state = "interrupted" if self.closing() else "stopped"
        why = "The app was closed" if self.closing() else "Stopped by hand"
        at = f"after epoch {event.epoch}" if event.epoch else "before the first epoch was done"
        self.status.message = f"{why} {at}."
        self.status.hint = "Resume it to go on from there." if event.epoch else "Resume it to begin again."


def environment() -> dict[str, str]:
    """The versions that a result depends on."""
    return {
        "plateau": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "",
        "platform": f"{sys.platform} {platform.machine()}",
    }
