"""Interrupted runs: which of them are offered to be resumed, and which resume by themselves at the app's
start.

Two small files beside the runs remember what was put away and what was tried. Both may be lost: then a
run is offered, or tried, once more.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from core.errors import BadInput, Busy, Damaged, PlateauError
from core.files import read_json, write_json
from core.runs.run import RUN_ID, Run, RunEntry
from core.runs.status import ACTIVE, Status
from core.runs.store import RunStore

Resuming = Literal["ask", "auto"]
VARIABLE = "PLATEAU_RESUME"
MOST_TRIES = 3
"""So often a run resumes by itself without an epoch more: one that brings down the app each time would
do so for ever."""
CLICKS_S = 3.0
"""How long a click waits for others on the same run, of which one after the other has it."""

_PUT_AWAY, _TRIED = ".put-away.json", ".tried.json"
_log = logging.getLogger("plateau.queue")


def default_resuming(environment: Mapping[str, str] = os.environ) -> Resuming:
    """What becomes of interrupted runs at the app's start: as PLATEAU_RESUME says, else a person is asked.

    Raises BadInput for an unknown value.
    """
    match environment.get(VARIABLE) or "ask":
        case "ask":
            return "ask"
        case "auto":
            return "auto"
        case other:
            raise BadInput.at(
                VARIABLE, other, "must be 'ask' or 'auto'", "set it to one of them, or not at all"
            )


def interrupted(store: RunStore) -> list[RunEntry]:
    """Every interrupted run, newest first."""
    return [entry for entry in store.list() if entry.state == "interrupted"]


def offered(store: RunStore) -> list[RunEntry]:
    """The interrupted runs that nobody has put away since, newest first."""
    found = interrupted(store)
    away = _read(store, _PUT_AWAY) if found else {}
    return [entry for entry in found if entry.status and away.get(entry.id) != _mark(entry.status)]


def put_away(store: RunStore, runs: Sequence[Run]) -> None:
    """Offer these runs no more, unless they are interrupted once more. They stay as they are."""
    away = _read(store, _PUT_AWAY)
    for run in runs:
        away[run.id] = _mark(run.status())
    _write(store, _PUT_AWAY, away)


def resume(store: RunStore, run: Run) -> bool:
    """Put a run back into the queue. False where it goes on already, or has come to its end: the second
    of two clicks wants nothing else. Raises what RunStore.resume does."""
    until = time.monotonic() + CLICKS_S
    while True:
        try:
            store.resume(run)
        except (BadInput, Busy) as error:
            if run.status().state in ("queued", "finished", *ACTIVE):
                return False
            # Another click may hold the run, and not have written down yet that it goes on.
            if not isinstance(error, Busy) or time.monotonic() > until:
                raise
        else:
            return True


def resume_by_itself(store: RunStore, runs: Sequence[Run]) -> list[Run]:
    """Resume those of these runs that are interrupted and not put away, the oldest first and before
    everything that waits, as they had trained before it. Returns those that were resumed."""
    resumed: list[Run] = []
    for run in sorted(runs, key=lambda run: run.id):
        try:
            if _may_try(store, run) and resume(store, run):
                resumed.append(run)
                store.move(run, len(resumed) - len(store.queue()))
                _log.info("run %s was interrupted and goes on by itself", run.id)
        except (PlateauError, OSError) as error:
            # One that cannot go on keeps no other from it.
            _log.warning("run %s was interrupted and could not be resumed: %s", run.id, error)
    return resumed


def _may_try(store: RunStore, run: Run) -> bool:
    """Whether this run may resume by itself; that it was tried is put down before it is."""
    status = run.status()
    if status.state != "interrupted" or _read(store, _PUT_AWAY).get(run.id) == _mark(status):
        return False
    tried = {
        known: seen
        for known, seen in _read(store, _TRIED).items()
        if RUN_ID.fullmatch(known) and (store.folder / known).is_dir()
    }
    times = 1
    match tried.get(run.id):
        case [status.epoch, int(before)]:
            times += before
    if times > MOST_TRIES:
        _log.warning(
            "run %s has resumed by itself %d times without an epoch more, and waits for a person",
            run.id,
            MOST_TRIES,
        )
        return False
    _write(store, _TRIED, tried | {run.id: [status.epoch, times]})
    return True


def _mark(status: Status) -> list[float]:
    """Tells this interruption of a run from its next one."""
    return [status.epoch, status.elapsed_s]


def _read(store: RunStore, name: str) -> dict[str, Any]:
    with suppress(FileNotFoundError, Damaged):
        content = read_json(_path(store, name)).get("runs")
        if isinstance(content, dict):
            return content
    return {}


def _write(store: RunStore, name: str, runs: dict[str, Any]) -> None:
    write_json(_path(store, name), {"runs": runs})


def _path(store: RunStore, name: str) -> Path:
    return store.folder / name
