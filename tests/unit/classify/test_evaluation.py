"""Evaluating a run: the right figures, every look remembered, and never on data that has changed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.classify import evaluate_run, look_as_json
from core.data import ImportOptions, Library, ShapesSource
from core.errors import BadInput, NotFound
from core.runs import Run
from core.train import Compute
from tests.unit import tiny

KEYS = {"split", "checkpoint_epoch", "images", "accuracy", "loss", "weights", "tta"}


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    """A copy, so that looks can be counted."""
    shutil.copytree(trained.folder, tmp_path / trained.id)
    return Run(tmp_path / trained.id)


def test_the_val_accuracy_is_that_of_the_epoch(run: Run, library: Library, compute: Compute) -> None:
    look = evaluate_run(run, library, compute)
    status = run.status()
    assert status.best is not None
    assert look.accuracy == pytest.approx(status.best.val_accuracy)
    assert (look.split, look.checkpoint_epoch, look.images) == ("val", 1, 18)
    assert look.tta_views is None


def test_every_look_is_remembered_in_order(run: Run, library: Library, compute: Compute) -> None:
    evaluate_run(run, library, compute, split="test")
    evaluate_run(run, library, compute, split="val", checkpoint="last", views=3)
    looks = run.looks()
    assert [(look.split, look.tta_views) for look in looks] == [("test", None), ("val", 3)]


def test_with_tta_the_gain_is_what_was_fixed_minus_broken(
    run: Run, library: Library, compute: Compute
) -> None:
    look = evaluate_run(run, library, compute, split="test", views=5)
    assert look.tta_accuracy is not None
    assert look.fixed is not None
    assert look.broken is not None
    assert look.tta_accuracy == pytest.approx(look.accuracy + (look.fixed - look.broken) / look.images)


def test_as_json_has_the_same_keys_with_and_without_tta(run: Run, library: Library, compute: Compute) -> None:
    plain = look_as_json(evaluate_run(run, library, compute))
    voted = look_as_json(evaluate_run(run, library, compute, views=2))
    assert plain.keys() == voted.keys() == KEYS
    assert plain["tta"] is None
    assert voted["tta"].keys() == {"views", "accuracy", "fixed", "broken"}


@pytest.mark.parametrize(("views", "at"), [(0, 1), (2, 1), (2, 2)], ids=["plain", "before TTA", "in TTA"])
def test_a_cancelled_evaluation_is_no_look(
    run: Run, library: Library, compute: Compute, views: int, at: int
) -> None:
    told: list[str] = []

    def cancel(stage: str, done: int, total: int) -> None:
        told.append(stage)
        if len(told) == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_run(run, library, compute, views=views, progress=cancel)
    assert run.looks() == []
    assert told == ["Classifying the images", "Classifying the views"][:at]


def test_a_look_says_which_weights_were_evaluated(
    ema_trained: Run, library: Library, compute: Compute, tmp_path: Path
) -> None:
    shutil.copytree(ema_trained.folder, tmp_path / ema_trained.id)
    run = Run(tmp_path / ema_trained.id)
    said = [
        look_as_json(evaluate_run(run, library, compute, averaged=averaged)) for averaged in (False, True)
    ]
    assert [look["weights"] for look in said] == ["raw", "ema"]
    assert [look.averaged for look in run.looks()] == [False, True]
    assert said[0]["loss"] != said[1]["loss"]


def test_a_data_set_with_other_images_is_refused(run: Run, tmp_path: Path, compute: Compute) -> None:
    other = Library(tmp_path / "data")
    other.import_dataset(
        ShapesSource(classes=4, images=40, image_size=28, seed=7), tiny.DATASET, ImportOptions()
    )
    with pytest.raises(BadInput, match="has changed since run"):
        evaluate_run(run, other, compute)
    assert run.looks() == []


def test_a_data_set_that_was_split_anew_is_refused(run: Run, tmp_path: Path, compute: Compute) -> None:
    other = Library(tmp_path / "data")
    other.import_dataset(
        ShapesSource(classes=4, images=120, image_size=28), tiny.DATASET, ImportOptions(seed=2)
    )
    with pytest.raises(BadInput, match="split anew"):
        evaluate_run(run, other, compute)


def test_a_data_set_that_is_gone_is_named(run: Run, tmp_path: Path, compute: Compute) -> None:
    with pytest.raises(NotFound, match=tiny.DATASET):
        evaluate_run(run, Library(tmp_path / "nothing"), compute)


def test_a_split_without_images_is_named(
    run: Run, library: Library, tmp_path: Path, compute: Compute
) -> None:
    other = Library(tmp_path / "data")
    shutil.copytree(library.folder / tiny.DATASET, other.folder / tiny.DATASET)
    folder = other.folder / tiny.DATASET
    splits = np.load(folder / "split.npy")
    splits[splits == 2] = 0
    np.save(folder / "split.npy", splits)
    text = (folder / "dataset.json").read_text()
    counts = library.open(tiny.DATASET).info.counts
    text = text.replace(f'"test": {counts["test"]}', '"test": 0')
    text = text.replace(f'"train": {counts["train"]}', f'"train": {counts["train"] + counts["test"]}')
    (folder / "dataset.json").write_text(text)
    with pytest.raises(BadInput, match="no labelled test images"):
        evaluate_run(run, other, compute, split="test")


def test_an_epoch_that_was_not_kept_is_named(run: Run, library: Library, compute: Compute) -> None:
    with pytest.raises(NotFound, match="no checkpoint of epoch 7"):
        evaluate_run(run, library, compute, checkpoint=7)
