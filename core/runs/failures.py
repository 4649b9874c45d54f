"""What ends a run before its time, as a state, a sentence and a hint."""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from core.errors import Damaged, NotFound, PlateauError, Unavailable, shown
from core.runs.status import Reason, State
from core.train import Diverged


@dataclass(frozen=True)
class Failure:
    """How a run ended, and what a person reads of it."""

    state: State
    message: str
    hint: str
    device_broken: bool = False
    reason: Reason = ""


def attempt(work: Callable[[], None], log: logging.Logger, batch_size: Callable[[], int]) -> Failure | None:
    """Do the work; an error becomes a sentence for the person and a traceback in the log.

    `batch_size` is asked for only where memory ran out, for it may not be known before.
    """
    try:
        work()
    except PlateauError as error:
        log.error("%s", error)
        reason: Reason = "diverged" if isinstance(error, Diverged) else ""
        return Failure("failed", str(error), _hint(error), reason=reason)
    except torch.OutOfMemoryError:
        log.exception("out of memory")
        return _out_of_memory(batch_size())
    except MemoryError:
        log.exception("out of memory")
        return _out_of_memory(batch_size())
    except OSError as error:
        log.exception("disk")
        return _of_disk(error)
    except torch.AcceleratorError:
        log.exception("device")
        return Failure(
            "interrupted",
            "The GPU stopped working for this process; the last checkpoint is whole.",
            "Restart the app, then resume: nothing is lost.",
            device_broken=True,
        )
    except Exception as error:  # the thread's last line of defence: nothing may escape
        log.exception("unexpected error")
        return Failure(
            "failed",
            f"An unexpected error ended the run ({type(error).__name__}).",
            "train.log in the run's folder has the details; a resume goes on from the last checkpoint.",
        )
    return None


def _hint(error: PlateauError) -> str:
    """What a person can do about an error that names itself."""
    if isinstance(error, NotFound):
        return "Import the data set again under this name, then resume."
    if isinstance(error, Damaged):
        return "Clone the run and launch it anew; its kept checkpoints can still classify."
    if isinstance(error, Unavailable):
        return "Resume it when that is there, or clone it with another choice."
    return "Change the settings in a clone of this run and launch it."


def _of_disk(error: OSError) -> Failure:
    """A disk that takes no more ends no run for good; of any other error the file is named, where known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(
            "stopped", "The disk is full; the last checkpoint is whole.", "Free some space, then resume."
        )
    if error.errno == errno.EFBIG:
        return Failure(
            "stopped",
            "A file became larger than this disk or this account allows; the last checkpoint is whole.",
            "Raise the limit (ulimit -f) or move the runs to another disk, then resume.",
        )
    name = f" {shown(Path(error.filename).name)}" if isinstance(error.filename, str) else ""
    return Failure(
        "failed",
        f"A file{name} could not be read or written: {error.strerror or error}.",
        "Mend it, then resume.",
    )


def _out_of_memory(batch_size: int) -> Failure:
    return Failure(
        "failed",
        f"The device ran out of memory at batch size {batch_size}.",
        f"Clone the run with batch size {max(1, batch_size // 2)} or a smaller input size.",
    )
