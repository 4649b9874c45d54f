"""The command line as such: exit status, one sentence on standard error, help."""

import subprocess
import sys
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


def test_a_long_message_of_a_fault_stays_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("many\nlines " * 1000)

    monkeypatch.setattr("core.cli.presets.load_presets", fail)
    assert len(call("presets").sentence) < 400


def test_a_fault_of_ours_is_one_sentence_and_status_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("core.cli.presets.load_presets", fail)
    answer = call("presets")
    assert (answer.status, answer.out) == (1, "")
    assert "ZeroDivisionError: oh" in answer.sentence
    monkeypatch.setenv("PLATEAU_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("presets")


def test_presets_are_listed_with_their_recipes(call: Call) -> None:
    found = call("presets", "--json").json
    assert [each["id"] for each in found] == [preset.id for preset in load_presets()]
    assert all({"id", "title", "group", "about", "recipe"} <= set(each) for each in found)
    plain = call("presets")
    assert all(preset.id in plain.out for preset in load_presets())
    assert (plain.status, plain.err) == (0, "")
