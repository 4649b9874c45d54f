"""Many rows in little memory say the same as the dicts they were made of."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from core.insight import best_row, gaps, has_average, lr_changes, thin
from core.insight.overfit import missing_mark, overfit_marks
from core.insight.row_notes import rows_notes
from core.runs import START
from core.runs import rows as rows_module
from core.runs.packed_rows import PackedRows
from core.runs.rows import cut_rows, read_rows

ODD: list[Any] = [None, True, 3, 2**63, -(2**63), 10**400, "inf", [1, {"a": 2}], -0.0, math.inf, math.nan]


def epoch_rows(count: int, *, odd: bool = True) -> list[dict[str, Any]]:
    """As a trainer writes them, but for some odd values, a missing key, and others in another order."""
    draw = random.Random(count)
    rows: list[dict[str, Any]] = []
    for epoch in range(1, count + 1):
        row: dict[str, Any] = {"epoch": epoch, "lr": 0.1 if epoch < count // 2 else 0.01}
        for key in ("val/accuracy", "train/clean_accuracy", "val/loss", "train/loss", "seconds"):
            row[key] = round(draw.random(), 3)
        if odd and draw.random() < 0.1:
            row["val/loss"] = draw.choice(ODD)
        if odd and draw.random() < 0.02:
            del row["train/loss"]
        rows.append(row)
    return rows


def packed(rows: list[dict[str, Any]], part: int = 7) -> PackedRows:
    found = PackedRows()
    for start in range(0, len(rows), part):
        found.extend(rows[start : start + part])
    return found


def said(rows: Any) -> str:
    """Types and NaN with it, which `==` would not tell apart."""
    return repr([dict(row) for row in rows])


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 500])
def test_they_are_the_rows_that_were_put_in(count: int, odd: bool) -> None:
    rows = epoch_rows(count, odd=odd)
    found = packed(rows)
    assert len(found) == count
    assert said(found) == said(rows)
    assert said(found[at] for at in range(count)) == said(rows)
    assert said(found[-at] for at in range(1, count + 1)) == said(reversed(rows))
    for part in (slice(None), slice(-5, None), slice(3, 11), slice(None, None, 3)):
        assert said(found[part]) == said(rows[part])
    for key in ("epoch", "val/loss", "train/loss", "nothing"):
        assert repr(list(found.column(key))) == repr([row.get(key) for row in rows])


def test_a_place_behind_the_last_row_is_none() -> None:
    for at in (3, -4):
        with pytest.raises(IndexError):
            packed(epoch_rows(3))[at]


def test_a_row_that_one_passes_is_a_mapping_like_any_other() -> None:
    (row,) = packed([{"epoch": 1, "lr": 0.5}])
    assert row == {"epoch": 1, "lr": 0.5} and list(row) == ["epoch", "lr"] and "lr" in row
    assert row.get("val/loss") is None and row.get("val/loss", 2) == 2
    with pytest.raises(KeyError):
        row["val/loss"]


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_curves_say_the_same_of_them(count: int) -> None:
    rows = epoch_rows(count)
    found = packed(rows, part=100)
    assert said([best_row(found)]) == said([best_row(rows)])
    assert said(thin(found, 200)) == said(thin(rows, 200))
    assert (gaps(found), lr_changes(found)) == (gaps(rows), lr_changes(rows))
    assert list(gaps(found)) == list(gaps(rows))
    assert has_average(found) == has_average(rows)
    assert rows_notes(found, 2) == rows_notes(rows, 2)
    assert overfit_marks(found, 1000) == overfit_marks(rows, 1000)
    assert missing_mark(found) == missing_mark(rows)


class TestLongFile:
    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A file that is as good as long: with damaged lines, and a last one that is torn."""
        monkeypatch.setattr(rows_module, "LONG_BYTES", 2_000)
        monkeypatch.setattr(rows_module, "PART_BYTES", 700)
        lines = [json.dumps(row) for row in epoch_rows(200)]
        lines[90:90] = ["{", "[]", '{"epoch": -1}']
        path = tmp_path / "epochs.jsonl"
        path.write_text("\n".join(lines) + '\n{"epoch": 201, "lr"')
        return path

    @pytest.fixture
    def short(self, path: Path) -> Any:
        """What is read of it in one part."""
        return rows_module._read_part(path, START, None)

    def test_reads_as_a_short_one(self, path: Path, short: Any) -> None:
        found = read_rows(path)
        assert isinstance(found.rows, PackedRows)
        assert said(found.rows) == said(short.rows) and len(found.rows) == 200
        assert (found.cursor, found.damaged, found.restarted) == (short.cursor, 3, False)

    def test_is_gone_on_with_where_it_ended(self, path: Path) -> None:
        cursor = read_rows(path).cursor
        with path.open("a") as file:
            file.write(": 0.1}\n")
        assert [dict(row) for row in read_rows(path, cursor).rows] == [{"epoch": 201, "lr": 0.1}]

    def test_that_replaced_another_is_read_from_its_start(self, path: Path, short: Any) -> None:
        found = read_rows(path, (1, 5))
        assert found.restarted and said(found.rows) == said(short.rows)

    @pytest.mark.parametrize("becomes", ["shorter", "gone"])
    def test_that_is_replaced_meanwhile_says_what_came_last(
        self, path: Path, becomes: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read_part, calls = rows_module._read_part, []

        def disturbed(*given: Any) -> Any:
            calls.append(given)
            if len(calls) == 3 and becomes == "shorter":
                path.write_text('{"epoch": 1}\n')
            elif len(calls) == 3:
                path.unlink()
            return read_part(*given)

        monkeypatch.setattr(rows_module, "_read_part", disturbed)
        found = read_rows(path)
        assert said(found.rows) == said([{"epoch": 1}] if becomes == "shorter" else [])

    def test_is_cut_like_any_other(self, path: Path) -> None:
        cut_rows(path, 150)
        assert [row["epoch"] for row in read_rows(path).rows] == list(range(1, 151))
        assert path.read_text().count("\n") == 150
