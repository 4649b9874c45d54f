"""Append-only files of JSON rows: epochs.jsonl and steps.jsonl.

One row is one line. A reader goes on from the byte where it stopped. A last line without
its newline is not there yet (or was torn by a crash) and is left for later; a whole line that is
no JSON object with an `epoch` is damage: it is skipped and counted.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files import Durable, open_regular, sync_folder, to_json, write_text
from core.runs.packed_rows import PackedRows, ReadRow

Row = dict[str, Any]


Cursor = tuple[int, int]
"""Which file (its inode) and which byte to go on from."""

START: Cursor = (0, 0)
LONG_BYTES = 8_000_000
"""A longer file (20,000 epochs and more) is read in parts, and its rows are packed."""
PART_BYTES = 1_000_000


@dataclass(frozen=True)
class RowsRead:
    """Rows read, where to go on from, and how many lines could not be read."""

    rows: Sequence[ReadRow]
    cursor: Cursor
    restarted: bool = False
    """True where the file was replaced (cut by a resume): the rows are all of it, from its start."""
    damaged: int = 0


def append_row(path: Path, row: Row, *, durable: bool = False) -> None:
    """Append one row. With `durable` it is on the disk when this returns."""
    line = (to_json(row) + "\n").encode()
    with path.open("ab") as file:
        first = file.tell() == 0
        file.write(line)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable and first:
        # A new file's name is on the disk only once its folder is.
        sync_folder(path.parent)


def read_rows(path: Path, cursor: Cursor = START, most_bytes: int | None = None) -> RowsRead:
    """The whole rows from `cursor` on; none where the file does not exist. With `most_bytes` about so
    many bytes of them: the next call goes on behind. Raises OSError where it is no ordinary file."""
    if most_bytes is not None or _size_behind(path, cursor) <= LONG_BYTES:
        return _read_part(path, cursor, most_bytes)
    rows, damaged, restarted = PackedRows(), 0, False
    while True:
        part = _read_part(path, cursor, PART_BYTES)
        if part.restarted:
            # It is another file, perhaps since the last part: its rows are all that counts.
            rows, damaged, restarted = PackedRows(), 0, True
        rows.extend(part.rows)
        damaged += part.damaged
        if part.cursor == cursor:
            return RowsRead(rows, cursor, restarted, damaged)
        cursor = part.cursor


def _size_behind(path: Path, cursor: Cursor) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size - cursor[1] if found.st_ino == cursor[0] else found.st_size


def _read_part(path: Path, cursor: Cursor, most_bytes: int | None) -> RowsRead:
    """As `read_rows`, with the rows as a list of dicts."""
    inode, offset = cursor
    try:
        with open_regular(path) as file:
            found = os.fstat(file.fileno())
            restarted = cursor != START and (found.st_ino != inode or found.st_size < offset)
            if restarted:
                offset = 0
            file.seek(offset)
            content = file.read() if most_bytes is None else file.read(most_bytes) + file.readline()
    except FileNotFoundError:
        return RowsRead([], START, restarted=cursor != START)
    end = content.rfind(b"\n") + 1
    rows, damaged = [], 0
    for line in content[:end].splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict) and _is_epoch(row.get("epoch")):
            # Every row brings its own copies of the keys along: one of each is enough.
            rows.append({sys.intern(key): _number(value) for key, value in row.items()})
        else:
            damaged += 1
    return RowsRead(rows, (found.st_ino, offset + end), restarted, damaged)


def write_rows(path: Path, rows: Iterable[ReadRow], *, durable: Durable = True) -> None:
    """Replace all rows in one step; `durable` waits for the disk."""
    write_text(path, _text(rows), durable=durable)


def restore_rows(path: Path, rows: Sequence[ReadRow]) -> None:
    """Let the file hold these rows and nothing else, not even a torn line, onto which the next row would
    be written; a file that does is left alone."""
    try:
        with open_regular(path) as file:
            as_it_is = file.read()
    except FileNotFoundError:
        as_it_is = b""
    text = _text(rows)
    if as_it_is != text.encode():
        write_text(path, text)


def cut_rows(path: Path, last_epoch: int) -> None:
    """Drop every row after `last_epoch`, torn and damaged lines too: what a resume starts with."""
    restore_rows(path, [row for row in read_rows(path).rows if row["epoch"] <= last_epoch])


def _text(rows: Iterable[ReadRow]) -> str:
    return "".join(to_json(dict(row)) + "\n" for row in rows)


def _is_epoch(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any) -> Any:
    """'nan' and 'inf' were stored as words, for JSON has no such numbers."""
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value
