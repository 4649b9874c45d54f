"""The two folders that a person owns: runs and data."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Workspace:
    """Where runs and data sets lie."""

    runs: Path
    data: Path


def find_workspace(environment: Mapping[str, str] = os.environ) -> Workspace:
    """The folders that PLATEAU_RUNS and PLATEAU_DATA name, else `runs` and `data` of the project."""
    return Workspace(
        runs=Path(environment.get("PLATEAU_RUNS") or _PROJECT / "runs").expanduser().resolve(),
        data=Path(environment.get("PLATEAU_DATA") or _PROJECT / "data").expanduser().resolve(),
    )
