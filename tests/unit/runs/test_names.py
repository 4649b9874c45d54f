"""What runs are called, and how one is found by what a person types."""

from pathlib import Path

import pytest

from core.errors import BadInput, NotFound
from core.runs import Notes, Run, RunEntry
from core.runs.names import CANDIDATES, clone_name, find_run, name_without_seed, repeat_name


def entry(run_id: str, name: str = "") -> RunEntry:
    return RunEntry(Run(Path("/nowhere") / run_id), Notes(name=name), None, damaged="not read")


RUNS = [
    entry("20260903-120000-my-net-cccc", "First look, seed 1"),
    entry("20260902-120000-my-net-bbbb", "Flip"),
    entry("20260901-120000-my-net-aaaa", "First look"),
]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("First look", "aaaa"),
        ("first-look", "aaaa"),
        ("FIRST_LOOK", "aaaa"),
        (" first  look ", "aaaa"),
        ("first-look,-seed-1", "cccc"),
        ("flip", "bbbb"),
        ("20260902", "bbbb"),
        ("20260902-120000-my-net-bbbb", "bbbb"),
        ("bbbb", "bbbb"),
        ("last", "cccc"),
    ],
)
def test_a_run_is_found_by_its_name_or_a_part_of_its_id(text: str, end: str) -> None:
    assert find_run(RUNS, text).id.endswith(end)


@pytest.mark.parametrize("text", ["", " ", "look", "first", "20260904", "net"])
def test_what_fits_nothing_is_no_run(text: str) -> None:
    with pytest.raises(NotFound, match="There is no run"):
        find_run(RUNS, text)


def test_a_name_written_just_so_comes_before_one_that_is_alike() -> None:
    both = [entry("r2", "FLIP"), entry("r1", "flip")]
    assert [find_run(both, text).id for text in ("FLIP", "flip")] == ["r2", "r1"]
    with pytest.raises(BadInput, match="2 runs"):
        find_run(both, "Flip")


def test_several_that_fit_are_named_with_their_names() -> None:
    with pytest.raises(BadInput) as caught:
        find_run(RUNS, "2026")
    told = str(caught.value)
    assert "fits 3 runs" in told and all(f"{run.id} ({run.name})" in told for run in RUNS)
    many = [entry(f"2026-{at}") for at in range(CANDIDATES + 2)]
    with pytest.raises(BadInput, match="and 2 more"):
        find_run(many, "2026")


def test_names_that_would_command_a_terminal_are_told_without_that() -> None:
    both = [entry(f"2026-{at}", "\x1b[2Jflip\n") for at in range(2)]
    with pytest.raises(BadInput) as caught:
        find_run(both, "2026")
    assert str(caught.value).isprintable() and "2026-0 (?[2Jflip?)" in str(caught.value)


def test_a_clone_is_numbered_after_its_parent() -> None:
    assert clone_name("flip", []) == "flip (2)"
    assert clone_name("flip", ["flip (2)"]) == "flip (3)"
    assert clone_name("flip (2)", ["flip", "flip (2)"]) == "flip (3)"
    assert clone_name("flip, seed 3", []) == "flip (2)"
    assert clone_name("Epochs 40", []) == "Epochs 40 (2)"
    assert len(clone_name("x" * 200, [])) <= 200


def test_a_repeat_has_its_seed_in_its_name() -> None:
    assert repeat_name("flip", 3) == repeat_name("flip, seed 2", 3) == "flip, seed 3"
    assert name_without_seed("flip, seed 3") == name_without_seed("flip") == "flip"
    assert len(repeat_name("x" * 200, 3)) <= 200
