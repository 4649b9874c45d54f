"""The list of what a run reached."""

from pathlib import Path

from core.insight.diary.results import results_list
from core.runs import Look, Run, RunStore
from tests.pages.made_runs import make_run


def results(run: Run) -> dict[str, str]:
    return dict(results_list(run, run.status(), run.epochs().rows))


def look(split: str = "test", **changes: object) -> Look:
    values = {
        "at": "2026-09-01T14:15:30+00:00",
        "split": split,
        "checkpoint_epoch": 7,
        "images": 20,
        "accuracy": 0.5,
        "loss": 1.0,
    }
    return Look.model_validate(values | changes)


def test_best_last_gap_and_time(tmp_path: Path) -> None:
    run = make_run(RunStore(tmp_path))
    status = run.status()
    assert status.best and status.best.gap and status.last
    found = results(run)
    best, gap = f"{status.best.val_accuracy:.1%}".replace("%", " %"), f"{status.best.gap * 100:+.1f} points"
    assert found["Best val"] == f"{best} at epoch {status.best.epoch}"
    assert found["Gap at best"].startswith(gap)
    assert found["Last"].endswith("at epoch 10")
    assert found["Time"] == "25 s for 10 epochs on CPU, fp32: no bf16"
    assert found["Test"] == "not looked at" and "Looks at the test split" not in found


def test_every_look_at_test_is_counted_and_those_at_val_are_not(tmp_path: Path) -> None:
    run = make_run(RunStore(tmp_path))
    run.add_look(look(accuracy=0.4, tta_views=5, tta_accuracy=0.6, fixed=4, broken=2))
    run.add_look(look("val", accuracy=0.9))
    assert results(run)["Looks at the test split"] == "once"
    run.add_look(look(averaged=True))
    found = results(run)
    assert found["Test"] == "50.0 % (epoch 7, averaged weights)"
    assert found["Test with TTA"] == "60.0 % (5 views, epoch 7, fixes 4, breaks 2)"
    assert found["Looks at the test split"] == "2 times"


def test_the_average_of_the_weights_has_a_line_where_it_was_evaluated(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    assert "Last val (EMA)" in results(make_run(store, averaged=True))
    assert "Last val (EMA)" not in results(make_run(store))


def test_without_an_epoch_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert results(make_run(RunStore(tmp_path), state="stopped", done=0)) == {}


def test_a_part_of_the_epochs_is_said_to_be_one(tmp_path: Path) -> None:
    run = make_run(RunStore(tmp_path), state="stopped", done=4)
    assert "4 of 10 epochs" in results(run)["Time"]
