"""The table of runs, and its filter."""

from pathlib import Path

import pytest

from core.insight.repeats import groups
from core.runs import Look, Notes, Run, RunEntry, Status
from core.runs.status import Best, Last
from ui.run_table import TableRow, looks_at_test, run_rows, table_config, table_rows, tags_of
from ui.words import STATE_COLORS


def repeat(run_id: str, seed: int, best: float, epoch: int = 10) -> RunEntry:
    status = Status(
        state="finished",
        epoch=epoch,
        epochs=10,
        created_at=f"2026-09-01T14:15:{seed:02}+00:00",
        dataset="shapes",
        architecture="my_net",
        elapsed_s=60,
        recipe_fingerprint="same",
        seed=seed,
        best=Best(epoch=6, val_accuracy=best, gap=0.1),
    )
    return RunEntry(Run(Path("/nowhere") / run_id), Notes(name=f"flip, seed {seed}"), status)


def test_repeats_are_one_line_with_mean_and_spread_that_unfolds() -> None:
    unfinished = repeat("r3", 3, 0.9, epoch=4)
    found = groups([repeat("r2", 2, 0.54), repeat("r1", 1, 0.5), unfinished, entry("r9")])
    assert found[0].name == "flip"
    shut = table_rows(found, ())
    assert [line.ids for line in shut] == [("r2", "r1", "r3"), ("r9",)]
    row = run_rows(shut).iloc[0]
    assert row["best"] == pytest.approx(52) and row["spread"] == pytest.approx(2.828, abs=0.001)
    assert row["repeats"].endswith("n = 2 of 3") and row["minutes"] == pytest.approx(3)
    opened = table_rows(found, [found[0].key])
    assert [line.ids for line in opened] == [("r2", "r1", "r3"), ("r1",), ("r2",), ("r3",), ("r9",)]
    assert [name.strip(" \u2003↳") for name in run_rows(opened)["name"]][1:4] == [
        "seed 1",
        "seed 2",
        "seed 3",
    ]


def entry(run_id: str = "r1", folder: Path = Path("/nowhere"), **notes: object) -> RunEntry:
    status = Status(
        state="finished",
        epoch=8,
        epochs=10,
        created_at="2026-09-01T14:15:30+00:00",
        dataset="shapes",
        architecture="my_net",
        elapsed_s=90,
        best=Best(epoch=6, val_accuracy=0.583, gap=0.12),
        last=Last(epoch=8, val_accuracy=0.55, train_accuracy=0.7, clean_train_accuracy=0.75, lr=0.1),
    )
    return RunEntry(Run(folder / run_id), Notes.model_validate(notes), status)


def lines(*entries: RunEntry) -> list[TableRow]:
    return [TableRow((one,)) for one in entries]


def test_numbers_stay_numbers_so_that_they_sort() -> None:
    row = run_rows(lines(entry(name="first"))).iloc[0]
    assert row["best"] == pytest.approx(58.3) and row["last"] == pytest.approx(55.0)
    assert row["gap"] == pytest.approx(12.0) and row["best_epoch"] == 6
    assert (row["done"], row["asked"], row["minutes"]) == (8, 10, 1.5)
    assert row["name"] == "first" and row["date"] == "2026-09-01 14:15"


def test_a_damaged_run_is_a_row_that_says_so() -> None:
    broken = RunEntry(Run(Path("/nowhere/r2")), Notes(), None, damaged="status.json is damaged.")
    frame = run_rows(lines(broken, entry()))
    assert frame["state"].tolist() == [["damaged"], ["finished"]]


def test_no_runs_are_an_empty_table_with_columns() -> None:
    frame = run_rows([])
    assert frame.empty and "best" in frame.columns


def test_the_newest_looks_at_the_test_split_are_shown_without_and_with_tta(tmp_path: Path) -> None:
    shown = entry(folder=tmp_path)
    shown.run.folder.mkdir()
    (shown.run.folder / "recipe.json").write_text("{}")
    assert looks_at_test(shown.run) == (None, None, 0)
    for split, accuracy, tta in (("test", 0.5, 0.53), ("test", 0.4, None), ("val", 0.9, None)):
        shown.run.add_look(
            Look(
                at="2026-09-01T14:15:30+00:00",
                split=split,  # type: ignore[arg-type]
                checkpoint_epoch=6,
                images=10,
                accuracy=accuracy,
                loss=1.0,
                tta_views=8 if tta else None,
                tta_accuracy=tta,
            )
        )
    row = run_rows(lines(shown)).iloc[0]
    assert row["test"] == pytest.approx(40) and row["test_tta"] == pytest.approx(53)
    assert row["test_looks"] == 2


def test_every_state_has_its_colour_in_the_filter_and_the_table() -> None:
    column = table_config()["state"]["type_config"]
    assert [option["value"] for option in column["options"]] == list(STATE_COLORS)
    assert {entry().state, "damaged"} <= set(STATE_COLORS)


def test_tags_in_use_are_each_named_once() -> None:
    assert tags_of([entry(tags=("b", "a")), entry(tags=("a",))]) == ["a", "b"]
