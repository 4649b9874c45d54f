"""The diary as a file: a zip of Markdown and pictures, or one HTML file."""

import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Literal

from core.data import Progress
from core.errors import BadInput
from core.insight.diary import html
from core.insight.diary.entries import Diary, DiaryEntry
from core.insight.diary.markdown import markdown_lines
from core.insight.diary.pictures import Pictures
from core.runs import RunEntry, RunStore, now
from core.words import moment

Form = Literal["zip", "html"]
READING, DRAWING = "Reading the runs", "Drawing the curves"


def form_of(name: str) -> Form:
    """What a file of this name is to hold. Raises BadInput for any other ending."""
    match PurePath(name).suffix.lower():
        case ".zip":
            return "zip"
        case ".html" | ".htm":
            return "html"
    raise BadInput(
        f"--out {name}: must end in .zip (Markdown with its pictures) or .html (one file with all inside)."
    )


def pictures_of(store: RunStore) -> Pictures:
    """Pictures that are kept beside the runs, so that the next diary need not draw them again."""
    return Pictures(store.folder / ".pictures")


@dataclass(frozen=True)
class Written:
    """What went into a diary."""

    runs: int
    pictures: int


def write_diary(
    target: BinaryIO,
    form: Form,
    diary: Diary,
    chosen: Sequence[RunEntry],
    pictures: Pictures,
    progress: Progress | None = None,
) -> Written:
    """Write the entries of the `chosen` runs, in the diary's order, to `target`."""
    wanted = {run.id for run in chosen}
    runs = [run for run in diary.entries if run.id in wanted]
    told = progress or _silent
    entries = []
    for done, run in enumerate(runs):
        told(READING, done, len(runs))
        entries.append(diary.entry(run))
    written = moment(now())
    drawn = _drawn(entries, pictures, told)
    count = _zip(target, entries, drawn, written) if form == "zip" else _html(target, entries, drawn, written)
    if len(runs) == len(diary.entries):
        pictures.forget_others()
    return Written(len(entries), count)


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody wants to know."""


def _drawn(
    entries: Sequence[DiaryEntry], pictures: Pictures, progress: Progress
) -> Iterator[tuple[DiaryEntry, bytes | None]]:
    """Each entry with its picture, one at a time: no more than one is held."""
    for done, entry in enumerate(entries):
        progress(DRAWING, done, len(entries))
        yield entry, pictures.png(entry.picture) if entry.picture else None
    progress(DRAWING, len(entries), len(entries))


def _zip(
    target: BinaryIO,
    entries: Sequence[DiaryEntry],
    drawn: Iterator[tuple[DiaryEntry, bytes | None]],
    written: str,
) -> int:
    paths = {}
    digits = len(str(max((entry.number for entry in entries), default=0)))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, png in drawn:
            if png is not None:
                paths[entry.id] = f"pictures/{entry.number:0{max(2, digits)}}-{entry.id}.png"
                # A PNG is packed already.
                archive.writestr(_member(paths[entry.id]), png, zipfile.ZIP_STORED)
        text = "\n".join(markdown_lines(entries, paths, written=written)) + "\n"
        archive.writestr(_member("diary.md"), text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
    return len(paths)


def _member(name: str) -> zipfile.ZipInfo:
    """A file of the zip, dated now and readable for all, as other programs leave it."""
    info = zipfile.ZipInfo(name, date_time=time.localtime()[:6])
    info.external_attr = 0o644 << 16
    return info


def _html(
    target: BinaryIO,
    entries: Sequence[DiaryEntry],
    drawn: Iterator[tuple[DiaryEntry, bytes | None]],
    written: str,
) -> int:
    pictures = 0

    def write(lines: Iterator[str]) -> None:
        for line in lines:
            target.write(f"{line}\n".encode("utf-8", "replace"))

    linked = {entry.id for entry in entries}
    write(html.opening(entries, written=written))
    for entry, png in drawn:
        pictures += png is not None
        write(html.section(entry, png, linked))
    write(html.closing())
    return pictures
