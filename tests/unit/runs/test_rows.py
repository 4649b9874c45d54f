"""Append-only rows: a reader gets whole rows only, each once, whatever happened to the file."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from core.runs import START
from core.runs.rows import append_row, cut_rows, read_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "epochs.jsonl"


def fill(path: Path, *epochs: int) -> None:
    for epoch in epochs:
        append_row(path, {"epoch": epoch, "val/accuracy": epoch / 10})


def test_rows_come_back_in_order(path: Path) -> None:
    fill(path, 1, 2, 3)
    found = read_rows(path)
    assert [row["epoch"] for row in found.rows] == [1, 2, 3]
    assert (found.restarted, found.damaged) == (False, 0)


def test_a_file_that_is_not_there_has_no_rows(path: Path) -> None:
    assert read_rows(path).rows == []
    assert not read_rows(path).restarted


def test_a_reader_goes_on_where_it_stopped(path: Path) -> None:
    fill(path, 1, 2)
    cursor = read_rows(path).cursor
    assert read_rows(path, cursor).rows == []
    fill(path, 3)
    more = read_rows(path, cursor)
    assert [row["epoch"] for row in more.rows] == [3]
    assert read_rows(path, more.cursor).rows == []


def test_a_reader_that_began_before_the_file_gets_all_of_it(path: Path) -> None:
    cursor = read_rows(path).cursor
    assert cursor == START
    fill(path, 1, 2)
    found = read_rows(path, cursor)
    assert len(found.rows) == 2
    assert not found.restarted


@pytest.mark.parametrize("cut", range(1, 26))
def test_a_torn_last_line_is_not_there_yet(path: Path, cut: int) -> None:
    fill(path, 1, 2)
    whole = path.read_bytes()
    last = whole[: whole[:-1].rfind(b"\n") + 1]
    path.write_bytes(whole[: len(last) + cut])
    found = read_rows(path)
    assert [row["epoch"] for row in found.rows] == [1]
    assert found.damaged == 0
    path.write_bytes(whole)
    assert [row["epoch"] for row in read_rows(path, found.cursor).rows] == [2]


@pytest.mark.parametrize(
    "line",
    [b"{", b"[1]", b"3", b"null", b"", b"\xff\xfe", b"\0" * 9, b"[" * 100_000],
    ids=lambda b: str(b[:8]),
)
def test_a_damaged_line_hides_no_other(path: Path, line: bytes) -> None:
    fill(path, 1)
    with path.open("ab") as file:
        file.write(line + b"\n")
    fill(path, 2)
    found = read_rows(path)
    assert [row["epoch"] for row in found.rows] == [1, 2]
    assert found.damaged == 1


def test_numbers_that_json_lacks_come_back_as_numbers(path: Path) -> None:
    append_row(path, {"epoch": 1, "val/loss": math.nan, "train/loss": math.inf, "x": -math.inf})
    json.loads(path.read_bytes(), parse_constant=pytest.fail)
    (row,) = read_rows(path).rows
    assert math.isnan(row["val/loss"])
    assert (row["train/loss"], row["x"]) == (math.inf, -math.inf)


def test_a_replaced_file_is_read_from_its_start_and_said(path: Path) -> None:
    fill(path, 1, 2, 3)
    cursor = read_rows(path).cursor
    cut_rows(path, 1)
    fill(path, 2, 3, 4, 5)  # longer than it was before
    found = read_rows(path, cursor)
    assert found.restarted
    assert [row["epoch"] for row in found.rows] == [1, 2, 3, 4, 5]
    assert not read_rows(path, found.cursor).restarted


def test_a_file_that_got_shorter_is_read_from_its_start(path: Path) -> None:
    fill(path, 1, 2, 3)
    cursor = read_rows(path).cursor
    os.truncate(path, path.stat().st_size // 3)
    found = read_rows(path, cursor)
    assert found.restarted
    assert [row["epoch"] for row in found.rows] == [1]


def test_a_removed_file_is_said(path: Path) -> None:
    fill(path, 1)
    cursor = read_rows(path).cursor
    path.unlink()
    assert read_rows(path, cursor).restarted
    assert read_rows(path, cursor).rows == []


def test_a_resume_cuts_what_lies_behind_its_checkpoint(path: Path) -> None:
    fill(path, 1, 2)
    with path.open("ab") as file:
        file.write(b"damage\n")
    fill(path, 3)
    with path.open("ab") as file:
        file.write(b'{"epoch": 4, "val/acc')
    cut_rows(path, 2)
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2]
    fill(path, 3)
    assert [row["epoch"] for row in read_rows(path).rows] == [1, 2, 3]


@pytest.mark.parametrize("durable", [True, False])
def test_a_row_is_flushed_to_the_disk_where_asked(
    path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    append_row(path, {"epoch": 1}, durable=durable)
    assert len(flushed) == 2 * int(durable), "the first row's file has a new name in its folder"
    append_row(path, {"epoch": 2}, durable=durable)
    assert len(flushed) == 3 * int(durable)


@pytest.mark.parametrize("what", ["pipe", "link", "folder"])
def test_what_is_no_ordinary_file_is_not_read(path: Path, what: str) -> None:
    match what:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(path.with_name("other"))
        case "folder":
            path.mkdir()
    for read in (read_rows, lambda path: cut_rows(path, 1)):
        with pytest.raises(OSError, match=r"no ordinary file|symbolic links"):
            read(path)


def test_a_long_history_is_read_quickly(path: Path) -> None:
    row: dict[str, Any] = {"epoch": 1, "val/accuracy": 0.5, "train/loss": 1.25}
    path.write_text((json.dumps(row) + "\n") * 20_000)
    assert len(read_rows(path).rows) == 20_000
