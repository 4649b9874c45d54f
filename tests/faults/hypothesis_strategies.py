"""Hostile content as Hypothesis draws it: bytes, JSON and CSV, and what a target of such text is fed.

Everything shrinks towards the valid content that it was made from.
"""

import copy
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from hypothesis import strategies as st

from core.files import to_json
from tests.faults.fuzz_mutations import (
    DEEP,
    LONG_NUMBER,
    NAME_PARTS,
    NUMBERS,
    TEXTS,
    TOKENS,
    as_json,
    places,
)
from tests.faults.fuzz_of_data import Tables
from tests.faults.fuzz_of_recipes import RecipeText
from tests.faults.fuzz_of_runs import Rows, StatusFile

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]
"""What a composite strategy is given."""


def one_in(count: int) -> st.SearchStrategy[bool]:
    """True once in so many times; it shrinks to False."""
    return st.integers(1, count).map(lambda drawn: drawn == count)


# Bytes


def _packed(number: int, form: str) -> bytes:
    return struct.pack(form, number % 256 ** struct.calcsize(form))


def _over(piece: bytes, content: bytes, at: int) -> bytes:
    return content[:at] + piece + content[at + len(piece) :]


def _between(piece: bytes, content: bytes, at: int) -> bytes:
    return content[:at] + piece + content[at:]


def _without(length: int, content: bytes, at: int) -> bytes:
    return content[:at] + content[at + length :]


def _cut(content: bytes, at: int) -> bytes:
    return content[:at]


def _flipped(bit: int, content: bytes, at: int) -> bytes:
    return content[:at] + bytes(byte ^ 1 << bit for byte in content[at : at + 1]) + content[at + 1 :]


def _repeated(length: int, content: bytes, at: int) -> bytes:
    return _between(content[at : at + length], content, at)


_NUMBERS = st.sampled_from(NUMBERS) | st.integers(0, 2**64 - 1)
_PIECES = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from(TOKENS),
    st.builds(_packed, _NUMBERS, st.sampled_from(["B", "<H", ">H", "<I", ">I", "<Q", ">Q"])),
)
_CHANGES: st.SearchStrategy[Callable[[bytes, int], bytes]] = st.one_of(
    st.integers(0, 7).map(lambda bit: partial(_flipped, bit)),
    _PIECES.map(lambda piece: partial(_over, piece)),
    _PIECES.map(lambda piece: partial(_between, piece)),
    st.integers(1, 200).map(lambda length: partial(_without, length)),
    st.integers(1, 200).map(lambda length: partial(_repeated, length)),
    st.just(_cut),
)


@st.composite
def mutated(draw: Draw[Any], content: bytes, least: int = 0, most: int = 4) -> bytes:
    """The bytes with so many changes at drawn places: flips, cuts, insertions, repeats, numbers."""
    for _ in range(draw(st.integers(least, most))):
        at = draw(st.integers(0, len(content)))
        content = draw(_CHANGES)(content, at)
    return content


# JSON

STRINGS = st.text(st.characters(), max_size=12) | st.sampled_from(TEXTS)
"""Any text, lone surrogates too, and the known hostile ones."""
_PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.integers(),
    st.sampled_from(NUMBERS),
    st.floats(),
    STRINGS,
    st.sampled_from([LONG_NUMBER, DEEP]),
)
_BRANCHES = st.lists(_PLAIN, max_size=3) | st.dictionaries(STRINGS, _PLAIN, max_size=3)
_TREES = st.lists(_PLAIN | _BRANCHES, max_size=3) | st.dictionaries(STRINGS, _PLAIN | _BRANCHES, max_size=3)
VALUES = st.one_of(_PLAIN, _PLAIN, _BRANCHES, _TREES)
"""Trees as JSON can hold them, most of them a single value."""


@st.composite
def near(draw: Draw[Any], seeds: Sequence[Any], least: int = 0, most: int = 3) -> Any:
    """One of the values with parts replaced, dropped, added, renamed, moved, scaled, or put in a list."""
    root = [copy.deepcopy(draw(st.sampled_from(seeds)))]
    for _ in range(draw(st.integers(least, most))):
        holder, key = draw(st.sampled_from(places(root)))
        match draw(st.integers(0, 7)):
            case 0 | 1:
                holder[key] = draw(VALUES)
            case 2 if holder is not root:
                del holder[key]
            case 3 if isinstance(holder[key], dict):
                holder[key][draw(STRINGS)] = draw(VALUES)
            case 3 | 4 if isinstance(holder, dict):
                holder[draw(STRINGS)] = holder.pop(key)
            case 5:
                other, where = draw(st.sampled_from(places([draw(st.sampled_from(seeds))])))
                holder[key] = copy.deepcopy(other[where])
            case 6 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = holder[key] * draw(st.sampled_from((2, -1, 0.5))) if _small(holder[key]) else 0
            case _:
                holder[key] = [holder[key]] * draw(st.integers(1, 2))
    return root[0]


def _small(number: float) -> bool:
    """Whether it can be multiplied by any number."""
    return abs(number) < 1e300


def as_text(value: Any) -> st.SearchStrategy[bytes]:
    """The value as JSON, in one of the ways in which it can be written."""
    ways = [(None, True, 3), (None, False, 300), (1, True, 300), (1, False, 100_000)]
    return st.sampled_from(ways).map(lambda way: as_json(value, *way))


@st.composite
def documents(draw: Draw[Any], seeds: Sequence[Any]) -> bytes:
    """JSON close to one of the values, or any JSON; some of it with changed bytes."""
    value = draw(VALUES) if draw(one_in(10)) else draw(near(seeds))
    content = draw(as_text(value))
    return draw(mutated(content, least=1)) if draw(one_in(4)) else content


def recipes(target: RecipeText) -> st.SearchStrategy[bytes]:
    """Recipe files."""
    return documents(target.drafts)


def statuses(target: StatusFile) -> st.SearchStrategy[bytes]:
    """status.json of a run."""
    return documents(target.seeds)


@st.composite
def rows(draw: Draw[Any], target: Rows) -> tuple[bytes, int]:
    """epochs.jsonl, and where a reader was interrupted."""
    line = st.one_of(
        near(target.rows).map(lambda row: as_json(row, None, True, 300)),
        documents(target.rows).map(lambda content: content.replace(b"\n", b" ")),
        st.binary(max_size=30),
    )
    lines = [to_json(target.rows[0]).encode(), *draw(st.lists(line, max_size=4))]
    content = b"\n".join(lines) + draw(st.sampled_from((b"\n", b"")))
    if draw(one_in(4)):
        content = draw(mutated(content, least=1))
    return content, draw(st.integers(0, len(content)))


# CSV

_HEADERS = st.sampled_from(["x", "Usage", "", " Id", "id"]) | STRINGS
_LABELS = st.sampled_from(["cat", "0", "1", "10", "-3", "+4", "a,b", 'say "cat"', "two\nlines", "🙂", ""])
_CELLS = _LABELS | STRINGS | st.sampled_from(NAME_PARTS)
_ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "cp037"]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


_WRITTEN: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        str,
        str,
        str,
        _quoted,
        _quoted,
        '"{}'.format,
        '{}"'.format,
        ' "{}" '.format,
        "'{}'".format,
        "{}\0".format,
    ]
)
"""Ways to write a cell; most of them are right."""


@st.composite
def _table(draw: Draw[Any], files: Sequence[str]) -> list[list[str]]:
    """Header and rows as they should be, then up to two cells put in, taken away or made hostile."""
    others = draw(st.lists(_HEADERS, max_size=2))
    ids = [*files, *(name.rpartition(".")[0] for name in files)]
    named = draw(st.lists(st.sampled_from(ids), max_size=5, unique=True))
    labels = _LABELS if draw(one_in(4)) else st.sampled_from(["cat", "dog", "1"])
    table = [["Id", "Category", *others]]
    table += [[name, draw(labels), *["x"] * len(others)] for name in named]
    for _ in range(draw(st.integers(0, 2))):
        row = draw(st.sampled_from(table))
        at = draw(st.integers(0, len(row)))
        kept = draw(st.integers(0, 1))
        row[at : at + 1 - kept] = draw(st.lists(_CELLS, max_size=1))
    return table


@st.composite
def tables(draw: Draw[Any], target: Tables) -> bytes:
    """CSV: hostile names of columns and files, quotes, NULs, ragged rows, any encoding, changed bytes."""
    table = draw(_table(target.FILES))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    untouched = not draw(one_in(3))
    lines = (
        delimiter.join(_quoted(cell) if untouched else draw(_WRITTEN)(cell) for cell in row) for row in table
    )
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(lines) + draw(st.sampled_from([end, "", end * 2]))
    encoding = draw(st.sampled_from(_ENCODINGS)) if draw(one_in(8)) else "utf-8"
    content = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return draw(mutated(content, least=1)) if draw(one_in(4)) else content
