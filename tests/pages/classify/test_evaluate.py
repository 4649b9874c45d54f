"""A whole split: its figures, the looks at it, and which weights they are of."""

from pathlib import Path

from core.classify import compute_for, evaluate_run
from core.data import Library
from core.runs import Run
from tests.pages.classify.page import page, texts
from tests.pages.opening import press, show


def test_each_look_at_test_is_numbered_and_listed(flips: Run) -> None:
    test = page(flips, view="evaluate")
    assert not test.dataframe
    test.button_group(key=f"classify_split_{flips.id}").set_value("test")
    show(test)
    assert "the first look is the honest one" in texts(test)
    for number in (1, 2):
        press(test, "classify_evaluate")
        assert f"This is look number {number} at the test split" in texts(test)
        assert len(test.dataframe[0].value) == number
    assert "looked at 2 times" in texts(test)


def test_the_figures_are_those_that_the_run_remembers(flips: Run) -> None:
    test = press(page(flips, view="evaluate"), "classify_evaluate")
    (look,) = flips.looks()
    figures = {metric.label: metric.value for metric in test.metric}
    assert figures["Accuracy"] == f"{look.accuracy * 100:.1f} %"
    assert look.tta_accuracy is not None
    assert figures["With TTA, 5 views"] == f"{look.tta_accuracy * 100:.1f} %"
    assert figures["TTA fixes"] == str(look.fixed)
    assert "look number" not in texts(test)


def test_a_kept_epochs_figures_are_those_of_its_own_row(flips: Run) -> None:
    for row in flips.epochs().rows:
        epoch = int(row["epoch"])
        test = press(page(flips, view="evaluate", checkpoint=str(epoch)), "classify_evaluate")
        look = flips.looks()[-1]
        assert (look.checkpoint_epoch, look.split) == (epoch, "val")
        assert (look.accuracy, look.loss) == (row["val/accuracy"], row["val/loss"])
        assert f"Epoch {epoch} on" in texts(test)


def test_a_kept_epoch_is_tested_as_by_the_function_that_evaluates(flips: Run, workspace: Path) -> None:
    """Preset 26 of the diary is run 25's weights of an earlier epoch, tested on this page."""
    library, compute = Library(workspace / "data"), compute_for(flips.recipe())
    losses = set()
    for epoch in flips.checkpoint_epochs():
        test = page(flips, view="evaluate", checkpoint=str(epoch))
        test.button_group(key=f"classify_split_{flips.id}").set_value("test")
        press(show(test), "classify_evaluate")
        (*_, look) = flips.looks()
        assert (look.checkpoint_epoch, look.split) == (epoch, "test")
        assert f"Epoch {epoch} on" in texts(test)
        assert f"{look.accuracy * 100:.1f} %" in [metric.value for metric in test.metric]
        expected = evaluate_run(flips, library, compute, checkpoint=epoch, split="test", views=5)
        assert look.model_copy(update={"at": expected.at}) == expected
        losses.add(look.loss)
    assert len(losses) == 3, "each epoch answers otherwise"


def test_without_tta_only_the_plain_figures(flips: Run) -> None:
    test = page(flips, view="evaluate")
    test.toggle(key="classify_tta").set_value(False)
    press(test, "classify_evaluate")
    assert [metric.label for metric in test.metric] == ["Accuracy", "Loss"]
    assert flips.looks()[0].tta_views is None


def test_the_looks_say_which_weights_were_evaluated(flips: Run) -> None:
    test = press(page(flips, view="evaluate"), "classify_evaluate")
    assert "averaged weights" not in texts(test)
    test.toggle(key=f"classify_ema_{flips.id}").set_value(True)
    press(test, "classify_evaluate")
    assert "averaged weights (EMA), on" in texts(test)
    assert test.dataframe[0].value["Weights"].tolist() == ["EMA", "raw"]


def test_the_way_to_cancel_is_there_only_while_it_works(flips: Run) -> None:
    test = press(page(flips, view="evaluate"), "classify_evaluate")
    assert "Cancel" not in [button.label for button in test.button]
