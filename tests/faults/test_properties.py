"""A short share of what Hypothesis draws, and that it finds a fault and makes it small."""

import hashlib
import importlib
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from core.errors import BadInput
from tests.faults import fuzz_of_data, properties
from tests.faults.fuzz import Outcome, judged
from tests.faults.fuzz_target import Target
from tests.faults.properties import PARSERS, Parser, check

CASES = 100
BY_NAME = {parser.name: parser for parser in PARSERS}


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_drawn_content_is_refused_in_a_sentence_or_taken(parser: Parser) -> None:
    report = check(parser, CASES, seed=1)
    assert report.failures == []
    assert report.cases == report.accepted + report.refused.total() == CASES
    assert report.accepted > 0, "nothing was valid: the strategies miss what a parser does with good content"


def test_a_planted_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fuzz_of_data.collect_table

    def with_a_fault(table: Path, *others: Any) -> Any:
        if b"2" in table.read_bytes():
            raise KeyError("two")
        return whole(table, *others)

    monkeypatch.setattr(fuzz_of_data, "collect_table", with_a_fault)
    ((_, what),) = check(BY_NAME["csv"], 300, seed=0).failures
    assert what.startswith("KeyError at test_properties.py")
    example = what.partition(": 'two': ")[2]
    assert "2" in example
    assert len(example) < 40, example


def test_two_planted_faults_are_two_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(table: Path, *_: Any) -> Any:
        if len(table.read_bytes()) % 2:
            raise BadInput("no sentence")
        (table.parent.parent / "outside").write_text("x")

    monkeypatch.setattr(fuzz_of_data, "collect_table", twice)
    found = " ".join(what for _, what in check(BY_NAME["csv"], 100, seed=0).failures)
    assert "has no end" in found
    assert "Escaped" in found


def drawn() -> str:
    """A digest of what a parser is fed."""
    seen = hashlib.sha256()

    def kept(target: Target, given: Any) -> Outcome:
        seen.update(repr(given).encode("utf-8", "replace"))
        return judged(target, given)

    with mock.patch.object(properties, "judged", kept):
        check(BY_NAME["recipe"], CASES, seed=7)
    return seen.hexdigest()


def test_a_seed_means_the_same_cases_whatever_else_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn()
    assert before == drawn()
    (tmp_path / "full_of_constants.py").write_text(f"X = {[*range(300), *map(str, range(300))]}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("full_of_constants")
    assert before == drawn()
