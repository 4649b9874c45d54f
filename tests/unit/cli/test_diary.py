"""`diary`."""

import zipfile
from pathlib import Path

import pytest

from core.runs import Run, RunStore
from tests.pages.made_runs import make_run
from tests.unit.cli.calls import Call


@pytest.mark.parametrize("name", ["diary.zip", "diary.html"])
def test_it_writes_every_run_and_prints_the_file(call: Call, trained: Run, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    answer = call("diary", "--out", target)
    assert (answer.status, answer.out) == (0, f"{target}\n")
    assert "1 run, 1 picture, " in answer.err
    if name.endswith("zip"):
        with zipfile.ZipFile(target) as archive:
            assert trained.id in archive.read("diary.md").decode()
    else:
        assert trained.id in target.read_text()


def test_a_file_that_is_there_is_replaced(call: Call, trained: Run, tmp_path: Path) -> None:
    target = tmp_path / "diary.html"
    target.write_text("old")
    assert call("diary", "--out", target).status == 0
    assert target.read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["diary.html"]


def test_single_runs_by_name_or_id(call: Call, store: RunStore, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        make_run(store, name=name)
    target = tmp_path / "diary.html"
    assert call("diary", "--out", target, "--run", "one", "--run", store.find("three").id).status == 0
    text = target.read_text()
    assert text.count("<section") == 2 and "two" not in text.split("<main>")[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "diary.pdf"], "must end in .zip"),
        (["--out", "nowhere/diary.zip"], "there is no folder"),
        (["--out", "diary.zip", "--run", "nobody"], "There is no run 'nobody'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    call: Call,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call("diary", *arguments)
    assert answer.status == 1 and sentence in answer.sentence
    assert not (tmp_path / "diary.zip").exists()


def test_without_runs_it_says_how_to_make_one(call: Call, tmp_path: Path) -> None:
    answer = call("diary", "--out", tmp_path / "diary.zip")
    assert answer.status == 1 and "python -m core train" in answer.sentence


def test_a_file_must_be_named(call: Call) -> None:
    assert call("diary").status == 2
