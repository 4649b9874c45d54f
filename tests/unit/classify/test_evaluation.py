"""Evaluating a run: the right figures, every look remembered, and never on data that has changed."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.classify import Predictor, SplitTTA, evaluate_run, look_as_json
from core.classify.views import draw_views
from core.classify.votes import ViewRecord
from core.data import Dataset, ImportOptions, Library, ShapesSource
from core.errors import BadInput, NotFound
from core.insight.answers import stored_votes, vote_files
from core.insight.outcomes import plain_outcomes
from core.insight.votes import broken_images, count_rows, fixed_images, hits_of
from core.models.weights import load_state
from core.runs import Run, RunStore, train
from core.runs.answers import AnswerFile, read_answers, stored_answers, write_answers
from core.train import Compute, read_checkpoint
from tests.unit import tiny

KEYS = {"split", "checkpoint_epoch", "images", "accuracy", "loss", "weights", "tta"}


def copied(run: Run, folder: Path) -> Run:
    """So that looks can be counted."""
    shutil.copytree(run.folder, folder / run.id)
    return Run(folder / run.id)


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    return copied(trained, tmp_path)


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


@pytest.mark.parametrize("views", [5, 10])
def test_with_tta_a_look_says_what_was_fixed_and_what_was_broken(
    wavering_run: Run, library: Library, dataset: Dataset, compute: Compute, tmp_path: Path, views: int
) -> None:
    run = copied(wavering_run, tmp_path)
    look = evaluate_run(run, library, compute, checkpoint="last", split="test", views=views)
    predictor = Predictor.load(run.checkpoint("last"), compute)
    images, labels = torch.from_numpy(np.array(dataset.images)), torch.from_numpy(dataset.labels)
    indices = torch.from_numpy(dataset.indices("test"))
    plain = predictor.evaluate(images, labels, indices)
    expected = predictor.evaluate_tta(images, labels, indices, plain, views=views)
    assert (look.accuracy, look.tta_accuracy) == (plain.accuracy, expected.accuracy)
    assert (look.tta_views, look.fixed, look.broken) == (views, expected.fixed, expected.broken)
    gain = (expected.fixed - expected.broken) / look.images
    assert look.tta_accuracy == pytest.approx(look.accuracy + gain)


def test_what_was_fixed_and_what_was_broken_are_not_mixed_up(
    run: Run, library: Library, compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.zeros((18, 5), dtype=np.int16)
    views = ViewRecord(nothing, nothing[:, :1], nothing[:, :, None], nothing[:, :, None])
    voted = SplitTTA(np.zeros(18), views, accuracy=0.75, fixed=7, broken=2)
    monkeypatch.setattr(Predictor, "evaluate_tta", lambda *_, **__: voted)
    look = evaluate_run(run, library, compute, split="test", views=5)
    assert (look.tta_accuracy, look.fixed, look.broken) == (0.75, 7, 2)
    told = {"views": 5, "accuracy": 0.75, "fixed": 7, "broken": 2}
    assert look_as_json(look)["tta"] == told
    assert run.looks() == [look]


@pytest.mark.parametrize("epoch", [3, 6, 12])
def test_a_kept_epochs_figures_are_those_of_its_own_row_to_the_bit(
    wavering_run: Run, library: Library, compute: Compute, tmp_path: Path, epoch: int
) -> None:
    run = copied(wavering_run, tmp_path)
    look = evaluate_run(run, library, compute, checkpoint=epoch)
    rows = run.epochs().rows
    assert look.checkpoint_epoch == epoch
    assert (look.accuracy, look.loss) == (rows[epoch - 1]["val/accuracy"], rows[epoch - 1]["val/loss"])
    assert len({row["val/loss"] for row in rows}) == len(rows), "the epochs must differ"


@pytest.mark.parametrize("epoch", [3, 6, 12])
def test_a_kept_epochs_figures_on_test_are_those_of_its_weights_in_a_plain_loop(
    wavering_run: Run, library: Library, dataset: Dataset, compute: Compute, tmp_path: Path, epoch: int
) -> None:
    run = copied(wavering_run, tmp_path)
    look = evaluate_run(run, library, compute, checkpoint=epoch, split="test")
    card, weights = read_checkpoint(run.checkpoint(epoch))
    info, recipe = dataset.info, run.recipe()
    model = recipe.architecture.build(len(info.classes), info.channels, info.image_size, 0)
    load_state(model, weights)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (info.mean, info.std))
    model.eval()
    right, total = 0, 0.0
    indices = dataset.indices("test")
    for index in indices:
        pixels = torch.from_numpy(np.array(dataset.images[index])).permute(2, 0, 1) / 255
        with torch.no_grad():
            logits = model(((pixels - mean) / std)[None])
        truth = torch.tensor([int(dataset.labels[index])])
        right += int(logits.argmax() == truth)
        total += float(F.cross_entropy(logits, truth))
    assert card.epoch == look.checkpoint_epoch == epoch
    assert look.accuracy == right / len(indices)
    assert look.loss == pytest.approx(total / len(indices), rel=1e-5)


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
    run = copied(ema_trained, tmp_path)
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


class TestKeptAnswers:
    """An evaluation leaves the answer for each image, and with TTA every view's vote."""

    def test_a_look_counts_before_its_answers_can_be_found(
        self, run: Run, library: Library, compute: Compute, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("core.classify.evaluation.write_answers", full)
        with pytest.raises(OSError, match="No space left"):
            evaluate_run(run, library, compute, split="test")
        assert [look.split for look in run.looks()] == ["test"]

    def test_of_a_split_they_are_the_predictors_own(
        self, wavering_run: Run, library: Library, dataset: Dataset, compute: Compute, tmp_path: Path
    ) -> None:
        run = copied(wavering_run, tmp_path)
        look = evaluate_run(run, library, compute, checkpoint=6, split="test", views=5)
        predictor = Predictor.load(run.checkpoint(6), compute)
        images, labels = torch.from_numpy(np.array(dataset.images)), torch.from_numpy(dataset.labels)
        indices = torch.from_numpy(dataset.indices("test"))
        plain = predictor.evaluate(images, labels, indices)
        tta = predictor.evaluate_tta(images, labels, indices, plain, views=5)
        assert stored_answers(run)[-2:] == [AnswerFile("test", 6), AnswerFile("test", 6, views=5)]
        found = plain_outcomes(run, AnswerFile("test", 6))
        np.testing.assert_array_equal(found.labels, dataset.labels[dataset.indices("test")])
        np.testing.assert_array_equal(found.predicted, plain.predicted.numpy())
        np.testing.assert_array_equal(found.true_probability, plain.true_probability.numpy())
        assert (found.split, found.epoch, found.hits.mean()) == ("test", 6, look.accuracy)
        votes = stored_votes(run, AnswerFile("test", 6, views=5))
        np.testing.assert_array_equal(votes.votes, tta.votes)
        np.testing.assert_array_equal(votes.predicted, tta.predicted)
        np.testing.assert_array_equal(votes.plain, plain.predicted.numpy())
        assert votes.hits.mean() == look.tta_accuracy
        assert (len(fixed_images(votes)), len(broken_images(votes))) == (look.fixed, look.broken)
        np.testing.assert_array_equal(hits_of(votes, np.arange(5)), votes.hits)

    def test_they_say_which_augmentations_changed_a_view(
        self, trained: Run, library: Library, compute: Compute, dataset: Dataset, tmp_path: Path
    ) -> None:
        run = copied(trained, tmp_path)
        evaluate_run(run, library, compute, views=6)
        votes = stored_votes(run, AnswerFile("val", 1, views=6))
        assert [words.split(",")[0] for words in votes.augmentations] == [
            "Flip left to right",
            "Crop after 4 px of padding",
        ]
        drawn = draw_views(
            np.array(dataset.images[dataset.indices("val")]), run.recipe().augmentations, 6, 0
        ).draws
        np.testing.assert_array_equal(votes.active[:, :, 0], drawn[0]["active"].numpy())
        assert 0 < votes.active[:, :, 0].mean() < 1 and votes.active[:, :, 1].all()

    def test_without_augmentations_all_views_agree(
        self, plain_trained: Run, library: Library, compute: Compute, tmp_path: Path
    ) -> None:
        run = copied(plain_trained, tmp_path)
        evaluate_run(run, library, compute, views=3)
        votes = stored_votes(run, AnswerFile("val", 1, views=3))
        assert votes.active.shape == (18, 3, 0) and votes.candidates.shape == (18, 1)
        assert len({row.accuracy for row in count_rows(votes)}) == 1

    def test_the_trainers_own_answers_are_left_alone(
        self, run: Run, library: Library, compute: Compute
    ) -> None:
        path = AnswerFile("val", 1).path(run)
        before = path.stat()
        evaluate_run(run, library, compute)
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_answers_from_before_labels_were_kept_get_them(
        self, run: Run, library: Library, compute: Compute, dataset: Dataset
    ) -> None:
        file = AnswerFile("val", 1)
        arrays, _ = read_answers(run, file, ("label",))
        write_answers(run, file, {name: value for name, value in arrays.items() if name != "label"})
        assert (plain_outcomes(run, file).labels < 0).any()
        evaluate_run(run, library, compute)
        expected = dataset.labels[dataset.indices("val")]
        np.testing.assert_array_equal(plain_outcomes(run, file).labels, expected)

    def test_those_of_averaged_weights_lie_apart(
        self, ema_trained: Run, library: Library, compute: Compute, tmp_path: Path
    ) -> None:
        run = copied(ema_trained, tmp_path)
        for averaged in (False, True):
            evaluate_run(run, library, compute, split="test", views=2, averaged=averaged)
        raw, ema = (plain_outcomes(run, AnswerFile("test", 1, averaged)) for averaged in (False, True))
        assert (raw.probability != ema.probability).any()
        assert [file.averaged for file in vote_files(run)] == [False, True]

    def test_a_cancelled_evaluation_leaves_none(self, run: Run, library: Library, compute: Compute) -> None:
        before = stored_answers(run)

        def cancel(stage: str, done: int, total: int) -> None:
            if stage == "Classifying the views":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            evaluate_run(run, library, compute, split="test", views=2, progress=cancel)
        assert stored_answers(run) == before

    def test_they_outlive_an_extension_and_are_exported(
        self, trained: Run, library: Library, compute: Compute, tmp_path: Path
    ) -> None:
        store = RunStore(tmp_path)
        run = copied(trained, tmp_path)
        for split in ("val", "test"):
            evaluate_run(run, library, compute, split=split, views=2)
        kept = {file.name for file in stored_answers(run)}
        store.extend(run, 3, queue=False)
        train(run, library)
        now = {file.name for file in stored_answers(run)}
        assert now >= kept - {"val-0001.safetensors"}
        assert run.status().epoch == 4 and "val-0004.safetensors" in now
        store.export([run], tmp_path / "out.zip")
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert {f"{run.id}/predictions/{name}" for name in now} <= set(archive.namelist())
