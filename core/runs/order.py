"""The order of the queue: a small file with a place for each waiting run, so that every process that has the
folder sees the same one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import Damaged
from core.files import read_json, write_json
from core.runs.run import RUN_ID


@dataclass(frozen=True)
class Order:
    """The places of the waiting runs, by their ids."""

    folder: Path

    def ids(self) -> list[str]:
        """Who waits, the next one first. A place that cannot be read is the last."""
        return [run_id for _, run_id in sorted(self._places())]

    def append(self, run_id: str) -> None:
        """A place behind all others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        last = max((place for place, _ in self._places()), default=0.0)
        write_json(self.folder / run_id, {"position": last + 1.0})

    def rearrange(self, ids: Sequence[str]) -> None:
        """Give these runs their places anew, in this order."""
        for place, run_id in enumerate(ids, start=1):
            write_json(self.folder / run_id, {"position": float(place)}, durable=False)

    def remove(self, run_id: str) -> None:
        """Take a run's place away, if it has one."""
        (self.folder / run_id).unlink(missing_ok=True)

    def _places(self) -> list[tuple[float, str]]:
        if not self.folder.is_dir():
            return []
        found = []
        for path in self.folder.iterdir():
            if not RUN_ID.fullmatch(path.name):
                continue
            try:
                found.append((float(read_json(path)["position"]), path.name))
            except FileNotFoundError:
                continue
            except (Damaged, ValueError, KeyError, TypeError, OverflowError):
                found.append((float("inf"), path.name))
        return found
