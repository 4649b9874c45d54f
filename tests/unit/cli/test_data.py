"""`data list` and `data import`."""

from pathlib import Path

import pytest
from PIL import Image

from core.data import Dataset, Library
from tests.unit.cli.calls import Call

PROJECT = Path(__file__).resolve().parents[3]


def test_data_sets_are_listed(call: Call, dataset: Dataset) -> None:
    answer = call("data", "list")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0].split() == [
        "name",
        "classes",
        "size",
        "train",
        "val",
        "test",
        "unlabelled",
    ]
    assert answer.out.splitlines()[1].split() == ["tiny", "4", "28x28x3", "84", "18", "18", "0"]
    (found,) = call("data", "list", "--json").json
    assert (found["name"], found["counts"]["train"]) == ("tiny", 84)
    assert found["fingerprint"] == dataset.info.fingerprint


def test_no_data_sets_is_an_empty_list(call: Call, own_data: Path) -> None:
    assert call("data", "list", "--json").json == []
    answer = call("data", "list")
    assert (answer.status, answer.out) == (0, "")
    assert "data import" in answer.sentence


def test_a_damaged_data_set_hides_no_other(call: Call, own_data: Path) -> None:
    call("data", "import", "shapes", "--name", "good", "--images", 24, "--classes", 2, "--size", 28)
    (own_data / "bad").mkdir()
    (own_data / "bad" / "dataset.json").write_text("{")
    bad, good = call("data", "list", "--json").json
    assert set(bad) == {"name", "damaged"}
    assert good["name"] == "good"
    assert "damaged" in call("data", "list").out


def test_shapes_are_imported(call: Call, own_data: Path) -> None:
    answer = call("data", "import", "shapes", "--name", "s", "--images", 24, "--classes", 2, "--size", 28)
    assert answer.status == 0
    assert answer.out == "s\n"
    assert "2 classes, 28 px" in answer.err
    assert Library(own_data).open("s").info.images == 24


def test_a_folder_of_class_folders_is_imported(call: Call, own_data: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (20, 16), (i * 30, 10, len(name) * 40)).save(
                tmp_path / "pets" / name / f"{i}.png"
            )
    answer = call(
        "data", "import", tmp_path / "pets", "--name", "pets", "--size", 16, "--val", 0.3, "--test", 0.2
    )
    assert (answer.status, answer.out) == (0, "pets\n"), answer.err
    info = Library(own_data).open("pets").info
    assert (info.classes, info.image_size) == (("cat", "dog"), 16)
    assert info.counts["val"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-folder", "--name", "x"], "no-such-folder"),
        (["shapes", "--name", "../x"], "../x"),
        (["shapes", "--name", "x", "--classes", "1"], "--classes = 1: must be at least 2; raise it."),
        (["shapes", "--name", "x", "--images", "3"], "--images = 3: must be at least 20; raise it."),
        (["shapes", "--name", "x", "--val", "2"], "--val = 2.0: must be at most 0.9; lower it."),
        (
            ["PICTURES", "--name", "x", "--csv", "t.csv", "--id-column", ""],
            "--id-column: must not be empty; fill it in.",
        ),
        (["shapes", "--name", "x", "--size", "7"], "--size = 7: must be at least 8; raise it."),
        (["shapes", "--name", "x", "--images", "24", "--val", "0.7", "--test", "0.7"], "0.7"),
    ],
)
def test_an_import_that_cannot_be_is_one_sentence(
    call: Call, own_data: Path, arguments: list[str], words: str
) -> None:
    answer = call("data", "import", *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert words in answer.err
    assert answer.err.rstrip().endswith(".")
    assert "Traceback" not in answer.err
    assert call("data", "list", "--json").json == []
