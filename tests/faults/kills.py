"""SIGKILL at random moments of a training and of its resumes.

`python -m tests.faults.kills --kills 100 --seed 0` prints what a series of them found.

A child trains; after a drawn time it is killed from outside, wherever it is. Then the run is checked, and
a new child resumes it, which may be killed too, until one of them comes to the end. Forked from a warm
process, because importing torch takes seconds.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch

from core.data import Library
from core.runs import Run, RunStore, train
from tests.faults.points import small_library
from tests.faults.setups import SETTINGS, Outcome, check_store, committed, new_run, outcome
from tests.unit import tiny

EPOCHS = 3


@dataclass
class Killed:
    """What a series of kills found."""

    kills: int = 0
    in_resumes: int = 0
    trainings: int = 0
    landed: Counter[str] = field(default_factory=Counter)
    """Kills by the state and the whole epochs that they left."""
    wrong_states: int = 0
    lost: int = 0
    other_curves: int = 0
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, wrong or different."""
        return not (self.wrong_states or self.lost or self.other_curves)


class Series:
    """Kills trainings of one store."""

    def __init__(self, folder: Path, library: Library, seed: int) -> None:
        self.store, self.library = RunStore(folder), library
        self.dataset = library.open(tiny.DATASET)
        self.rng = random.Random(seed)
        self.found = Killed()
        self.whole: dict[str, Outcome] = {}
        self.lasts_s: dict[str, float] = {}
        for name in SETTINGS:
            run = new_run(self.store, self.dataset, name, epochs=EPOCHS)
            began = time.monotonic()
            os.waitpid(self._start(run), 0)
            self.lasts_s[name] = time.monotonic() - began
            self.whole[name] = outcome(run)

    def kill(self, kills: int) -> Killed:
        """Kill so many times, then let the last run come to its end."""
        began = time.monotonic()
        while self.found.kills < kills:
            name = self.rng.choice(list(SETTINGS))
            self._one_run(name, kills)
        self.found.seconds = time.monotonic() - began
        return self.found

    def _one_run(self, name: str, kills: int) -> None:
        run = new_run(self.store, self.dataset, name, epochs=EPOCHS)
        sittings = 0
        while run.status().state != "finished":
            child, before = self._start(run), committed(run)
            if self.found.kills < kills:
                time.sleep(self.rng.uniform(0.0, self.lasts_s[name]))
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status):
                self.found.kills += 1
                self.found.in_resumes += sittings > 0
            else:
                assert os.WEXITSTATUS(status) == 0, (run.folder / "train.log").read_text()[-1000:]
            self._look(run, before)
            sittings += 1
        self.found.trainings += 1
        self.found.other_curves += outcome(run) != self.whole[name]

    def _look(self, run: Run, before: int) -> None:
        """The invariant, right after the child's end."""
        status = run.status()
        self.found.landed[f"{status.state} after epoch {status.epoch}"] += 1
        self.found.wrong_states += status.state not in ("queued", "interrupted", "finished")
        self.found.lost += len(self.store.list()) != len(SETTINGS) + self.found.trainings + 1
        check_store(self.store, lambda run_id: before if run_id == run.id else 0)

    def _start(self, run: Run) -> int:
        """A child that trains the run, resuming it first where it was interrupted."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            code = 1
            try:
                if run.status().state == "interrupted":
                    self.store.resume(run, queue=False)
                code = 0 if train(run, self.library).state == "finished" else 1
            finally:
                os._exit(code)
        return child


def run_series(kills: int, seed: int) -> Killed:
    """A series in a folder of its own that goes in the end."""
    folder = Path(tempfile.mkdtemp(prefix="plateau-kills-"))
    try:
        with tiny.quick_collections():
            return Series(folder / "runs", small_library(folder / "data"), seed).kill(kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Print the figures; status 1 where something does not hold."""
    parser = argparse.ArgumentParser(description="kill trainings at random moments")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found = run_series(chosen.kills, chosen.seed)
    where = "\n".join(f"  {count:4} {left}" for left, count in sorted(found.landed.items()))
    sys.stdout.write(
        f"{found.kills} kills ({found.in_resumes} in resumes) of {found.trainings} trainings, "
        f"seed {chosen.seed}, {found.seconds:.0f} s\nleft by a kill, or by the end:\n{where}\n"
        f"runs lost: {found.lost}, wrong states: {found.wrong_states}, "
        f"curves or weights that differ: {found.other_curves}\n"
    )
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
