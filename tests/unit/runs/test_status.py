"""status.json: what it may hold, its checksum, the parts beside it, and which images a run is on."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import Damaged
from core.runs import Status
from core.runs.status import Best, Last, Live, read_status, write_status


def status(**values: Any) -> Status:
    given: dict[str, Any] = {
        "state": "finished",
        "epochs": 3,
        "created_at": "2026-09-01T12:00:00+00:00",
        "dataset": "a",
        "architecture": "my_net",
    }
    return Status(**given | values)


@pytest.mark.parametrize(
    ("mine", "same"),
    [
        (("pixels", "split"), True),
        (("", ""), True),
        (("others", "split"), False),
        (("pixels", "another"), False),
        (("pixels", ""), False),
    ],
)
def test_a_run_is_on_the_images_and_the_split_that_it_names_or_on_any(
    mine: tuple[str, str], same: bool
) -> None:
    run = status(dataset_fingerprint=mine[0], split_fingerprint=mine[1])
    assert run.is_on("pixels", "split") == same


FULL = status(
    epoch=3,
    best=Best(epoch=2, val_accuracy=0.5, gap=-0.1),
    last=Last(epoch=3, val_accuracy=0.25, train_accuracy=0.5, clean_train_accuracy=1.0, val_loss=2.5, lr=0.1),
    live=Live(
        epoch=4,
        step=1,
        steps=9,
        phase="training",
        train_loss=1.5,
        train_accuracy=0.5,
        lr=0.1,
        images_per_s=9.5,
    ),
    elapsed_s=61.25,
    message="ß",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder with nothing but a status."""
    (tmp_path / "run-1").mkdir()
    write_status(tmp_path / "run-1", FULL)
    return tmp_path / "run-1"


def test_a_status_comes_back_as_it_was(folder: Path) -> None:
    assert read_status(folder) == FULL


def test_a_val_loss_that_is_no_number_comes_back_too(folder: Path) -> None:
    assert FULL.last
    write_status(
        folder, FULL.model_copy(update={"last": FULL.last.model_copy(update={"val_loss": float("nan")})})
    )
    found = read_status(folder).last
    assert found and found.val_loss != found.val_loss


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"epoch": 3', '"epoch": 2'),
        ('"finished"', '"stopped"'),
        ("61.25", "61.26"),
        ('"elapsed_s"', '"elapsed_r"'),
        ('"crc32"', '"crc33"'),
        ('"crc32": ', '"crc32": 1'),
    ],
)
def test_a_value_that_is_another_one_is_noticed(folder: Path, before: str, after: str) -> None:
    path = folder / "status.json"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(Damaged, match=r"status\.json of run run-1 is damaged: its checksum does not fit"):
        read_status(folder)


def test_without_its_checksums_line_it_is_taken_as_it_is(folder: Path) -> None:
    """As an older Plateau wrote it, or as somebody wants it who changed it by hand."""
    path = folder / "status.json"
    lines = [line for line in path.read_text().replace("61.25", "7.5").splitlines() if "crc32" not in line]
    path.write_text("\n".join(lines))
    assert read_status(folder) == FULL.model_copy(update={"elapsed_s": 7.5})


def test_one_that_has_no_reason_yet_is_read_without_one(folder: Path) -> None:
    path = folder / "status.json"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if '"reason"' not in line and '"crc32"' not in line]
    assert len(kept) == len(lines) - 2
    path.write_text("\n".join(kept).replace(",\n}", "\n}"))
    assert read_status(folder).reason == ""


def test_halves_of_characters_are_question_marks(folder: Path) -> None:
    content = FULL.model_dump(mode="json") | {"dataset": "a\ud800b"}
    (folder / "status.json").write_text(json.dumps(content))
    assert read_status(folder).dataset == "a?b"


def test_what_is_nested_deeper_than_python_can_go_is_damage(folder: Path) -> None:
    for depth in (300, 900, 1_000, 100_000):
        text = json.dumps(FULL.model_dump(mode="json"))[:-1]
        (folder / "status.json").write_text(f'{text}, "live": {"[" * depth}{"]" * depth}}}')
        with pytest.raises(Damaged, match=r"status\.json of"):
            read_status(folder)


NO_TIME = [float("nan"), float("inf"), -1.0, "inf", None]


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "elapsed_s": NO_TIME,
        "images_per_s": NO_TIME[:4],
        "epoch": [-1, 10**9 + 1, 1.5],
        "epochs": [0, 10**9 + 1],
        "hold_from": [-1],
        "best.val_accuracy": [float("nan"), -0.1, 1.1],
        "best.gap": [float("inf")],
        "last.train_accuracy": [float("inf"), 2],
        "last.lr": [float("nan")],
        "live.steps": [0],
        "live.step": [-1],
        "live.images_per_s": NO_TIME,
        "live.train_loss": [float("inf")],
    }.items(),
)
def test_a_number_that_no_page_can_show_is_damage(folder: Path, field: str, values: list[Any]) -> None:
    path = folder / "status.json"
    for value in values:
        content = json.loads(path.read_text())
        content.pop("crc32", None)
        *parents, name = field.split(".")
        holder = content[parents[0]] if parents else content
        holder[name] = value
        path.write_text(json.dumps(content))
        with pytest.raises(Damaged, match="does not hold what it should"):
            read_status(folder)
        write_status(folder, FULL)


@pytest.mark.parametrize(
    "part",
    ["recipe.json", "notes.json", "evaluations.json", "control.json", "epochs.jsonl", "steps.jsonl", "lock"],
)
def test_a_folder_where_a_file_must_be_is_named(folder: Path, part: str) -> None:
    (folder / part).mkdir()
    with pytest.raises(
        Damaged, match=f"holds the folder '{part}', which must be a file; remove it, or delete"
    ):
        read_status(folder)


@pytest.mark.parametrize("part", ["checkpoints", "predictions"])
def test_a_file_where_a_folder_must_be_is_named(folder: Path, part: str) -> None:
    (folder / part).write_text("")
    with pytest.raises(
        Damaged, match=f"holds the file '{part}', which must be a folder; remove it, or delete"
    ):
        read_status(folder)


def test_files_and_folders_of_somebody_else_do_no_harm(folder: Path) -> None:
    for name in ("mine", "checkpoints/mine", "predictions/mine"):
        (folder / name).mkdir(parents=True)
        (folder / name / "link").symlink_to(folder)
    (folder / "mine.txt").write_text("")
    assert read_status(folder) == FULL
