"""`evaluate` and `predict`."""

from pathlib import Path

import pytest
from PIL import Image

from core.data import Dataset
from core.runs import Run, RunStore
from tests.unit import tiny
from tests.unit.cli.calls import Call
from tests.unit.runs.setups import rows

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("checkpoint", ["best", "last", "2"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluate_prints_one_document(call: Call, trained: Run, checkpoint: str, split: str) -> None:
    answer = call("evaluate", trained.id, "--checkpoint", checkpoint, "--split", split, "--json")
    assert answer.status == 0, answer.err
    found = answer.json
    assert {"split", "checkpoint_epoch", "images", "accuracy", "loss"} <= set(found)
    best = trained.status().best
    assert best
    assert (found["split"], found["images"]) == (split, 18)
    assert found["checkpoint_epoch"] == (best.epoch if checkpoint == "best" else 2)
    assert 0 <= found["accuracy"] <= 1
    if split == "val":
        assert found["accuracy"] == rows(trained)[found["checkpoint_epoch"] - 1]["val/accuracy"]


@pytest.mark.parametrize(
    ("options", "prefix"), [([], "val/"), (["--ema"], "val/ema_")], ids=["weights", "average"]
)
@pytest.mark.parametrize("epoch", [2, 4, 6])
def test_a_kept_epochs_figures_are_those_of_its_row(
    call: Call, kept: Run, epoch: int, options: list[str], prefix: str
) -> None:
    answer = call("evaluate", kept.id, "--checkpoint", epoch, "--split", "val", "--json", *options)
    assert answer.status == 0, answer.err
    found, row = answer.json, rows(kept)[epoch - 1]
    assert found["checkpoint_epoch"] == row["epoch"] == epoch
    assert (found["accuracy"], found["loss"]) == (row[f"{prefix}accuracy"], row[f"{prefix}loss"])
    losses = [each[name] for each in rows(kept) for name in ("val/loss", "val/ema_loss")]
    assert len(set(losses)) == 12, "no other epoch, and not the other weights, has these figures"


def test_a_kept_epoch_is_looked_at_on_test(call: Call, kept: Run) -> None:
    found = [
        call("evaluate", kept.id, "--checkpoint", epoch, "--split", "test", "--json").json
        for epoch in (2, 4, 6)
    ]
    assert [(each["split"], each["images"], each["checkpoint_epoch"]) for each in found] == [
        ("test", 18, 2),
        ("test", 18, 4),
        ("test", 18, 6),
    ]
    assert len({each["loss"] for each in found}) == 3
    assert "test, epoch 4, 18 images" in call("evaluate", kept.id, "--checkpoint", 4, "--split", "test").out


def test_an_epoch_that_was_not_kept_is_one_sentence_with_those_that_were(call: Call, kept: Run) -> None:
    answer = call("evaluate", kept.id, "--checkpoint", 3, "--split", "test")
    assert (answer.status, answer.out) == (1, "")
    assert "no checkpoint of epoch 3; it keeps epoch 2, 4, 6" in answer.sentence
    assert kept.looks() == []


def test_the_average_is_evaluated_and_predicts_where_it_is_asked_for(
    call: Call, kept: Run, pictures: Path
) -> None:
    raw, averaged = (
        call("evaluate", kept.id, "--checkpoint", "last", "--json", *options).json
        for options in ([], ["--ema"])
    )
    assert (raw["weights"], averaged["weights"]) == ("raw", "ema")
    shown = call("evaluate", kept.id, "--checkpoint", "last", "--ema").out
    assert "averaged weights (EMA)" in shown
    answers = [
        call("predict", kept.id, pictures, "--checkpoint", "last", "--json", *options).json
        for options in ([], ["--ema"])
    ]
    assert [each["image"] for each in answers[0]] == [each["image"] for each in answers[1]]
    assert [each["top"] for each in answers[0]] != [each["top"] for each in answers[1]]


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_run_without_an_average_says_so(call: Call, trained: Run, pictures: Path, command: str) -> None:
    images = [pictures] if command == "predict" else []
    answer = call(command, trained.id, *images, "--ema")
    assert (answer.status, answer.out) == (1, "")
    assert "kept no average of its weights" in answer.sentence


def test_evaluate_with_views_says_what_they_change(call: Call, trained: Run) -> None:
    found = call("evaluate", trained.id, "--tta", 3, "--json").json
    tta = found["tta"]
    assert {"views", "accuracy", "fixed", "broken"} <= set(tta)
    assert tta["views"] == 3
    assert tta["accuracy"] == pytest.approx(found["accuracy"] + (tta["fixed"] - tta["broken"]) / 18)
    assert call("evaluate", trained.id, "--json").json["tta"] is None


def test_tta_without_augmentations_says_that_all_views_are_alike(
    call: Call, trained: Run, recipe_file: Path, store: RunStore
) -> None:
    sentence = "all views of an image are alike"
    assert sentence not in call("evaluate", trained.id, "--tta", 2).err
    bare = call(
        "train", recipe_file, "--data", "tiny", "--epochs", 1, "--set", "augmentations=[]"
    ).out.strip()
    assert sentence not in call("evaluate", bare).err
    answer = call("evaluate", bare, "--tta", 2)
    assert answer.status == 0
    assert sentence in answer.err
    assert "(fixes 0, breaks 0)" in answer.out


def test_evaluate_for_a_person_counts_looks_at_the_test_split(call: Call, trained: Run) -> None:
    first, second = (call("evaluate", trained.id, "--split", "test") for _ in range(2))
    assert "accuracy" in first.out
    assert "%" in first.out
    assert "look 1 at the test split" in first.sentence
    assert "look 2 at the test split" in second.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoint", "7"], "no checkpoint of epoch 7"),
        (["--tta", "33"], "--tta 33"),
        (["--tta", "-1"], "--tta -1"),
        (["--device", "cuda:9"], "cuda:9"),
    ],
    ids=str,
)
def test_an_evaluation_that_cannot_be_is_one_sentence(
    call: Call, trained: Run, arguments: list[str], words: str
) -> None:
    answer = call("evaluate", trained.id, *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.sentence


def test_a_run_without_a_checkpoint_cannot_be_evaluated(
    call: Call, store: RunStore, dataset: Dataset
) -> None:
    run = store.create(tiny.recipe(), dataset.info)
    assert "no checkpoint yet" in call("evaluate", run.id).sentence


@pytest.fixture
def pictures(tmp_path: Path, dataset: Dataset) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(dataset.images[i]).save(folder / f"{i}.png")
    return folder


def test_predict_prints_one_document(call: Call, trained: Run, pictures: Path, dataset: Dataset) -> None:
    answer = call("predict", trained.id, pictures, pictures / "0.png", "--json")
    assert answer.status == 0, answer.err
    found = answer.json
    assert len(found) == 4
    for each in found:
        assert {"image", "class", "probability", "top", "tta"} <= set(each)
        assert each["class"] in dataset.info.classes
        assert each["class"] == each["top"][0]["class"]
        assert 0 < each["probability"] <= 1
        assert each["tta"] is None
        assert sum(top["probability"] for top in each["top"]) == pytest.approx(1, abs=1e-4)


def test_predict_with_views_shows_the_votes(call: Call, trained: Run, pictures: Path) -> None:
    (found,) = call("predict", trained.id, pictures / "0.png", "--tta", 4, "--json").json
    assert found["tta"]["views"] == 4
    assert sum(found["tta"]["votes"].values()) == 4


def test_predict_writes_a_table(call: Call, trained: Run, pictures: Path, tmp_path: Path) -> None:
    answer = call("predict", trained.id, pictures, "--csv", tmp_path / "out.csv")
    assert (answer.status, answer.out) == (0, "")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "Id,Category"
    assert len(lines) == 4


def test_predict_for_a_person(call: Call, trained: Run, pictures: Path) -> None:
    out = call("predict", trained.id, pictures, "--tta", 2).out
    assert "%" in out
    assert "of 2" in out


def test_a_file_that_is_no_image_is_named(call: Call, trained: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("hello")
    answer = call("predict", trained.id, bad)
    assert answer.status == 1
    assert "bad.png" in answer.err
    assert "Traceback" not in answer.err
    assert call("predict", trained.id, tmp_path / "none.png").status == 1
