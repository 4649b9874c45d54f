"""What is missing from curves, in sentences."""

from core.insight.row_notes import rows_notes


def test_whole_rows_need_no_words() -> None:
    assert rows_notes([{"epoch": 1, "val/loss": 1.0}, {"epoch": 2}], 0) == []


def test_lines_that_cannot_be_read_are_counted() -> None:
    assert rows_notes([], 1)[0].startswith("1 line of epochs.jsonl cannot be read")
    assert rows_notes([], 3)[0].startswith("3 lines of epochs.jsonl cannot be read")


def test_gaps_name_the_curve_and_its_first_epochs() -> None:
    rows = [{"epoch": at, "val/loss": float("nan")} for at in range(1, 9)]
    assert rows_notes(rows, 0) == [
        "Gaps in the curves: not a finite number is val/loss in epoch 1, 2, 3, 4, 5 and 3 more."
    ]
