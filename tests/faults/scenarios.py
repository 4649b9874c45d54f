"""What a person or a trainer does to the disk, each as one act that a fault may end anywhere, and what
must be true then.

A scenario prepares a folder once; every point gets a copy of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from core.classify import compute_for, evaluate_run
from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.errors import NotFound
from core.runs import Look, Run, RunStore, train, training
from core.runs.answers import read_answers, stored_answers
from core.train import CheckpointReady, Event
from tests.faults.layer import Change, Watcher, watched
from tests.faults.setups import check_store, go_on, new_run, outcome, recipe
from tests.unit import tiny

Report = Callable[[str, int], None]
"""Tells that something was acknowledged: what, and a number."""
Reported = dict[str, int]


@dataclass(frozen=True)
class Place:
    """A folder to work in, and the data set that its runs train on (which nothing here changes)."""

    folder: Path
    library: Library

    @property
    def store(self) -> RunStore:
        return RunStore(self.folder / "runs")

    @property
    def dataset(self) -> Dataset:
        return self.library.open(tiny.DATASET)

    @property
    def run(self) -> Run:
        """The oldest run."""
        return self.store.list()[-1].run

    def train(self, run: Run, report: Report = lambda what, number: None) -> None:
        """Train to the end, and report every epoch that is said to be done."""

        def listener(event: Event) -> None:
            if isinstance(event, CheckpointReady):
                report(run.id, event.epoch)

        train(run, self.library, listener=listener)

    def train_until(self, epoch: int) -> None:
        """Train the oldest run, and stop it after this epoch."""
        run = self.run

        def stop(event: Event) -> None:
            if isinstance(event, CheckpointReady) and event.epoch == epoch:
                run.ask_to_stop("after_epoch")

        with patch.object(training, "CONTROL_EVERY_S", 0.0):
            status = train(run, self.library, listener=stop)
        assert (status.state, status.epoch) == ("stopped", epoch)


class Scenario:
    """One act. `settle` checks a folder after a fault, goes on as a person would, and checks the end."""

    name = ""

    def prepare(self, place: Place) -> None:
        """What is there before."""
        place.store.folder.mkdir(parents=True)

    def act(self, place: Place, report: Report) -> None:
        """What a fault interrupts."""
        raise NotImplementedError

    def settle(self, place: Place, reported: Reported) -> object:
        """Check, go on, and return what must be the same after every fault as after none."""
        raise NotImplementedError


class Create(Scenario):
    name = "create"

    def act(self, place: Place, report: Report) -> None:
        self._make(place)
        report("made", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        found = check_store(place.store)
        assert len(found) == 1 or (not found and not reported), "an acknowledged run is gone"
        place.store.recover()
        assert {run.id for run in found} <= {run.id for run in place.store.queue()}
        again = self._make(place)
        assert not reported or again == found[0], "one click, one run"
        assert not list(place.store.folder.glob(".new-*"))
        for run in check_store(place.store):
            assert run.recipe() == recipe("plain")
            assert (run.notes().name, run.status().state) == ("mine", "queued")
        return run.recipe()

    def _make(self, place: Place) -> Run:
        return place.store.create(recipe("plain"), place.dataset.info, name="mine", token="click-1")


@dataclass(frozen=True)
class Training(Scenario):
    """A training from its first epoch to its last."""

    settings: str = "plain"
    name: str = "train"
    epochs: int = 2

    def prepare(self, place: Place) -> None:
        new_run(place.store, place.dataset, self.settings, epochs=self.epochs)

    def act(self, place: Place, report: Report) -> None:
        place.train(place.run, report)

    def settle(self, place: Place, reported: Reported) -> object:
        (run,) = check_store(place.store, lambda run_id: reported.get(run_id, 0))
        place.store.recover()
        check_store(place.store, lambda run_id: reported.get(run_id, 0))
        go_on(run, place.store, place.train)
        return outcome(run)


@dataclass(frozen=True)
class Resume(Training):
    """A resume after the first of three epochs."""

    name: str = "resume"
    epochs: int = 3

    def prepare(self, place: Place) -> None:
        super().prepare(place)
        place.train_until(1)

    def act(self, place: Place, report: Report) -> None:
        place.store.resume(place.run, queue=False)
        super().act(place, report)


class _Killed(BaseException):
    """Ends a training from which nothing of ours comes back."""


class _DieWithStatusBehind(Watcher):
    """Ends a training after the second `last.state` is in place and before the status says so."""

    def __init__(self) -> None:
        self.states = 0

    def before(self, change: Change) -> None:
        if change.kind == "rename" and change.target and change.target.name == "status.json":
            if self.states == 2:
                raise _Killed
        elif change.kind == "rename" and change.target and change.target.name == "last.state":
            self.states += 1


@dataclass(frozen=True)
class ResumeBehind(Training):
    """A resume after a kill between a checkpoint and the status that tells of it."""

    name: str = "resume, status behind"
    epochs: int = 3

    def prepare(self, place: Place) -> None:
        super().prepare(place)
        run = place.run
        try:
            with watched(place.folder, _DieWithStatusBehind()):
                train(run, place.library)
        except _Killed:
            pass
        assert run.status().state == "interrupted"
        assert run.status().epoch == 1
        assert run.checkpoint_epochs() == [1, 2], "the epoch that the status lacks is the best one"

    def act(self, place: Place, report: Report) -> None:
        place.store.resume(place.run, queue=False)
        super().act(place, report)


@dataclass(frozen=True)
class Extend(Training):
    """One more epoch for a finished run."""

    name: str = "extend"

    def prepare(self, place: Place) -> None:
        super().prepare(place)
        place.train(place.run)

    def act(self, place: Place, report: Report) -> None:
        place.store.extend(place.run, 1, queue=False)
        report("extended", 1)
        super().act(place, report)

    def settle(self, place: Place, reported: Reported) -> object:
        run = place.run
        if run.status().epochs == self.epochs:
            assert "extended" not in reported
            check_store(place.store, lambda run_id: self.epochs)
            place.store.extend(run, 1, queue=False)
        return super().settle(place, {run.id: self.epochs} | reported)


class WriteNotes(Scenario):
    name = "notes"

    def prepare(self, place: Place) -> None:
        new_run(place.store, place.dataset).write_notes(name="old", note="a line")

    def act(self, place: Place, report: Report) -> None:
        place.run.write_notes(name="new")
        report("written", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        (run,) = check_store(place.store)
        assert run.notes().name in (("new",) if reported else ("old", "new"))
        return run.write_notes(name="new", star=True)


class Evaluate(Scenario):
    """A look at val with the average of the weights and two views: the look, then two files of answers."""

    name = "evaluate"

    def prepare(self, place: Place) -> None:
        place.train(new_run(place.store, place.dataset, epochs=1))

    def act(self, place: Place, report: Report) -> None:
        self._evaluate(place)
        report("evaluated", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        (run,) = check_store(place.store, lambda run_id: 1)
        made = [file for file in stored_answers(run) if file.averaged]
        assert run.looks() or not made, "answers that no look was counted for"
        assert not reported or (len(run.looks()), len(made)) == (1, 2), "an acknowledged evaluation is gone"
        for file in made:
            read_answers(run, file, ("label", "predicted"))
        look = self._evaluate(place)
        assert run.looks()[-1] == look
        answers = {file.name: read_answers(run, file, ("label",)) for file in stored_answers(run)}
        return look.model_dump(exclude={"at"}), repr(answers)

    def _evaluate(self, place: Place) -> Look:
        run = place.run
        compute = compute_for(run.recipe(), "cpu")
        return evaluate_run(run, place.library, compute, views=2, averaged=True)


class Delete(Scenario):
    name = "delete"

    def prepare(self, place: Place) -> None:
        for _ in range(2):
            run = new_run(place.store, place.dataset)
            place.store.enqueue(run)

    def act(self, place: Place, report: Report) -> None:
        run = place.run
        place.store.delete(run)
        report("deleted", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        found = check_store(place.store)
        assert len(found) in ((1,) if reported else (1, 2))
        place.store.recover()
        assert {run.id for run in place.store.queue()} == {run.id for run in found}
        for run in found[1:]:
            place.store.delete(run)
        assert not list(place.store.folder.glob(".trash-*"))
        return [run.recipe() for run in check_store(place.store)]


class ChangeQueue(Scenario):
    name = "queue"

    def prepare(self, place: Place) -> None:
        for _ in range(3):
            place.store.enqueue(new_run(place.store, place.dataset))

    def act(self, place: Place, report: Report) -> None:
        place.store.move(place.store.queue()[-1], -2)
        place.store.stop(place.store.queue()[1])
        report("stopped", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        found = check_store(place.store)
        assert len(found) == 3
        place.store.recover()
        states = sorted(run.status().state for run in found)
        assert states in ([["queued"] * 2 + ["stopped"]] + ([] if reported else [["queued"] * 3]))
        waiting = {run.id for run in found if run.status().state == "queued"}
        queued = {run.id: run for run in place.store.queue()}
        assert waiting <= queued.keys()
        # A place that should be gone does no harm: whoever takes from the queue looks at the state.
        assert all(queued[extra].status().state == "stopped" for extra in queued.keys() - waiting)
        return len(found)


class Import(Scenario):
    """A data set comes in."""

    name = "import"
    source = ShapesSource(classes=2, images=20, image_size=28)

    def prepare(self, place: Place) -> None:
        self._library(place).import_dataset(self.source, "other", ImportOptions())

    def act(self, place: Place, report: Report) -> None:
        self._library(place).import_dataset(self.source, "new", ImportOptions())
        report("imported", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        library = self._library(place)
        names = [info.name for info in library.list()]
        assert names == ["new", "other"] or (names == ["other"] and not reported)
        for name in {"new", "next"} - set(names):
            library.import_dataset(self.source, name, ImportOptions())
        assert not list(library.folder.glob(".importing-*")), "the next import clears what a killed one left"
        dataset = library.open("new")
        assert dataset.images[dataset.indices("train")].any()
        return dataset.info.model_dump(exclude={"created_at"})

    def _library(self, place: Place) -> Library:
        return Library(place.folder / "data")


class DeleteData(Import):
    """A data set goes."""

    name = "delete data"

    def act(self, place: Place, report: Report) -> None:
        self._library(place).delete("other")
        report("deleted", 1)

    def settle(self, place: Place, reported: Reported) -> object:
        library = self._library(place)
        try:
            dataset = library.open("other")
        except NotFound:
            return "gone"
        assert not reported
        assert dataset.images[dataset.indices("train")].any()
        library.delete("other")
        return "gone"


TRAININGS: tuple[Scenario, ...] = (Training(), Resume(), ResumeBehind(), Extend())
SHAKEN: tuple[Scenario, ...] = (
    Training("shaken", "train, ShakeDrop"),
    Resume("shaken", "resume, ShakeDrop"),
)
ACTS: tuple[Scenario, ...] = (
    Create(),
    WriteNotes(),
    Evaluate(),
    Delete(),
    ChangeQueue(),
    Import(),
    DeleteData(),
)


def by_name(name: str) -> Any:
    """A scenario by its name."""
    return next(scenario for scenario in (*TRAININGS, *SHAKEN, *ACTS) if scenario.name == name)
