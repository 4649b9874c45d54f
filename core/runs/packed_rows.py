"""Very many rows in little memory: a million dicts of a dozen numbers take two gigabytes, and when they are
let go the process keeps part of it. Here the numbers of some thousand rows lie side by side in arrays."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union, overload

ReadRow = Mapping[str, Any]
"""A row as it was read, which nobody changes."""
_Column = Union["array[float]", "array[int]", list[Any]]


class PackedRows(Sequence[ReadRow]):
    """Rows in their order, added part by part.

    A row that is asked for by its place is a dict of its own. Those that one goes through are looks at the
    arrays, which cost little while somebody holds them.
    """

    def __init__(self) -> None:
        self._parts: list[_Part | list[ReadRow]] = []
        self._starts: list[int] = []
        self._count = 0

    def extend(self, rows: Sequence[ReadRow]) -> None:
        """Add rows; they are copied where they can be packed."""
        if not rows:
            return
        self._parts.append(_Part.of(rows) or list(rows))
        self._starts.append(self._count)
        self._count += len(rows)

    def column(self, key: str) -> Sequence[Any]:
        """The value of every row, None where a row has none; an array where all are floats."""
        columns = [_column(part, key) for part in self._parts]
        floats = all(isinstance(column, array) and column.typecode == "d" for column in columns)
        found: array[float] | list[Any] = array("d") if floats else []
        for column in columns:
            found.extend(column)
        return found

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        places = range(self._count)[at]  # which knows of negative places, and raises IndexError
        if isinstance(places, range):
            return [self._row(place) for place in places]
        return self._row(places)

    def __iter__(self) -> Iterator[ReadRow]:
        for part in self._parts:
            yield from part

    def _row(self, place: int) -> dict[str, Any]:
        number = bisect_right(self._starts, place) - 1
        return dict(self._parts[number][place - self._starts[number]])


class _Part:
    """Rows with the same keys in the same order."""

    def __init__(self, columns: dict[str, _Column], count: int) -> None:
        self.columns, self._count = columns, count

    @classmethod
    def of(cls, rows: Sequence[ReadRow]) -> "_Part | None":
        keys = tuple(rows[0])
        if any(tuple(row) != keys for row in rows):
            return None
        return cls({key: _packed(row[key] for row in rows) for key in keys}, len(rows))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> ReadRow:
        return _RowOf(self.columns, at)

    def __iter__(self) -> Iterator[ReadRow]:
        return (_RowOf(self.columns, at) for at in range(self._count))


class _RowOf(Mapping[str, Any]):
    """A row as a look at its part."""

    __slots__ = ("_at", "_columns")

    def __init__(self, columns: dict[str, _Column], at: int) -> None:
        self._columns, self._at = columns, at

    def __getitem__(self, key: str) -> Any:
        return self._columns[key][self._at]

    def get(self, key: str, default: Any = None) -> Any:
        column = self._columns.get(key)
        return default if column is None else column[self._at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _column(part: "_Part | list[ReadRow]", key: str) -> _Column:
    if not isinstance(part, _Part):
        return [row.get(key) for row in part]
    found = part.columns.get(key)
    return [None] * len(part) if found is None else found


def _packed(values: Iterable[Any]) -> _Column:
    """An array where all are floats or all are whole numbers of 64 bits: what comes out is what went in."""
    column = list(values)
    kinds = set(map(type, column))
    if kinds == {float}:
        return array("d", column)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in column):
        return array("q", column)
    return column
