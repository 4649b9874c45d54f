"""What a process holds: memory, open files, threads (Linux)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """A process at a moment."""

    rss_mb: float
    """Resident memory, 1 MB = 1,000,000 bytes."""
    handles: int
    """Open files, sockets and pipes."""
    threads: int

    def __str__(self) -> str:
        return f"{self.rss_mb:7.0f} MB, {self.handles:4} handles, {self.threads:3} threads"


def size_of(process: int) -> Size:
    """The process as it is now. Raises FileNotFoundError where it is gone."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line
    )
    handles = sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())
    return Size(int(status["VmRSS"].split()[0]) * 1024 / 1e6, handles, int(status["Threads"]))
