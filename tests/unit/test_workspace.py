"""Which folders runs and data sets lie in."""

from pathlib import Path

import pytest

from core.workspace import find_workspace


def test_the_environment_names_the_folders(tmp_path: Path) -> None:
    found = find_workspace({"PLATEAU_RUNS": str(tmp_path / "r"), "PLATEAU_DATA": str(tmp_path / "d")})
    assert (found.runs, found.data) == (tmp_path / "r", tmp_path / "d")


@pytest.mark.parametrize(
    "environment", [{}, {"PLATEAU_RUNS": "", "PLATEAU_DATA": ""}], ids=["unset", "empty"]
)
def test_without_it_they_lie_in_the_project(environment: dict[str, str]) -> None:
    project = Path(__file__).resolve().parents[2]
    found = find_workspace(environment)
    assert (found.runs, found.data) == (project / "runs", project / "data")


def test_a_home_folder_and_a_relative_path_become_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = find_workspace({"PLATEAU_RUNS": "~/runs", "PLATEAU_DATA": "here/data"})
    assert (found.runs, found.data) == (tmp_path / "home" / "runs", tmp_path / "here" / "data")
