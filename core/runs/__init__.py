"""Runs: their folders, their training, their queue."""

from core.runs.job import JobQueue
from core.runs.rows import START, Cursor, RowsRead
from core.runs.run import CheckpointChoice, Look, Notes, Run, RunEntry
from core.runs.status import ACTIVE, RESUMABLE, State, Status
from core.runs.store import RunStore, now
from core.runs.training import train

__all__ = [
    "ACTIVE",
    "RESUMABLE",
    "START",
    "CheckpointChoice",
    "Cursor",
    "JobQueue",
    "Look",
    "Notes",
    "RowsRead",
    "Run",
    "RunEntry",
    "RunStore",
    "State",
    "Status",
    "now",
    "train",
]
