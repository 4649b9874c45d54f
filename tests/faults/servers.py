"""A server's queue in a process of its own, to be killed or to share a folder: `-m tests.faults.servers RUNS
DATA`. Prints a line when it has started, and ends when its standard input does."""

import sys
from pathlib import Path

import torch

from core.data import Library
from core.runs import JobQueue, RunStore


def main(runs: str, data: str) -> None:
    """Look after the queue until somebody ends this."""
    torch.set_num_threads(1)
    queue = JobQueue(RunStore(Path(runs)), Library(Path(data)))
    found = queue.start()
    sys.stdout.write(f"started, {len(found)} interrupted\n")
    sys.stdout.flush()
    sys.stdin.read()
    queue.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
