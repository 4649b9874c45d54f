"""The command line as such: exit status, one sentence on standard error, help."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import __version__
from core.recipe import load_presets
from tests.unit.cli.calls import Call

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["data"],
        ["data", "import", "x"],
        ["train"],
        ["train", "x", "--epochs", "many"],
        ["runs", "--xml"],
        ["stop"],
        ["resume"],
        ["evaluate", "x", "--split", "train"],
        ["evaluate", "x", "--checkpoint", "middle"],
        ["evaluate", "x", "--checkpoint", "-1"],
        ["evaluate", "x", "--checkpoint", "²"],
        ["evaluate", "x", "--tta", "few"],
        ["predict", "x"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_status_2_with_the_usage(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("usage: python -m core")


@pytest.mark.parametrize(
    "command",
    [[], ["data"], ["data", "list"], ["data", "import"]]
    + [[c] for c in ("presets", "train", "runs", "stop", "resume", "evaluate", "predict")],
    ids=" ".join,
)
def test_every_command_has_help(call: Call, command: list[str]) -> None:
    answer = call(*command, "--help")
    assert answer.status == 0
    assert answer.out.startswith("usage: python -m core")
    assert answer.err == ""


def test_the_version_is_told(call: Call) -> None:
    assert call("--version").out == f"Plateau {__version__}\n"


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "core", "--version"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (f"Plateau {__version__}\n", "")
    assert subprocess.run([*command[:-1], "dance"], cwd=PROJECT, capture_output=True).returncode == 2


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Makes the command `presets` raise."""

    def plant(error: Exception) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr("core.cli.presets.load_presets", fail)

    return plant


Fault = Callable[[Exception], None]


def test_a_long_message_of_a_fault_stays_one_line(call: Call, fault: Fault) -> None:
    fault(ValueError("many\nlines " * 1000))
    assert len(call("presets").sentence) < 400


def test_a_fault_of_ours_is_one_sentence_that_names_the_log(
    call: Call, fault: Fault, runs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(ZeroDivisionError("oh"))
    answer = call("presets")
    log = runs_folder / ".log" / "plateau.log"
    assert (answer.status, answer.out) == (1, "")
    assert answer.sentence == (
        f"An unexpected error ended the command (ZeroDivisionError: oh); {log} has the details."
    )
    said = log.read_text()
    assert "Traceback" in said and "ZeroDivisionError: oh" in said
    assert call("runs", "--json").json == [], "it is no run"
    monkeypatch.setenv("PLATEAU_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("presets")
    assert log.read_text().count("Traceback") == 2


def test_the_log_stays_small(call: Call, fault: Fault, runs_folder: Path) -> None:
    folder = runs_folder / ".log"
    for _ in range(15):
        fault(ValueError("x" * 100_000))
        call("presets")
    assert sorted(path.name for path in folder.iterdir()) == ["plateau.1.log", "plateau.log"]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_200_000


@pytest.mark.parametrize("kind", ["a file for the folder", "a link", "a linked folder", "a pipe"])
def test_a_log_that_cannot_be_written_does_not_matter(
    call: Call, fault: Fault, runs_folder: Path, tmp_path: Path, kind: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "plateau.log").write_text("mine")
    log = runs_folder / ".log" / "plateau.log"
    runs_folder.mkdir(exist_ok=True)
    if kind == "a linked folder":
        log.parent.symlink_to(outside)
    elif kind == "a file for the folder":
        log.parent.write_text("")
    else:
        log.parent.mkdir()
        os.mkfifo(log) if kind == "a pipe" else log.symlink_to(outside / "plateau.log")
    fault(ZeroDivisionError("oh"))
    assert call("presets").sentence == (
        "An unexpected error ended the command (ZeroDivisionError: oh); PLATEAU_DEBUG=1 shows where."
    )
    assert (outside / "plateau.log").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space and try again"),
        (errno.EROFS, "let it be read and written, and try again"),
        (errno.EIO, "try again"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(call: Call, fault: Fault, number: int, remedy: str) -> None:
    fault(OSError(number, os.strerror(number), "/runs/a/status.json"))
    said = f"/runs/a/status.json cannot be read or written: {os.strerror(number)}; {remedy}."
    assert call("presets").sentence == said


def test_presets_are_listed_with_their_recipes(call: Call) -> None:
    found = call("presets", "--json").json
    assert [each["id"] for each in found] == [preset.id for preset in load_presets()]
    assert all({"id", "title", "group", "about", "recipe"} <= set(each) for each in found)
    plain = call("presets")
    assert all(preset.id in plain.out for preset in load_presets())
    assert (plain.status, plain.err) == (0, "")
