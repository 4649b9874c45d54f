"""Hostile content for every parser: a named error or a good answer, in time, and inside its own folder.

    python -m tests.faults.fuzz [--cases 20000] [--seed 0] [--only NAME] [--case N] [--kinds]

A case follows from target, seed and number alone: what failed is repeated by --only, --seed and --case.
"""

import argparse
import gc
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from core.errors import InvalidSettings, PlateauError
from tests.faults.fuzz_guard import SECRET, Escaped, TooSlow, kept_inside, within
from tests.faults.fuzz_target import Target
from tests.faults.fuzz_targets import TARGETS
from tests.faults.points import MEMORY

CASE_S = 5.0
"""What a case may take; the slowest one that is whole is printed."""
LONGEST = 700
"""Characters of a sentence about one value or file."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    refused: str | None = None
    """The kind of the sentence that refused it."""
    wrong: tuple[str, ...] = ()
    """What must not happen, but did."""
    error: BaseException | None = None
    """Where it is wrong: the error that told."""
    took_ms: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.refused is None and self.error is None


@dataclass
class Report:
    """What became of one target's cases."""

    name: str
    cases: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    slowest_case: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)
    """(case, what happened)"""
    seconds: float = 0.0

    def count(self, case: int, outcome: Outcome) -> None:
        """One case more, without its failures."""
        self.cases += 1
        self.accepted += outcome.accepted
        if outcome.refused is not None:
            self.refused[outcome.refused] += 1
        if outcome.took_ms > self.slowest_ms:
            self.slowest_ms, self.slowest_case = outcome.took_ms, case

    def line(self, shown: int = 3) -> str:
        """All of it in one line."""
        kinds = [f"{kind} ×{count:,}" for kind, count in self.refused.most_common(shown)]
        if len(self.refused) > shown:
            kinds.append(f"{len(self.refused) - shown} kinds more")
        return (
            f"{self.name:14} {self.cases:>7,} cases in {self.seconds:5.1f} s: {self.accepted:,} accepted, "
            f"{self.refused.total():,} refused ({'; '.join(kinds)}), slowest {self.slowest_ms:.1f} ms "
            f"(case {self.slowest_case}), {len(self.failures)} failures"
        )


def fuzz(make: type[Target], cases: Iterable[int], seed: int) -> Report:
    """Feed a target these cases."""
    report = Report(make.name)
    with placed(make) as target:
        began = time.perf_counter()
        for case in cases:
            outcome = judged(target, target.draw(Random(f"{target.name}/{seed}/{case}")))
            report.count(case, outcome)
            report.failures += [(case, what) for what in outcome.wrong]
        report.seconds = time.perf_counter() - began
    return report


@contextmanager
def placed(make: type[Target]) -> Iterator[Target]:
    """The target in a folder of its own, beside which files lie that no case may read."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="plateau-fuzz-") as folder:
        place = Path(folder, "place")
        place.mkdir()
        for secret in (SECRET, f"{SECRET}.png"):
            Path(folder, secret).write_bytes(b"not to be read")
        target = make(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
            yield target


def judged(target: Target, given: Any) -> Outcome:
    """Feed it to the target, and say what became of it. No error comes out."""
    before, tempfile.tempdir = tempfile.tempdir, str(target.place)
    refused: str | None = None
    wrong: list[str] = []
    told: BaseException | None = None
    start = time.perf_counter()
    try:
        with kept_inside(target.place), within(CASE_S):
            target.feed(given)
    except PlateauError as error:
        refused = _kind(error)
        if what := _wrong_with(error):
            wrong.append(f"the sentence {str(error)[:200]!r} {what}")
            told = error
    except (Exception, TooSlow, Escaped) as error:  # noqa: BLE001  (any other error is what is looked for)
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{Path(where.filename).name}:{where.lineno}"
        wrong.append(f"{type(error).__name__} at {at}: {str(error)[:200]}")
        told = error
    finally:
        tempfile.tempdir = before
    took_ms = (time.perf_counter() - start) * 1000
    if left := target.left_behind():
        wrong.append(f"left behind: {left}")
    return Outcome(refused, tuple(wrong), told, took_ms)


def _kind(error: PlateauError) -> str:
    """The sentence without what is particular to the case."""
    sentence = error.problems[0].rule if isinstance(error, InvalidSettings) else str(error)
    sentence = re.sub(r" in /\S+", " in …", sentence)
    sentence = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", sentence)
    return re.sub(r"[\d,.]*\d", "#", sentence).partition(";")[0].rstrip(".")[:90]


def _wrong_with(error: PlateauError) -> str:
    """What is wrong with an error as something that a person reads; empty for a plain sentence."""
    cause = error.__cause__
    problems = next((e.problems for e in (error, cause) if isinstance(e, InvalidSettings)), [])
    for sentence in [problem.sentence() for problem in problems] or [str(error)]:
        if not sentence.isprintable():
            return "holds characters that cannot be shown"
        if not sentence.endswith("."):
            return "has no end"
        if len(sentence) > LONGEST:
            return f"has {len(sentence)} characters"
    return ""


def main() -> int:
    """The command; its exit status is 1 where anything failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.fuzz", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--cases", type=int, default=20_000, help="per target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(target.name for target in TARGETS))
    parser.add_argument("--case", type=int, help="this case alone")
    parser.add_argument("--kinds", action="store_true", help="all kinds of refusals, not the first three")
    asked = parser.parse_args()
    cases = range(asked.cases) if asked.case is None else [asked.case]
    failed = 0
    for make in TARGETS:
        if asked.only not in (None, make.name):
            continue
        report = fuzz(make, cases, asked.seed)
        print(report.line(1000 if asked.kinds else 3), flush=True)
        for case, what in report.failures[:10]:
            print(f"    --only {make.name} --seed {asked.seed} --case {case}: {what}", flush=True)
        failed += len(report.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
