"""Small files, written so that a reader sees the old content or the new one, never a part."""

import errno
import json
import math
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

from core.errors import Damaged

Durable = bool | Literal["content"]
"""What a replacement waits for: content and name on the disk (True), the content alone, so that a power
loss leaves the old file or the new one, each whole ('content'), or nothing: for what can be made again."""


SMALL_BYTES = 64 * 1024**2
"""No small file of ours is larger: what is was put there, and is not read into memory."""


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power loss (where the system can)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(folder: Path) -> None:
    """Make the content of every file in `folder` survive a power loss; their names are `sync_folder`'s."""
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


@contextmanager
def replacing(path: Path, *, durable: Durable = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path` in one step.

    `durable` says what this waits for. On an error the temporary file is removed and `path` is as it
    was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable is True:
            sync_folder(path.parent)
    finally:
        # After a success too: where both are links to one file, a rename leaves both.
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, durable: Durable = True) -> None:
    """Replace the text file at `path` in one step."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_new(path: Path, text: str) -> None:
    """Write a file into a folder that is still to get its name, so that nobody can see a part of it; what
    waits for the disk is `sync_files` and `sync_folder`, once for all of them."""
    path.write_text(text, encoding="utf-8")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON without NaN or infinity: such a number is stored as the word ('nan', 'inf', '-inf').

    Halves of characters, as a shell of another encoding gives them, become question marks: UTF-8
    cannot hold them.
    """
    encoder = _encoder(indent)
    try:
        text = encoder.encode(value)
    except ValueError:  # seldom, and looking for it each time would take as long as all the rest
        text = encoder.encode(_without_nan(value))
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@cache
def _encoder(indent: int | None) -> json.JSONEncoder:
    """Kept, for `json.dumps` makes one for each row."""
    return json.JSONEncoder(allow_nan=False, ensure_ascii=False, indent=indent)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value


def write_json(path: Path, value: Any, *, durable: Durable = True) -> None:
    """Replace the JSON file at `path` in one step."""
    write_text(path, to_json(value, indent=1) + "\n", durable=durable)


def open_regular(path: Path) -> IO[bytes]:
    """An ordinary file, to be read. A link is not followed and a pipe not waited for.

    Raises FileNotFoundError, OSError where it is anything else.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "It is no ordinary file", str(path))
    return os.fdopen(descriptor, "rb")


def read_small(path: Path) -> bytes:
    """The content of a small file of ours.

    Raises FileNotFoundError, OSError where it is no ordinary file or a huge one.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > SMALL_BYTES:
            raise OSError(errno.EFBIG, "It is no small file", str(path))
        return file.read()


def read_json(path: Path, remedy: str = "put back a copy of it") -> dict[str, Any]:
    """The JSON object in `path`; `remedy` ends the sentence of the error.

    Raises FileNotFoundError where there is no such file, Damaged where it holds no JSON object or
    cannot be read at all.
    """
    try:
        value = json.loads(read_small(path).decode("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        # ValueError: no UTF-8, no JSON, or a number with thousands of digits.
        said = f"{path.name} of {path.parent.name} is damaged and cannot be read; {remedy}."
        raise Damaged(said) from error
    if not isinstance(value, dict):
        raise Damaged(f"{path.name} of {path.parent.name} does not hold what it should; {remedy}.")
    return value
