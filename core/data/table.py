"""A folder of images beside a CSV with their classes, and a folder of unlabelled test images."""

import csv
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal, TextIO

import numpy as np

from core.data.collection import NO_LABEL, TRAIN, UNLABELLED, Collection, FilePictures, Workplace
from core.data.decode import SUFFIXES
from core.data.folder import existing_folder, is_image, readable, walk_files
from core.data.limits import LIMITS, Limits
from core.errors import BadInput, shown
from core.spec import Spec, setting

_HEADER = 100_000
"""Characters of a table's first line that tell what stands between its columns."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class TableSource(Spec):
    """A folder of images, a CSV with one row per image (its name and its class), and where there is
    one, a folder of unlabelled test images. Source: the usual layout of a Kaggle competition."""

    label: ClassVar[str] = "Folder and CSV"
    kind: Literal["table"] = "table"

    images: str = setting(label="Folder of images", min_length=1)
    """Where the images lie that the CSV names."""

    table: str = setting(label="CSV file", min_length=1)
    """One row per image, commas or semicolons, with a first row of column names."""

    test_images: str = setting("", label="Folder of test images")
    """Unlabelled images that a trained model is to classify. Empty: none."""

    id_column: str = setting("Id", label="Column of names", min_length=1)
    """Which column holds the image's file name, with or without its ending."""

    label_column: str = setting("Category", label="Column of classes", min_length=1)
    """Which column holds the image's class."""

    def collect(self, place: Workplace) -> Collection:
        """The images that the table names, and the unlabelled ones."""
        test = existing_folder(self.test_images) if self.test_images else None
        table = Path(self.table).expanduser()
        if not table.is_file():
            raise BadInput(f"The CSV file {shown(self.table, 300)} does not exist; give the path of a file.")
        return collect_table(table, existing_folder(self.images), test, self.id_column, self.label_column)


def collect_table(
    table: Path, images: Path, test_images: Path | None, id_column: str, label_column: str
) -> Collection:
    """The collection of a table and its folders of images."""
    rows = read_table(table, id_column, label_column)
    files = _Files(images)
    paths = [files.find(name, row, table.name) for row, name, _ in rows]
    _check_unique(rows, paths, table.name)
    classes = _sorted_classes({category for _, _, category in rows})
    label_of = {category: label for label, category in enumerate(classes)}
    labels = [label_of[category] for _, _, category in rows]
    unlabelled = [] if test_images is None else [path for path in walk_files(test_images) if is_image(path)]
    unnamed = len(files.paths) - len(set(paths))
    skipped = (
        [f"{unnamed} images of {images.name} left out: {table.name} has no row for them."] if unnamed else []
    )
    count, extra = len(paths), len(unlabelled)
    return Collection(
        classes=classes,
        pictures=FilePictures([*paths, *unlabelled]),
        names=[name for _, name, _ in rows]
        + [readable(p.relative_to(test_images).as_posix()) for p in unlabelled if test_images],
        labels=np.array([*labels, *[NO_LABEL] * extra], dtype=np.int64),
        splits=np.array([TRAIN] * count + [UNLABELLED] * extra, dtype=np.uint8),
        skipped=tuple(skipped),
    )


def read_table(
    table: Path, id_column: str, label_column: str, *, limits: Limits = LIMITS
) -> list[tuple[int, str, str]]:
    """(row, name, class) of every row of a CSV; rows count from 1, the column names being row 1."""
    called = shown(table.name)
    if table.stat().st_size > limits.table_bytes:
        most = limits.table_bytes // 1024**2
        raise BadInput(f"{called} is larger than {most} MB; split it, and import its parts one by one.")
    try:
        rows = list(islice(_rows(table, id_column, label_column, limits), limits.table_rows + 1))
    except UnicodeDecodeError as error:
        raise BadInput(f"{called} is not a text file in UTF-8; save it as 'CSV UTF-8'.") from error
    except csv.Error as error:
        raise BadInput(f"{called} is not a CSV file that can be read; save it as 'CSV UTF-8'.") from error
    if not rows:
        raise BadInput(f"{called} names no images; add a row for each image.")
    if len(rows) > limits.table_rows:
        raise BadInput(
            f"{called} has more than {limits.table_rows:,} rows; split it, and import its parts one by one."
        )
    return rows


def has_columns(table: Path, *columns: str) -> bool:
    """True where a CSV's first row has all these columns."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(_HEADER)
    except UnicodeDecodeError:
        return False
    names = [name.strip() for name in next(csv.reader([header], delimiter=_delimiter(header)), [])]
    return all(column in names for column in columns)


def _rows(table: Path, id_column: str, label_column: str, limits: Limits) -> Iterator[tuple[int, str, str]]:
    # utf-8-sig drops the byte-order mark that spreadsheets put in front.
    with table.open(encoding="utf-8-sig", newline="") as file:
        delimiter = _delimiter(file.readline(_HEADER))
        file.seek(0)
        records = _records(_Lines(file, delimiter, shown(table.name), limits))
        names = [name.strip() for name in next(records, [])]
        if not names:
            raise BadInput(f"{shown(table.name)} is empty; give it a first row that names the columns.")
        for column in (id_column, label_column):
            if names.count(column) != 1:
                there = ", ".join(f"'{shown(name)}'" for name in names[:8])
                raise BadInput(
                    f"{shown(table.name)} has no single column '{shown(column)}'; its columns are {there}; "
                    "choose one of them or correct the first row."
                )
        id_at, label_at = names.index(id_column), names.index(label_column)
        for row, values in enumerate(records, start=2):
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(names):
                raise BadInput(
                    f"{shown(table.name)}, row {row}: there are {len(values)} values for {len(names)} "
                    "columns; correct the row."
                )
            name, category = values[id_at].strip(), values[label_at].strip()
            if not name or not category:
                empty = shown(id_column if not name else label_column)
                raise BadInput(
                    f"{shown(table.name)}, row {row}: the column '{empty}' is empty; fill it in or remove "
                    "the row."
                )
            yield row, name, category


class _Lines:
    """The lines of a table as csv's reader takes them, several for a row whose quotations span lines.

    It makes an object of each value, so no row may be longer or have more columns than the limits say.
    """

    def __init__(self, file: TextIO, delimiter: str, called: str, limits: Limits) -> None:
        self.delimiter = delimiter
        self._file, self._called, self._limits = file, called, limits
        self._row = self._length = self._columns = 0

    def begin_row(self) -> None:
        """What comes next belongs to another row."""
        self._row += 1
        self._length, self._columns = 0, 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._limits.table_row - self._length + 1)
        if not line:
            raise StopIteration
        self._length += len(line)
        self._columns += line.count(self.delimiter)
        if self._length > self._limits.table_row:
            most = f"it is longer than {self._limits.table_row:,} characters"
            raise self._refused(f"{most}; correct its quotation marks or shorten it")
        if self._columns > self._limits.table_columns:
            most = f"there are more than {self._limits.table_columns:,} columns"
            raise self._refused(f"{most}; keep those of names and classes")
        return line

    def _refused(self, why: str) -> BadInput:
        return BadInput(f"{self._called}, row {self._row}: {why}.")


def _records(lines: _Lines) -> Iterator[list[str]]:
    """The values of each row."""
    reader = csv.reader(lines, delimiter=lines.delimiter, strict=True)
    while True:
        lines.begin_row()
        values = next(reader, None)
        if values is None:
            return
        yield values


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _check_unique(rows: list[tuple[int, str, str]], paths: list[Path], table: str) -> None:
    seen: dict[Path, int] = {}
    for (row, name, _), path in zip(rows, paths, strict=True):
        first = seen.setdefault(path, row)
        if first != row:
            raise BadInput(
                f"{shown(table)}, row {row}: '{shown(name)}' is already in row {first}; keep one of them."
            )


def _sorted_classes(categories: set[str]) -> tuple[str, ...]:
    """As numbers where all of them are ('2' before '10'), else as text."""
    if all(_INTEGER.fullmatch(category) for category in categories):
        return tuple(sorted(categories, key=lambda category: (int(category), category)))
    return tuple(sorted(categories))


class _Files:
    """The images below a folder by name, and by name without ending where that is clear."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[str, Path] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in walk_files(folder):
            if is_image(path):
                name = path.relative_to(folder).as_posix()
                self.paths[name] = path
                self._by_stem.setdefault(os.path.splitext(name)[0], []).append(path)  # noqa: PTH122  (text, no path)

    def find(self, name: str, row: int, table: str) -> Path:
        """The file of a row. Only names found in the folder count, so no name leads out of it."""
        path = self.paths.get(name)
        if path is not None:
            return path
        candidates = self._by_stem.get(name, [])
        if len(candidates) == 1:
            return candidates[0]
        where, folder = f"{shown(table)}, row {row}: ", shown(self.folder.name)
        if candidates:
            raise BadInput(
                f"{where}'{shown(name)}' may be {len(candidates)} files of {folder}; write it with its "
                "ending."
            )
        # A name with another ending is no image at all; any other is not there.
        suffix = Path(name).suffix.lower()
        remedy = (
            "add the file or remove the row"
            if not suffix or suffix in SUFFIXES
            else "correct its ending or remove the row"
        )
        raise BadInput(f"{where}there is no image '{shown(name)}' in {folder}; {remedy}.")
