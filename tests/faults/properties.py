"""Hypothesis on every parser of untrusted bytes: what fails comes with the smallest content that fails.

    python -m tests.faults.properties [--cases 20000] [--seed 0] [--only NAME]

The seed decides all cases of a parser. What is fed, watched and held against it is as in tests.faults.fuzz.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy

from tests.faults.fuzz import Outcome, Report, judged, placed
from tests.faults.fuzz_of_data import Images, ImportedZip, Tables
from tests.faults.fuzz_of_recipes import RecipeText
from tests.faults.fuzz_of_runs import Checkpoints, Rows, StatusFile
from tests.faults.fuzz_target import Target
from tests.faults.hypothesis_files import images, tensors, zips
from tests.faults.hypothesis_strategies import recipes, rows, statuses, tables
from tests.unit import tiny

SHOWN = 2_000
"""Characters of a shrunk example that are printed."""


@dataclass(frozen=True)
class Parser:
    """One parser: the target that feeds it, and what it is fed."""

    target: type[Target]
    content: Callable[[Any], SearchStrategy[Any]]

    @property
    def name(self) -> str:
        return self.target.name


PARSERS = (
    Parser(RecipeText, recipes),
    Parser(Tables, tables),
    Parser(Rows, rows),
    Parser(StatusFile, statuses),
    Parser(ImportedZip, zips),
    Parser(Checkpoints, tensors),
    Parser(Images, images),
)


class Found(AssertionError):
    """A case that must not be. Hypothesis tells one fault from another by the error behind it."""

    def __init__(self, given: Any, outcome: Outcome) -> None:
        super().__init__("; ".join(outcome.wrong))
        self.given = given
        self.__context__ = outcome.error


def check(parser: Parser, cases: int, seed: int) -> Report:
    """Feed a parser so many cases. Each fault is one failure, with its smallest example."""
    report = Report(parser.name)
    with placed(parser.target) as target, _same_everywhere(), tiny.quick_collections():

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=cases,
            database=None,
            deadline=None,
            derandomize=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
            verbosity=Verbosity.quiet,
        )
        @hypothesis.given(parser.content(target))
        def each_is_taken_or_refused(given: Any) -> None:
            outcome = judged(target, given)
            report.count(report.cases, outcome)
            if outcome.wrong:
                raise Found(given, outcome)

        began = time.perf_counter()
        try:
            each_is_taken_or_refused()
        except Exception as error:  # noqa: BLE001  (what Hypothesis itself complains of is a failure as well)
            report.failures = [(report.cases, what) for what in _told(error)]
        report.seconds = time.perf_counter() - began
    if not report.failures and report.cases != cases:
        report.failures = [(report.cases, f"{report.cases:,} cases instead of {cases:,}")]
    return report


@contextmanager
def _same_everywhere() -> Iterator[None]:
    """Hypothesis also draws numbers and texts that it reads in the modules of this project that happen to
    be imported: with them a seed would mean other cases in another process."""
    providers.CONSTANTS_CACHE.cache.clear()
    with mock.patch.object(providers, "_get_local_constants", providers.Constants):
        yield
    providers.CONSTANTS_CACHE.cache.clear()


def _told(error: BaseException) -> list[str]:
    """Every fault in what Hypothesis raised, with its example."""
    if isinstance(error, Found):
        return [f"{error}: {_shown(error.given)}"]
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return [what for inner in error.exceptions for what in _told(inner)]
    return [f"{type(error).__name__}: {error}"]


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def main() -> int:
    """The command; its exit status is 1 where anything failed."""
    argued = argparse.ArgumentParser(
        prog="python -m tests.faults.properties", description=(__doc__ or "").split("\n")[0]
    )
    argued.add_argument("--cases", type=int, default=20_000, help="per parser")
    argued.add_argument("--seed", type=int, default=0)
    argued.add_argument("--only", choices=sorted(parser.name for parser in PARSERS))
    asked = argued.parse_args()
    failed = 0
    for parser in PARSERS:
        if asked.only not in (None, parser.name):
            continue
        report = check(parser, asked.cases, asked.seed)
        print(report.line(), flush=True)
        for _, what in report.failures:
            print(f"    --only {parser.name} --seed {asked.seed}: {what}", flush=True)
        failed += len(report.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
