"""Per-image answers in a run's folder `predictions/`: which there are, and how they are written and read.

    val-0046.safetensors            the trainer's, and an evaluation's: the plain answers
    test-0046.safetensors           plain answers of an evaluation
    test-ema-0046.safetensors       of the averaged weights
    val-tta-0046-8.safetensors      what 8 views voted (val-tta-ema-0046-8: of the averaged weights)

The trainer prunes its own `val-0046` alone; what an evaluation left stays as long as the look that it
belongs to is counted, which is as long as the run.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError

from core.errors import Damaged, NotFound
from core.files import replacing
from core.runs.run import Run, no_such_run
from core.train import open_tensors, write_tensors

_NAME = re.compile(r"(val|test)(-tta)?(-ema)?-(\d{4,9})(?:-(\d{1,3}))?\.safetensors")


@dataclass(frozen=True)
class AnswerFile:
    """One file of per-image answers."""

    split: Literal["val", "test"]
    epoch: int
    averaged: bool = False
    """Whether the average of the weights (EMA) answered."""
    views: int = 0
    """Views that voted; 0 for plain answers."""

    @property
    def name(self) -> str:
        """The file's name in `predictions/`."""
        tta, ema = "-tta" if self.views else "", "-ema" if self.averaged else ""
        end = f"-{self.views}" if self.views else ""
        return f"{self.split}{tta}{ema}-{self.epoch:04d}{end}.safetensors"

    def path(self, run: Run) -> Path:
        """Where this file lies in the run's folder."""
        return run.folder / "predictions" / self.name


def stored_answers(run: Run) -> list[AnswerFile]:
    """Which answers a run keeps: val before test, the newest epoch first, then by views."""
    found = []
    for path in (run.folder / "predictions").glob("*.safetensors"):
        match = _NAME.fullmatch(path.name)
        if not match:
            continue
        split, tta, ema, epoch, views = match.groups()
        file = AnswerFile(
            "val" if split == "val" else "test", int(epoch), ema is not None, int(views) if views else 0
        )
        if (tta is not None) == (file.views > 0):
            found.append(file)
    return sorted(found, key=lambda file: (file.split == "test", -file.epoch, file.averaged, file.views))


def write_answers(
    run: Run, file: AnswerFile, arrays: Mapping[str, np.ndarray], *, augmentations: tuple[str, ...] = ()
) -> None:
    """Write one file of answers in one step; `augmentations` are the words for what changed the views.

    Raises NotFound where the run was deleted meanwhile, OSError.
    """
    if not run.folder.is_dir():
        raise NotFound(no_such_run(run.id))
    path = file.path(run)
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        tensors = {name: torch.tensor(np.ascontiguousarray(array)) for name, array in arrays.items()}
        write_tensors(temporary, tensors, {"augmentations": json.dumps(augmentations)})


def read_answers(
    run: Run, file: AnswerFile, needed: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The arrays of one file, and the words for its augmentations.

    Raises NotFound where there is no such file, Damaged where it cannot be read or lacks one of the
    `needed` arrays, or these do not belong to the same images.
    """
    said = f"predictions/{file.name} of run {run.id}"
    try:
        with open_tensors(file.path(run), "np") as content:
            arrays = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (no dict)
            words = json.loads((content.metadata() or {}).get("augmentations", "[]"))
    except FileNotFoundError as error:
        raise NotFound(f"Run {run.id} keeps no per-image answers ({file.name}).") from error
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise Damaged(f"{said} is damaged; evaluate this checkpoint again.") from error
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise Damaged(f"{said} lacks {', '.join(missing)}; evaluate this checkpoint again.")
    if len({array.shape[:1] for array in arrays.values()}) != 1 or len(arrays[needed[0]]) == 0:
        raise Damaged(f"{said} does not hold what it should; evaluate this checkpoint again.")
    return arrays, tuple(str(word) for word in words) if isinstance(words, list) else ()


def has_labels(run: Run, file: AnswerFile) -> bool:
    """Whether a file is there, can be read, and says the true class of each image."""
    try:
        read_answers(run, file, ("label", "predicted"))
    except (NotFound, Damaged):
        return False
    return True
