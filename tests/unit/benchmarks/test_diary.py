"""The diary's command: it trains and stores, prints or writes the page, and says what is wrong."""

from pathlib import Path

import pytest

from benchmarks import diary, diary_page
from benchmarks.diary_page import diary_lines
from benchmarks.diary_runs import read_figures
from core.data import Library
from tests.unit import tiny


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The diary's figures, in a file of the test's own."""
    path = tmp_path / "diary.json"
    for module in (diary, diary_page):
        monkeypatch.setattr(module, "DIARY_FIGURES", path)
    return path


def test_it_trains_and_stores_what_the_page_then_shows(
    library: Library, figures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    preset = "01-my-net-one-block"
    assert diary.main(["run", preset, "--data", tiny.DATASET, "--epochs", "2", "--train", "70"]) == 0
    (found,) = read_figures(figures).runs
    assert (found.preset, found.epochs, found.train_images, found.val_images) == (preset, 2, 70, 18)
    capsys.readouterr()
    assert diary.main(["page"]) == 0
    assert f"{tiny.DATASET}, 70 images: 2 of 15 epochs" in capsys.readouterr().out


def test_the_page_is_written_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.md"
    assert diary.main(["page", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert out.read_text(encoding="utf-8") == "\n".join(diary_lines()) + "\n"


def test_a_page_that_cannot_be_made_leaves_the_file_as_it_is(
    figures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures.write_text('{"runs": 3}')
    out = tmp_path / "page.md"
    out.write_text("the page of before")
    assert diary.main(["page", "--out", str(out)]) == 1
    assert capsys.readouterr().err == (
        "diary.json does not hold what it should; restore it from the repository.\n"
    )
    assert out.read_text() == "the page of before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diary.json", "page.md"]


def test_damaged_figures_of_the_comparison_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "effect.json").write_text("{}")
    monkeypatch.setattr(diary_page, "EFFECT_FIGURES", tmp_path / "effect.json")
    assert diary.main(["page"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("effect.json holds no result of benchmarks.effect; ")
    assert shown.err.count("\n") == 1


def test_a_page_in_no_folder_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diary.main(["page", "--out", str(tmp_path / "nowhere" / "page.md")]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("--out = ")
    assert "cannot be written (No such file or directory)" in shown


def test_it_says_in_one_sentence_what_is_wrong(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATEAU_DATA", str(library.folder))
    assert diary.main(["run", "03-resnet81", "--data", tiny.DATASET]) == 1
    assert capsys.readouterr().err.startswith("There is no preset and no recipe file '03-resnet81'")
