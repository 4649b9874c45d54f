"""Imports in the background: they go on while a person reads another page, one at a time.

The state lives in memory only: an import that its server does not survive leaves nothing behind but
a staging folder, which the next start or import removes.
"""

import logging
import re
import shutil
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, Literal

from pydantic import PrivateAttr

from core.data import Source, ZipSource
from core.data.archive import Extracted, extract_zip
from core.data.collection import Workplace
from core.data.dataset import DatasetInfo
from core.data.library import Library, check_name
from core.data.options import ImportOptions
from core.errors import BadInput, Busy, PlateauError

_log = logging.getLogger("plateau.import")

_UNCOMMON = re.compile(r"[^\w.() -]")

JobState = Literal["running", "done", "failed", "cancelled"]


class _Cancelled(Exception):
    """Raised out of the import's own progress call when somebody asked for it."""


class UploadedZip(ZipSource):
    """A zip archive that came from a browser: its bytes lie in a file without a name only while they are
    imported, and the data set remembers the archive's own name. Source: as ZipSource."""

    _file: IO[bytes] = PrivateAttr()

    @classmethod
    def keep(cls, content: IO[bytes], name: str, folder: Path, **fields: str) -> "UploadedZip":
        """Write an upload to the disk that has `folder`; `fields` are those of ZipSource besides its path."""
        # A browser may send any name: only harmless characters of its last part are kept.
        clean = _UNCOMMON.sub("_", name.replace("\\", "/").rpartition("/")[2])
        clean = clean.encode("utf-8", "replace")[-100:].decode("utf-8", "ignore").lstrip(".")
        source = cls.model_validate({"path": clean or "upload.zip", **fields})
        folder.mkdir(parents=True, exist_ok=True)
        # The system takes back what has no name as soon as nobody has it open: however the process ends.
        source._file = tempfile.TemporaryFile(dir=folder, prefix=".upload-")  # noqa: SIM115  `close` is for others
        try:
            shutil.copyfileobj(content, source._file)
        except BaseException:
            source.close()
            raise
        return source

    def close(self) -> None:
        """Drop the bytes."""
        self._file.close()

    def _extract(self, place: Workplace, into: Path) -> Extracted:
        return extract_zip(self._file, into, name=self.path, progress=place.progress)


class ImportJob:
    """One import in a thread of its own. Its fields may be read from any thread."""

    def __init__(
        self,
        number: int,
        library: Library,
        source: Source,
        name: str,
        options: ImportOptions,
    ) -> None:
        self.number = number
        self.name = name
        self.stage, self.done, self.total = "Looking at the files", 0, 0
        self.state: JobState = "running"
        self.message = ""
        """One sentence where it failed."""
        self.info: DatasetInfo | None = None
        self._library, self._source, self._options = library, source, options
        self._cancel = threading.Event()
        # A daemon: a server that ends does not wait for it, and an import leaves nothing half-done.
        self._thread = threading.Thread(target=self._run, name=f"import-{name}", daemon=True)
        self._thread.start()

    @property
    def fraction(self) -> float:
        """How much of the current stage is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def cancel(self) -> None:
        """Ask it to end soon; nothing of it stays."""
        self._cancel.set()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end."""
        return self._cancel.is_set()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until it is over."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        # The state changes last: who sees it changed finds everything else in place.
        state: JobState
        try:
            self.info = self._library.import_dataset(self._source, self.name, self._options, self._progress)
            state = "done"
        except _Cancelled:
            state = "cancelled"
        except PlateauError as error:
            state, self.message = "failed", str(error)
        except Exception:  # noqa: BLE001  the thread's last line of defence: a page waits for its end
            _log.exception("the import of %s failed", self.name)
            state = "failed"
            self.message = (
                f"An unexpected error ended the import of {self.name}, and nothing of it was kept; the "
                "server's log has the details."
            )
        finally:
            if isinstance(self._source, UploadedZip):
                self._source.close()
        self.state = state

    def _progress(self, stage: str, done: int, total: int) -> None:
        if self._cancel.is_set():
            raise _Cancelled
        self.stage, self.done, self.total = stage, done, total


class ImportJobs:
    """The imports into one library, one at a time: the one that runs, and how the last ones ended.

    Many sessions look at them. Each is to be told of an import's end once, so jobs have numbers that
    grow, and a session asks for what ended after the number that it was told last.
    """

    def __init__(self) -> None:
        self._jobs: deque[ImportJob] = deque(maxlen=_KEPT)
        self._lock = threading.RLock()
        self._heard = 0

    @property
    def running(self) -> ImportJob | None:
        """The import that is under way, if any."""
        with self._lock:
            job = self._jobs[-1] if self._jobs else None
        return job if job and job.state == "running" else None

    @property
    def heard(self) -> int:
        """The highest number of an import whose end some session was told: where a new one begins."""
        return self._heard

    def check(self, library: Library, name: str) -> None:
        """Whether an import of this name may begin. Raises Busy while another one runs, BadInput for
        a name that cannot be used."""
        check_name(name)
        if any(found.name.casefold() == name.casefold() for found in library.list()):
            raise BadInput(f"The name {name} is taken; choose another one.")
        running = self.running
        if running:
            raise Busy(f"The data set {running.name} is being imported; wait for it or cancel it.")

    def start(self, library: Library, source: Source, name: str, options: ImportOptions) -> ImportJob:
        """Begin an import, which closes an upload when it is over.

        Raises as `check` does; the upload stays the caller's then.
        """
        with self._lock:
            self.check(library, name)
            number = self._jobs[-1].number + 1 if self._jobs else 1
            job = ImportJob(number, library, source, name, options)
            self._jobs.append(job)
            return job

    def ended_after(self, number: int) -> list[ImportJob]:
        """The imports after this number that have ended, the last ones at least, in their order."""
        with self._lock:
            ended = [job for job in self._jobs if job.number > number and job.state != "running"]
            self._heard = max([self._heard, *(job.number for job in ended)])
        return ended


_KEPT = 20
_ALL_LOCK = threading.Lock()
_ALL: dict[Path, ImportJobs] = {}
"""By library. An import outlives the page that began it and every cache of the pages, so it is held
here for as long as the server lives."""


def jobs_of(library: Library) -> ImportJobs:
    """The imports into this library, for everybody in this process."""
    with _ALL_LOCK:
        return _ALL.setdefault(library.folder.resolve(), ImportJobs())
