"""`train` and `resume`: with a progress bar, in this process or, if an app is running, in its queue."""

import argparse
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from core.cli.output import note
from core.data import Library
from core.errors import BadInput, InvalidSettings
from core.insight.repeats import groups
from core.recipe import Preset, Recipe, load_preset, load_presets, parse_recipe, set_values
from core.runs import Run, RunStore, Status
from core.runs.foreground import train_or_follow
from core.runs.repeat import MOST, repeat
from core.runs.resuming import interrupted
from core.runs.status import RESUMABLE
from core.train import EpochEnded, Event, Progress, check
from core.words import in_points, percent
from core.workspace import find_workspace


def train(call: argparse.Namespace) -> int:
    """Train a recipe, with --repeat under several seeds; prints each run's id."""
    workspace = find_workspace()
    store, library = RunStore(workspace.runs), Library(workspace.data)
    if not 1 <= call.repeat <= MOST:
        raise BadInput(f"--repeat {call.repeat}: must be 1 to {MOST} runs.")
    recipe, title = _recipe(call)
    if not recipe.data.name:
        raise BadInput("No data set is chosen; name one with --data (`python -m core data list` shows them).")
    info = library.open(recipe.data.name).info
    advice = check(recipe, info)
    if advice.problems:
        raise InvalidSettings(advice.problems)
    for warning in advice.warnings:
        note(f"Note: {warning}")
    run = store.create(recipe, info, name=call.name or title, hypothesis=call.hypothesis)
    runs = [run]
    if call.repeat > 1:
        runs += repeat(store, run, call.repeat - 1, library=library)
    return _train(store, library, runs)


def resume(call: argparse.Namespace) -> int:
    """Let a run go on; with --epochs beyond its end. With --interrupted every interrupted run."""
    workspace = find_workspace()
    store, library = RunStore(workspace.runs), Library(workspace.data)
    if call.interrupted:
        return _resume_interrupted(call, store, library)
    run = store.find(call.run)
    status = run.status()
    if call.epochs is not None:
        store.extend(run, _more(call.epochs, status), hold_lr=call.hold_lr)
    elif status.state in RESUMABLE:
        store.resume(run)
    elif status.state == "finished":
        raise BadInput(f"Run {run.id} is finished; extend it with --epochs.")
    elif status.state != "queued":
        raise BadInput(f"Run {run.id} is {status.state} already.")
    return _train(store, library, [run])


def _resume_interrupted(call: argparse.Namespace, store: RunStore, library: Library) -> int:
    if call.epochs is not None or call.hold_lr:
        raise BadInput("--interrupted takes no --epochs and no --hold-lr; leave them out, or name one run.")
    runs = [entry.run for entry in reversed(interrupted(store))]
    for run in runs:
        store.resume(run)
    if not runs:
        note("No run is interrupted.")
        return 0
    return _train(store, library, runs)


def _more(text: str, status: Status) -> int:
    """How many epochs more '--epochs N' or '--epochs +N' asks for."""
    try:
        number = int(text)
    except ValueError as error:
        raise BadInput(f"--epochs {text}: must be a whole number of epochs, or +N for N more.") from error
    more = number if text.startswith("+") else number - status.epochs
    if more < 1:
        raise BadInput(
            f"--epochs {text}: the run has {status.epochs} epochs already; give more, or +N for N more."
        )
    return more


def _recipe(call: argparse.Namespace) -> tuple[Recipe, str]:
    """The recipe with the call's changes, and the title of the preset that it is; '' for a file's."""
    path, title = Path(call.recipe), ""
    presets: dict[str, Preset] = {preset.id: preset for preset in load_presets()}
    if call.recipe in presets:
        recipe, title = presets[call.recipe].recipe, presets[call.recipe].title
    elif path.is_file():
        recipe = parse_recipe(path.read_bytes())
    elif path.suffix == ".json":
        raise BadInput(f"There is no recipe file {call.recipe}.")
    else:
        preset = load_preset(call.recipe)
        recipe, title = preset.recipe, preset.title
    assignments = list(call.assignments)
    if call.data is not None:
        assignments.append(f"data.name={json.dumps(call.data)}")
    if call.epochs is not None:
        assignments.append(f"epochs={call.epochs}")
    return set_values(recipe, assignments), title


def _train(store: RunStore, library: Library, runs: list[Run]) -> int:
    """Train the runs one after the other, and print the id of each as it ends; the highest exit status.

    Ctrl-C stops the one that trains and takes those that wait out of the queue.
    """
    with _interruptible() as asked:
        codes = [_train_one(store, library, run, asked) for run in runs]
    entries = [store.entry(run) for run in runs]
    left = [e for e in entries if e.status and e.status.state == "stopped" and not e.status.epoch]
    if asked.is_set() and left:
        note(
            f"{len(left)} of {len(runs)} runs had not begun and wait no more; "
            "`python -m core resume RUN` trains one of them."
        )
    group = groups(entries)[0]
    if group.mean is not None and group.spread is not None:
        note(
            f"Best val of {group.n} seeds: {percent(group.mean)} on average, standard deviation "
            f"{in_points(group.spread)}."
        )
    return max(codes)


def _train_one(store: RunStore, library: Library, run: Run, asked: threading.Event) -> int:
    note(f"Run {run.id}")
    status = run.status()
    with tqdm(total=status.epochs, initial=status.epoch, unit="epoch") as bar:
        shown = _Shown(bar)
        status = train_or_follow(
            store, library, run, closing=asked.is_set, listener=shown.event, follow=shown.status
        )
    if status.state == "failed":
        note(f"{status.message} {status.hint}")
    else:
        best = (
            f"; best val {percent(status.best.val_accuracy)} at epoch {status.best.epoch}"
            if status.best
            else ""
        )
        note(f"{status.state} after epoch {status.epoch} of {status.epochs}{best}.")
    print(run.id, flush=True)
    return 0 if status.state == "finished" or (not asked.is_set() and status.state == "stopped") else 1


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and a termination ask the run to stop after its step; it can be resumed."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    old = {
        number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class _Shown:
    """Keeps the progress bar up to date, from events or from a status."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self.bar = bar

    def event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._move(event.position, f"loss {event.train_loss:.3f}, {event.images_per_s:,.0f} images/s")
        elif isinstance(event, EpochEnded):
            tqdm.write(
                f"epoch {event.epoch:3d}  lr {event.lr:.3g}  train {percent(event.train_accuracy)}  "
                f"clean train {percent(event.clean_train_accuracy)}  val {percent(event.val_accuracy)}  "
                f"{event.seconds:.1f} s",
                file=self.bar.fp,
            )

    def status(self, status: Status) -> None:
        live = status.live
        where = live.epoch - 1 + live.step / live.steps if live else float(status.epoch)
        self._move(where, "waiting for its turn" if status.state == "queued" else "trained by the app")

    def _move(self, position: float, text: str) -> None:
        self.bar.n = round(position, 2)
        self.bar.set_postfix_str(text, refresh=True)
