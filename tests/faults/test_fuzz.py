"""A short share of the fuzzing, and that the fuzzer finds what it looks for."""

import time
from pathlib import Path
from random import Random

import pytest

from core.errors import BadInput
from tests.faults.fuzz import fuzz
from tests.faults.fuzz_target import Target
from tests.faults.fuzz_targets import TARGETS

CASES = 120


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_hostile_content_is_refused_in_a_sentence_or_taken(target: type[Target]) -> None:
    report = fuzz(target, range(CASES), seed=1)
    assert report.failures == []
    assert report.accepted + report.refused.total() == CASES


def test_no_two_targets_have_one_name() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_a_case_follows_from_its_number_and_the_seed(tmp_path: Path) -> None:
    for make in TARGETS:
        (place := tmp_path / make.name).mkdir()
        target = make(place)
        drawn = [repr(target.draw(Random(f"{make.name}/0/{case}"))) for case in (3, 3, 4)]
        assert drawn[0] == drawn[1]
        assert drawn[0] != drawn[2] or make.name == "ids"


class _Planted(Target):
    """A parser with a fault."""

    name = "planted"

    def draw(self, rng: Random) -> int:
        return rng.randrange(10)


class _Unnamed(_Planted):
    def feed(self, given: int) -> None:
        raise KeyError(given)


class _Hanging(_Planted):
    def feed(self, given: int) -> None:
        time.sleep(60)


class _Climbing(_Planted):
    def feed(self, given: int) -> None:
        (self.place.parent / "outside").write_text("x")


class _Mumbling(_Planted):
    def feed(self, given: int) -> None:
        raise BadInput("no sentence\n")


class _Littering(_Planted):
    def feed(self, given: int) -> None:
        raise BadInput("It is refused; choose another one.")

    def left_behind(self) -> str:
        return "half.zip"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (_Unnamed, "KeyError"),
        (_Hanging, "TooSlow"),
        (_Climbing, "Escaped"),
        (_Mumbling, "characters that cannot be shown"),
        (_Littering, "left behind: half.zip"),
    ],
)
def test_the_fuzzer_finds_a_planted_fault(
    target: type[Target], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.fuzz.CASE_S", 0.2)
    report = fuzz(target, range(1), seed=0)
    ((case, what),) = report.failures
    assert case == 0
    assert found in what
