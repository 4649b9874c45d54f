"""Folders for work in between: gone in the end, however the process ends."""

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from core.data import scratch
from core.data.scratch import Scratch, clear_scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _work_and_hang(temporary: str, begun: Any) -> None:
    tempfile.tempdir = temporary
    with Scratch() as folder:
        (folder / "half.png").write_bytes(b"x")
        begun.set()
        time.sleep(60)


def test_it_is_empty_and_gone_when_it_is_done(temporary: Path) -> None:
    with Scratch() as folder:
        assert list(folder.iterdir()) == []
        (folder / "deep").mkdir()
        (folder / "deep" / "a.png").write_bytes(b"x")
        assert folder.is_relative_to(temporary)
    assert list(temporary.iterdir()) == []


def test_it_is_gone_after_an_error_too(temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), Scratch():
        raise ZeroDivisionError
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("by", ["the next start", "the next one"])
def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(temporary: Path, by: str) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=_work_and_hang, args=(str(temporary), begun))
    process.start()
    assert begun.wait(60)
    with Scratch() as mine:
        clear_scratch()
        assert mine.is_dir()
        (theirs,) = (home for home in temporary.iterdir() if home != mine.parent)
        assert (theirs / "work" / "half.png").exists(), "it is in use"
        process.kill()
        process.join()
        if by == "the next start":
            clear_scratch()
        else:
            Scratch().close()
        assert list(temporary.iterdir()) == [mine.parent]


def test_one_that_was_taken_for_a_left_one_is_given_up(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody clears between the folder's making and its lock."""
    made: list[str] = []
    real = tempfile.mkdtemp

    def cleared(prefix: str) -> str:
        made.append(real(prefix=prefix))
        if len(made) == 1:
            clear_scratch()
            assert not Path(made[0]).exists()
        return made[-1]

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", cleared)
    with Scratch() as folder:
        assert folder.is_dir()
        clear_scratch()
        assert folder.is_dir()


def test_what_others_put_there_is_left_alone(temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (temporary / "plateau-scratch-link").symlink_to(tmp_path / "mine")
    (temporary / "plateau-scratch-file").write_text("x")
    (temporary / "another-program").mkdir()
    clear_scratch()
    assert len(list(temporary.iterdir())) == 3
    assert list((tmp_path / "mine").iterdir()) == []
