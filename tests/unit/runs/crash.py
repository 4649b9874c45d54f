"""Trains runs in children that kill themselves: `-m tests.unit.runs.crash RUNS DATA RUN:POINT[,POINT]...`

A child is killed (SIGKILL: nothing is cleaned up) right before its n-th flush, rename or removal of a
file; with a second point the run is resumed and its child killed again. The parent prints per run
whether it was killed or came to its end. Forked, because importing torch takes seconds.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.data import Library
from core.runs import RunStore, train

CALLS = ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (os, "replace"))


def die_before(point: int) -> None:
    """Let this process die before the `point`-th call of one of CALLS."""
    left = point

    def counted(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if name != "unlink" or arguments[0].exists():
                left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for owner, name in CALLS:
        setattr(owner, name, counted(getattr(owner, name), name))


def train_and_die(store: RunStore, library: Library, run_id: str, point: int) -> str:
    """'killed' or 'finished'."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        try:
            die_before(point)
            train(store.get(run_id), library)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "finished" if os.WEXITSTATUS(status) == 0 else "broken"


def main(arguments: list[str]) -> None:
    """One line per run."""
    torch.set_num_threads(1)
    store, library = RunStore(Path(arguments[0])), Library(Path(arguments[1]))
    for task in arguments[2:]:
        run_id, _, points = task.rpartition(":")
        fate = "killed"
        for number, point in enumerate(points.split(",")):
            if number and store.get(run_id).status().state == "interrupted":
                store.resume(store.get(run_id), queue=False)
            fate = train_and_die(store, library, run_id, int(point))
        sys.stdout.write(f"{fate}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
