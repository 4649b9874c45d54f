"""The layout of a competition from import to the CSV to hand in, through the command line alone:
trainval/ beside trainval.csv with the columns Id and Category, and test/ without labels."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.classify import Predictor, classify_unlabelled, compute_for, ids_have_endings
from core.data import Library
from core.runs import RunStore
from tests.unit.cli.calls import Call

COLORS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200)}
NAMES = {
    # As a spreadsheet may have them: numbers that sort otherwise as text, and names that need quotes.
    "numbers": {"red": "10", "green": "2", "blue": "0"},
    "words": {"red": 'fox, "red"', "green": "Grüner Frosch", "blue": "blue jay"},
}


@dataclass
class Contest:
    folder: Path
    truth: dict[str, str]
    """Id of each test image: its category, which no file of the contest tells."""

    @property
    def options(self) -> list[object]:
        return [self.folder / "trainval", "--csv", self.folder / "trainval.csv"]

    @property
    def test(self) -> Path:
        return self.folder / "test"


def draw(path: Path, color: str, number: int) -> None:
    """An image of 40 px of nearly one colour, as JPEG: easy to learn."""
    noise = np.random.default_rng(number).integers(-25, 26, (40, 40, 3))
    pixels = (np.array(COLORS[color]) + noise).clip(0, 255).astype(np.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path, quality=90)


@pytest.fixture(params=NAMES)
def contest(request: pytest.FixtureRequest, tmp_path: Path) -> Contest:
    """36 labelled images whose rows are shuffled, and 9 without a label."""
    names, folder = NAMES[request.param], tmp_path / "contest"
    folder.mkdir()
    colors = list(COLORS)
    lines = []
    for number in range(36):
        color = colors[number % 3]
        draw(folder / "trainval" / f"trainval_{number:06}.jpg", color, number)
        lines.append([f"trainval_{number:06}.jpg", names[color]])
    order = np.random.default_rng(0).permutation(36)
    with (folder / "trainval.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Id", "Category"])
        writer.writerows(lines[place] for place in order)
    truth = {}
    for number in range(9):
        color = colors[(number * number + number // 4) % 3]
        draw(folder / "test" / f"test_{number:06}.jpg", color, 100 + number)
        truth[f"test_{number:06}.jpg"] = names[color]
    assert set(truth.values()) == set(names.values())
    return Contest(folder, truth)


words_only = pytest.mark.parametrize("contest", ["words"], indirect=True)


def trained(call: Call, contest: Contest, recipe_file: Path) -> str:
    """The id of a run on the imported contest."""
    imported = call("data", "import", *contest.options, "--test-folder", contest.test, "--name", "contest")
    assert (imported.status, imported.out) == (0, "contest\n"), imported.err
    changes = (
        'architecture={"kind":"my_net","blocks":1,"width":8}',
        'optimizer={"kind":"adam","lr":0.01}',
        "batch_size=4",
    )
    options = [word for each in changes for word in ("--set", each)]
    answer = call("train", recipe_file, "--data", "contest", "--epochs", 8, *options)
    assert answer.status == 0, answer.err
    return answer.out.strip()


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_from_a_folder_and_a_csv_to_the_csv_to_hand_in(
    call: Call, contest: Contest, own_data: Path, recipe_file: Path
) -> None:
    run_id = trained(call, contest, recipe_file)
    info = Library(own_data).open("contest").info
    assert (info.image_size, info.channels, set(info.classes)) == (40, 3, set(contest.truth.values()))
    assert info.counts["unlabelled"] == 9
    assert sum(info.counts[split] for split in ("train", "val", "test")) == 36

    for views in (0, 5):
        out = contest.folder / f"submission-{views}.csv"
        answer = call("predict", run_id, contest.test, "--csv", out, "--tta", views)
        assert (answer.status, answer.out) == (0, ""), answer.err
        header, *lines = read(out)
        assert header == ["Id", "Category"]
        assert [image for image, _ in lines] == sorted(contest.truth), "a line per test image, by its own Id"
        assert dict(lines) == contest.truth, "colours this far apart are told apart"


@words_only
def test_the_data_sets_own_unlabelled_images_give_the_same_csv(
    call: Call, contest: Contest, own_data: Path, store: RunStore, recipe_file: Path
) -> None:
    """What the pages offer without naming the folder a second time."""
    run = store.get(trained(call, contest, recipe_file))
    out = contest.folder / "submission.csv"
    assert call("predict", run.id, contest.test, "--csv", out).status == 0
    predictor = Predictor.load(run.checkpoint("best"), compute_for(run.recipe()))
    own = classify_unlabelled(predictor, Library(own_data).open("contest"))
    assert own.csv() == out.read_text(encoding="utf-8")


def test_ids_without_an_ending_name_the_same_images(call: Call, contest: Contest, own_data: Path) -> None:
    table = contest.folder / "trainval.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(".jpg", ""), encoding="utf-8")
    answer = call("data", "import", *contest.options, "--test-folder", contest.test, "--name", "contest")
    assert answer.status == 0, answer.err
    dataset = Library(own_data).open("contest")
    assert dataset.image_name(0) == read(table)[1][0]
    color = {NAMES[sort][name]: rgb for sort in NAMES for name, rgb in COLORS.items()}
    for index, (_, category) in enumerate(read(table)[1:]):
        assert dataset.info.classes[dataset.labels[index]] == category
        mean = dataset.images[index].mean(axis=(0, 1))
        assert np.abs(mean - color[category]).max() < 15


@words_only
def test_ids_are_handed_in_as_the_table_of_labels_has_them(
    call: Call, contest: Contest, own_data: Path, store: RunStore, recipe_file: Path
) -> None:
    table = contest.folder / "trainval.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(".jpg", ""), encoding="utf-8")
    run = store.get(trained(call, contest, recipe_file))
    out = contest.folder / "submission.csv"
    assert call("predict", run.id, contest.test, "--csv", out).status == 0
    assert dict(read(out)[1:]) == {name.removesuffix(".jpg"): label for name, label in contest.truth.items()}
    own = classify_unlabelled(
        Predictor.load(run.checkpoint("best"), compute_for(run.recipe())), Library(own_data).open("contest")
    )
    assert ids_have_endings(Library(own_data), "contest") is False
    assert own.csv(endings=False) == out.read_text(encoding="utf-8")


@words_only
def test_a_broken_test_image_gets_a_line_and_is_named(
    call: Call, contest: Contest, own_data: Path, recipe_file: Path
) -> None:
    """A submission with a missing row is refused."""
    run_id = trained(call, contest, recipe_file)
    broken = contest.test / "test_000004.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    out = contest.folder / "submission.csv"
    answer = call("predict", run_id, contest.test, "--csv", out)
    assert "test_000004.jpg" in answer.err
    lines = read(out)[1:]
    assert [image for image, _ in lines] == sorted(contest.truth)
    others = [label for image, label in lines if image != broken.name]
    fallback = dict(lines)[broken.name]
    assert others.count(fallback) == max(map(others.count, others))
    assert f"Warning: 1 image cannot be read; its row in the CSV says {fallback!r}" in answer.err
    assert "9 rows in" in answer.err
