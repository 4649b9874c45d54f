"""Stored answers: labelled and older files, damage, and which runs share their val images."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from core.data import Dataset, Library
from core.errors import Damaged, NotFound
from core.insight.answers import stored_votes
from core.insight.outcomes import comparable, plain_outcomes, val_outcomes
from core.runs import Run, RunStore, Status, train
from core.runs.answers import AnswerFile
from core.runs.answers import write_answers as write_answer_file
from core.runs.status import Best
from core.train.evaluate import outcomes_of
from tests.unit import tiny
from tests.unit.insight.judged_runs import judged_run, write_answers

HITS = [True, True, False, True, False, True, True]


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("labelled", [True, False])
def test_hits_are_read_from_new_and_from_older_files(store: RunStore, labelled: bool) -> None:
    found = val_outcomes(judged_run(store, HITS, labelled=labelled).run)
    assert found.hits.tolist() == HITS
    assert (found.epoch, found.split) == (2, "val")
    assert {found.labels.dtype, found.predicted.dtype} == {np.dtype(np.int64)}
    assert {found.probability.dtype, found.true_probability.dtype} == {np.dtype(np.float32)}
    known = [0, 1, 0, 1, 0, 1, 0] if labelled else [0, 1, -1, 1, -1, 1, 0]
    assert found.labels.tolist() == known


def test_a_trained_run_tells_its_labels_and_the_accuracy_of_its_best_epoch(
    store: RunStore, library: Library, dataset: Dataset
) -> None:
    run = store.create(tiny.recipe(), dataset.info, queue=False)
    best = train(run, library).best
    assert best
    found = val_outcomes(run)
    assert found.epoch == best.epoch
    assert found.hits.mean() == pytest.approx(best.val_accuracy)
    assert found.labels.tolist() == dataset.labels[dataset.indices("val")].tolist()
    path = run.folder / "predictions" / f"val-{best.epoch:04d}.safetensors"
    older = {key: tensor for key, tensor in load_file(path).items() if key != "label"}
    save_file(older, path)
    assert (val_outcomes(run).hits == found.hits).all()


def test_equal_probabilities_are_a_hit_for_any_logits() -> None:
    """What the older files are read by: the true class's probability is the predicted one's, to the bit."""
    generator = torch.Generator().manual_seed(1)
    for scale in (0.01, 1.0, 30.0):
        logits = torch.randn(20_000, 10, generator=generator) * scale
        truth = torch.randint(0, 10, (20_000,), generator=generator)
        found = outcomes_of(logits, truth)
        assert torch.equal(found.probability == found.true_probability, found.correct)


def test_another_epoch_can_be_asked_for(store: RunStore) -> None:
    entry = judged_run(store, HITS)
    write_answers(entry.run, 1, [False, *HITS[1:]])
    assert val_outcomes(entry.run, 1).hits.tolist() == [False, *HITS[1:]]
    with pytest.raises(NotFound, match=r"val-0009"):
        val_outcomes(entry.run, 9)


def test_a_run_that_finds_a_better_epoch_meanwhile_is_read_at_that_one(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = judged_run(store, HITS)
    known, read = entry.run.status(), Run.status
    # As it was read a moment before: the answers of that epoch are gone by now.
    old = known.model_copy(update={"best": Best(epoch=1, val_accuracy=0.5, gap=0.0)})
    said = [old]
    monkeypatch.setattr(Run, "status", lambda run: said.pop() if said else read(run))
    assert val_outcomes(entry.run).epoch == 2
    monkeypatch.setattr(Run, "status", lambda run: old)
    with pytest.raises(NotFound, match=r"val-0001"):
        val_outcomes(entry.run)


@pytest.mark.parametrize("file", [AnswerFile("test", 2), AnswerFile("val", 2, averaged=True)])
def test_answers_of_an_evaluation_are_read_and_checked_alike(store: RunStore, file: AnswerFile) -> None:
    run = judged_run(store, HITS).run
    tensors = load_file(AnswerFile("val", 2).path(run))
    save_file(tensors, file.path(run))
    found = plain_outcomes(run, file)
    assert (found.hits.tolist(), found.epoch, found.split) == (HITS, 2, file.split)
    tensors["true_probability"][1] = np.nan
    save_file(tensors, file.path(run))
    with pytest.raises(Damaged, match=f"{file.name} of run {run.id}.*evaluate this checkpoint again"):
        plain_outcomes(run, file)


def test_a_run_that_was_deleted_meanwhile_is_no_run_any_more(store: RunStore) -> None:
    run = judged_run(store, HITS).run
    store.delete(run)
    for epoch in (None, 2):
        with pytest.raises(NotFound, match=f"There is no run '{run.id}'"):
            val_outcomes(run, epoch)


@pytest.mark.parametrize("name", ["plain", "predicted", "votes"])
def test_votes_for_no_class_are_damage(store: RunStore, name: str) -> None:
    run, file = judged_run(store, HITS).run, AnswerFile("val", 2, views=2)
    n = len(HITS)
    arrays = {key: np.zeros(n, np.int64) for key in ("label", "plain", "predicted")}
    arrays |= {"votes": np.zeros((n, 2), np.int64), "candidates": np.zeros((n, 1), np.int64)}
    arrays |= {"probabilities": np.ones((n, 2, 1), np.float32), "active": np.zeros((n, 2, 0), np.uint8)}
    write_answer_file(run, file, arrays)
    assert stored_votes(run, file).hits.all()
    arrays[name][0] = -1
    write_answer_file(run, file, arrays)
    with pytest.raises(
        Damaged, match=f"{file.name} of run {run.id}.*evaluate this checkpoint with TTA again"
    ):
        stored_votes(run, file)


def test_a_run_without_an_epoch_has_no_answers(store: RunStore, dataset: Dataset) -> None:
    run = store.create(tiny.recipe(), dataset.info)
    with pytest.raises(NotFound, match="no whole epoch"):
        val_outcomes(run)


@pytest.mark.parametrize("what", ["nothing", "noise", "cut", "lacks", "shapes", "empty", "nan", "no class"])
def test_a_damaged_file_is_said_to_be_so(store: RunStore, what: str) -> None:
    entry = judged_run(store, HITS)
    path = entry.run.folder / "predictions" / "val-0002.safetensors"
    tensors = load_file(path)
    if what == "lacks":
        del tensors["true_probability"]
    elif what == "shapes":
        tensors["label"] = tensors["label"][:-1]
    elif what == "empty":
        tensors = {key: tensor[:0] for key, tensor in tensors.items()}
    elif what == "nan":
        tensors["probability"][0] = np.nan
    elif what == "no class":
        # Where the label is not known either, the two must not agree.
        tensors["predicted"][:] = tensors["label"][:] = -1
    save_file(tensors, path)
    if what in ("nothing", "noise", "cut"):
        content = path.read_bytes()
        path.write_bytes({"nothing": b"", "noise": b"no tensors" * 9, "cut": content[:-5]}[what])
    with pytest.raises(Damaged, match=r"val-0002\.safetensors of run .*") as caught:
        val_outcomes(entry.run)
    assert str(caught.value).endswith(".")


def status(dataset: str = "a", images: str = "pixels", split: str = "split") -> Status:
    return Status(
        state="finished",
        epochs=2,
        created_at="2026-09-01T12:00:00+00:00",
        dataset=dataset,
        architecture="my_net",
        dataset_fingerprint=images,
        split_fingerprint=split,
    )


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (status(), ""),
        (status("b"), ""),
        (status("b", "others", "others"), "different data sets (a and b)"),
        (status("a", "others", "others"), "data set a was changed"),
        (status("a", "pixels", "another"), "split of a was changed"),
        (status("a", "", ""), "does not say which images"),
    ],
)
def test_only_runs_on_the_same_images_and_split_are_compared(other: Status, why: str) -> None:
    for found in (comparable(status(), other), comparable(other, status())):
        assert (found == "") == (why == "")
        assert why.partition(" (")[0] in found
        assert found == "" or found.endswith(".")
