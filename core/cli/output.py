"""What the commands print."""

import sys
from collections.abc import Sequence
from typing import Any

from core.errors import shown
from core.files import to_json


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(to_json(value, indent=1))


def say(text: str = "") -> None:
    """A line on standard output. It may hold a name as a person typed it, or as it came with a folder: what
    a terminal would take for a command is left out."""
    print(shown(text, len(text)))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        say("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def note(text: str) -> None:
    """A line for the person, on standard error: standard output is for results."""
    sys.stderr.write(shown(text, len(text)) + "\n")
    sys.stderr.flush()
