"""Files of per-image answers: their names, and what is said of one that cannot be read."""

import errno
import resource
from pathlib import Path

import numpy as np
import pytest

from core.errors import Damaged, NotFound
from core.runs import Run
from core.runs.answers import AnswerFile, has_labels, read_answers, stored_answers, write_answers

FILES = {
    "val-0046.safetensors": AnswerFile("val", 46),
    "test-0046.safetensors": AnswerFile("test", 46),
    "test-ema-0046.safetensors": AnswerFile("test", 46, averaged=True),
    "val-tta-0046-8.safetensors": AnswerFile("val", 46, views=8),
    "test-tta-ema-12345-32.safetensors": AnswerFile("test", 12_345, True, 32),
}
ARRAYS = {"label": np.array([0, 1], dtype=np.int16), "predicted": np.array([1, 1], dtype=np.int16)}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


@pytest.mark.parametrize(("name", "file"), FILES.items())
def test_a_file_has_its_name_and_is_found_by_it(run: Run, name: str, file: AnswerFile) -> None:
    assert file.name == name
    write_answers(run, file, ARRAYS, augmentations=("flip",))
    assert stored_answers(run) == [file]
    arrays, words = read_answers(run, file, ("label",))
    assert words == ("flip",)
    np.testing.assert_array_equal(arrays["predicted"], ARRAYS["predicted"])
    assert arrays["label"].dtype == np.int16 and has_labels(run, file)


def test_they_are_listed_val_first_and_the_newest_epoch_first(run: Run) -> None:
    files = [*FILES.values(), AnswerFile("val", 50)]
    for file in files:
        write_answers(run, file, ARRAYS)
    found = [file.name for file in stored_answers(run)]
    assert found[:3] == ["val-0050.safetensors", "val-0046.safetensors", "val-tta-0046-8.safetensors"]
    assert len(found) == len(files)


@pytest.mark.parametrize(
    "name", ["val-tta-0046.safetensors", "val-0046-8.safetensors", "train-0046.safetensors", "val-0046.txt"]
)
def test_other_files_are_not_taken_for_answers(run: Run, name: str) -> None:
    (run.folder / "predictions").mkdir()
    (run.folder / "predictions" / name).write_bytes(b"")
    assert stored_answers(run) == []


def test_a_run_without_the_folder_has_none(run: Run) -> None:
    assert stored_answers(run) == []
    with pytest.raises(NotFound, match="keeps no per-image answers"):
        read_answers(run, AnswerFile("val", 1), ("label",))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"predicted": ARRAYS["predicted"]}, "lacks label"),
        (ARRAYS | {"more": np.zeros(3)}, "does not hold what it should"),
        ({"label": np.zeros(0, dtype=np.int16)}, "does not hold what it should"),
        (None, "is damaged"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_remedy(
    run: Run, arrays: dict[str, np.ndarray] | None, said: str
) -> None:
    file = AnswerFile("val", 7)
    write_answers(run, file, arrays or ARRAYS)
    if arrays is None:
        file.path(run).write_bytes(file.path(run).read_bytes()[:20])
    with pytest.raises(Damaged, match=rf"val-0007.*{said}.*evaluate this checkpoint again"):
        read_answers(run, file, ("label",))


def test_a_run_that_was_deleted_meanwhile_is_not_made_again(run: Run) -> None:
    run.folder.rmdir()
    with pytest.raises(NotFound, match="There is no run"):
        write_answers(run, AnswerFile("val", 1), ARRAYS)
    assert not run.folder.exists()


def test_answers_that_do_not_fit_on_the_disk_are_an_error_of_the_system_and_leave_nothing(run: Run) -> None:
    """safetensors' own writer raises an error without a number for it."""
    file = AnswerFile("val", 7)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_answers(run, file, {"label": np.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert list((run.folder / "predictions").iterdir()) == []


@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_is_no_ordinary_file_is_not_read(run: Run, what: str) -> None:
    file, other = AnswerFile("val", 7), AnswerFile("val", 8)
    write_answers(run, other, ARRAYS)
    file.path(run).symlink_to(other.path(run)) if what == "link" else file.path(run).mkdir()
    with pytest.raises(Damaged, match="evaluate this checkpoint again"):
        read_answers(run, file, ("label",))
    assert not has_labels(run, file)
