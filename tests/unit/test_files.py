"""Small files: whole or unchanged, and JSON that every reader accepts."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from core.errors import Damaged
from core.files import read_json, replacing, to_json, write_json, write_text


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_text_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    write_text(path, "new äπ")
    assert path.read_text(encoding="utf-8") == "new äπ"
    assert names(tmp_path) == {"note.txt"}


@pytest.mark.parametrize("durable", [True, False])
def test_an_error_while_writing_leaves_the_old_content(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def write_half() -> None:
        with replacing(path, durable=durable) as temporary:
            temporary.write_text("half")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == {"note.txt"}


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        if function == "replace":
            patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="No space"):
            write_text(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == {"note.txt"}


def test_the_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent, "a rename is atomic inside one folder only"
    assert path.read_text() == "new"


def test_content_reaches_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """temp file, fsync, rename, fsync of the folder: in any other order a power loss can tear it."""
    calls: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        kind = "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"  # noqa: PTH112
        calls.append(f"fsync {kind}")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        calls.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_text(tmp_path / "note.txt", "x")
    assert calls == ["fsync file", "rename", "fsync folder"]
    calls.clear()
    write_text(tmp_path / "note.txt", "x", durable=False)
    assert calls == ["rename"]


@pytest.mark.parametrize(
    ("value", "word"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")], ids=str
)
def test_numbers_that_json_lacks_are_stored_as_words(value: float, word: str) -> None:
    text = to_json({"loss": value, "deep": [{"x": (value, 1.5)}]})
    assert json.loads(text, parse_constant=pytest.fail) == {"loss": word, "deep": [{"x": [word, 1.5]}]}


def test_floats_survive_to_the_bit() -> None:
    values = [0.1, 1e-300, 2 / 3, 12345678.9012345]
    assert json.loads(to_json(values)) == values


def test_half_of_a_character_does_not_keep_a_text_from_being_stored(tmp_path: Path) -> None:
    """A name typed in a shell of another encoding arrives with lone surrogates, which UTF-8 lacks."""
    write_json(tmp_path / "notes.json", {"name": "caf\udce9"})
    assert read_json(tmp_path / "notes.json")["name"].startswith("caf")


def test_json_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Größe", "epochs": (1, 2)})
    assert read_json(tmp_path / "a.json") == {"name": "Größe", "epochs": [1, 2]}


def test_a_missing_file_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"a": 1',
        b"\xff\xfe\x00",
        b"\0" * 20,
        b"[1]",
        b"3",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "torn", "no text", "zeros", "a list", "a number", "deep", "a huge number"],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run-1" / "status.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Damaged, match=r"status\.json of run-1"):
        read_json(path)


def test_a_folder_in_the_place_of_a_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / "status.json").mkdir()
    with pytest.raises(Damaged, match=r"status\.json"):
        read_json(tmp_path / "status.json")
