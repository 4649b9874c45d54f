"""How often the verdict on two runs is wrong, by simulation.

    python -m benchmarks.verdicts [--pairs N] [--seed N]

Four tables as Markdown: two runs without a difference; which interval covers a true difference; groups of
seeds; and what choosing the best epoch does. `better` is the share of pairs where the run after is called
better, `wrong` that of either call where there is no difference, `covers` how often the 95 % interval holds
the true difference. Figures of N pairs of 0.05 have a standard error of 0.005 at 2,000 pairs.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from scipy import special, stats

from benchmarks.machine import cpu_name
from core.insight.seeds import over_images, over_seeds
from core.insight.significance import normal_quantile, paired, paired_counts, tango_interval, wilson
from core.insight.verdict import kind_of

IMAGES = (500, 1_000, 2_000, 5_000, 10_000)
CHANGED = (0.02, 0.1, 0.3)
"""Share of the images that only one of the two runs has right."""
Interval = Callable[[int, int, int, int], tuple[float, float]]
"""From images that both, only the first, only the second, and neither have right."""


@dataclass(frozen=True)
class Setups:
    """Two settings whose networks answer for images as described in `draw_seeds`."""

    accuracy: float
    """Of the setting before, over all images and seeds there could be."""
    difference: float = 0.0
    spread: tuple[float, float] = (0.0, 0.0)
    """Per side the standard deviation over seeds of the accuracy on infinitely many images."""


def draw_seeds(
    rng: np.random.Generator, n: int, seeds: tuple[int, int], setups: Setups
) -> tuple[np.ndarray, np.ndarray]:
    """Hits of two groups of seeds on the same n new images, bool (seeds, n) each.

    An image is right where a normal variable is positive: the sum of how easy the image is, for both
    settings (standard deviation 1.5) and for this one (0.5), of how good the seed is, and of chance (1).
    """
    rest = math.sqrt(1.5**2 + 0.5**2 + 1)
    images = 1.5 * rng.standard_normal(n, dtype=np.float32)
    levels = (setups.accuracy, setups.accuracy + setups.difference)
    sides = []
    for count, accuracy, spread in zip(seeds, levels, setups.spread, strict=True):
        wanted = float(special.ndtri(accuracy))
        density = math.exp(-(wanted**2) / 2) / math.sqrt(2 * math.pi)
        by_seed = spread * rest / density
        easy = images + 0.5 * rng.standard_normal(n, dtype=np.float32)
        seed = by_seed * rng.standard_normal((count, 1), dtype=np.float32)
        middle = np.float32(wanted * math.sqrt(rest**2 + by_seed**2))
        sides.append(easy + seed + middle + rng.standard_normal((count, n), dtype=np.float32) > 0)
    return sides[0], sides[1]


def newcombe_interval(both: int, before: int, after: int, neither: int) -> tuple[float, float]:
    """Newcombe 1998, Statistics in Medicine 17:2635, method 10."""
    n = both + before + after + neither
    first, second = (both + before) / n, (both + after) / n
    low1, high1 = wilson(both + before, n)
    low2, high2 = wilson(both + after, n)
    margins = math.prod((both + before, after + neither, both + after, before + neither))
    moment = float(both * neither - before * after)
    if moment > 0:
        moment = max(moment - n / 2, 0.0)
    phi = moment / math.sqrt(margins) if margins else 0.0
    below = (second - low2) ** 2 + (high1 - first) ** 2 - 2 * phi * (second - low2) * (high1 - first)
    above = (high2 - second) ** 2 + (first - low1) ** 2 - 2 * phi * (high2 - second) * (first - low1)
    return second - first - math.sqrt(below), second - first + math.sqrt(above)


def bonett_price_interval(both: int, before: int, after: int, neither: int) -> tuple[float, float]:
    """Bonett and Price 2012, Journal of Educational and Behavioral Statistics 37:479."""
    n = both + before + after + neither + 2
    first, second = (before + 1) / n, (after + 1) / n
    half = normal_quantile(0.95) * math.sqrt((first + second - (second - first) ** 2) / n)
    return second - first - half, second - first + half


def wald_interval(both: int, before: int, after: int, neither: int) -> tuple[float, float]:
    """The plain normal interval, for comparison."""
    n = both + before + after + neither
    middle = (after - before) / n
    half = normal_quantile(0.95) * math.sqrt(((before + after) / n - middle**2) / n)
    return middle - half, middle + half


def ours(both: int, before: int, after: int, neither: int) -> tuple[float, float]:
    """Tango's score interval, stretched to 0 where the test finds nothing."""
    found = paired_counts(both + before + after + neither, before, after)
    return found.low, found.high


def tango(both: int, before: int, after: int, neither: int) -> tuple[float, float]:
    """Tango 1998, as it is."""
    return tango_interval(both + before + after + neither, before, after)


INTERVALS: dict[str, Interval] = {
    "ours": ours,
    "Tango 1998": tango,
    "Newcombe 1998, 10": newcombe_interval,
    "Bonett and Price 2012": bonett_price_interval,
    "Wald": wald_interval,
}


def welch_interval(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Welch's 95 % interval from the seeds' accuracies alone; a point where they all agree."""
    parts = [side.var(ddof=1) / len(side) for side in (before, after)]
    middle, error = after.mean() - before.mean(), math.sqrt(sum(parts))
    if error == 0:
        return middle, middle
    freedom = sum(parts) ** 2 / sum(p**2 / (len(s) - 1) for p, s in zip(parts, (before, after), strict=True))
    half = stats.t.ppf(0.975, freedom) * error
    return middle - half, middle + half


_paired = lru_cache(maxsize=None)(paired_counts)


def one_run_each(rng: np.random.Generator, pairs: int) -> Iterator[list[str]]:
    """Two runs that are equally good: how often one is called better."""
    yield ["images", "changed", "better", "worse", "wrong"]
    for n, changed in product(IMAGES, CHANGED):
        drawn = rng.multinomial(n, [changed / 2, changed / 2, 1 - changed], size=pairs)
        kinds = [kind_of(_paired(n, int(before), int(after))) for before, after, _ in drawn]
        better, worse = kinds.count("better") / pairs, kinds.count("worse") / pairs
        yield [f"{n:,}", f"{changed:.0%}", _share(better), _share(worse), _share(better + worse)]


def intervals(rng: np.random.Generator, pairs: int) -> Iterator[list[str]]:
    """Which interval holds a true difference; the last rows have the lowest and highest coverage."""
    yield ["images", "changed", "difference (points)", *INTERVALS]
    covers: dict[str, list[float]] = {name: [] for name in INTERVALS}
    for n, changed, share in product(IMAGES, CHANGED, (0.0, 0.3, 0.8)):
        difference, right = changed * share, 0.7 * (1 - changed)
        only = [(changed - difference) / 2, (changed + difference) / 2]
        drawn = rng.multinomial(n, [right, *only, 1 - right - changed], size=pairs)
        for name, interval in INTERVALS.items():
            ends = np.array([interval(*map(int, counts)) for counts in drawn])
            covers[name].append(float(((ends[:, 0] <= difference) & (difference <= ends[:, 1])).mean()))
        row = [f"{n:,}", f"{changed:.0%}", f"{difference * 100:.1f}"]
        yield row + [_share(found[-1]) for found in covers.values()]
    for name, pick in (("lowest", min), ("highest", max)):
        yield [name, "", "", *(_share(pick(found)) for found in covers.values())]


GROUPS = ((3, 3), (3, 5), (3, 10), (5, 5), (10, 10))
"""Seeds before and after."""
SPREADS = (
    ((0.0, 0.0), 0.0),
    ((0.003, 0.003), 0.0),
    ((0.01, 0.01), 0.0),
    ((0.01, 0.01), 0.02),
    ((0.02, 0.0), 0.0),
    ((0.0, 0.02), 0.0),
)
"""Spread of the seeds before and after, and the true difference."""


def groups_of_seeds(rng: np.random.Generator, pairs: int) -> Iterator[list[str]]:
    """Groups of seeds, beside what seeds alone, and images alone, would say; the last rows have the lowest
    and highest shares, of 'better' those without a difference."""
    ways = ["covers", "covers, seeds alone", "covers, images alone"]
    yield ["images", "seeds", "spreads (points)", "difference (points)", "better", *ways]
    rows = []
    for n, seeds, (spread, difference) in product((500, 2_000, 10_000), GROUPS, SPREADS):
        shares = _shares_of(rng, n, seeds, Setups(0.7, difference, spread), pairs)
        rows.append((difference, shares))
        before, after = (f"{value * 100:.1f}" for value in spread)
        row = [f"{n:,}", f"{seeds[0]}, {seeds[1]}", f"{before}, {after}", f"{difference * 100:.1f}"]
        yield row + [_share(share) for share in shares]
    for name, pick in (("lowest", min), ("highest", max)):
        better = pick(shares[0] for difference, shares in rows if difference == 0)
        covers = [pick(shares[at] for _, shares in rows) for at in (1, 2, 3)]
        yield [name, "", "", "", *map(_share, (better, *covers))]


def _shares_of(
    rng: np.random.Generator, n: int, seeds: tuple[int, int], setups: Setups, pairs: int
) -> list[float]:
    """How often the group after is called better, and how often each of three intervals holds the true
    difference: ours, of the seeds alone, of the images alone."""
    counts = np.zeros(4)
    for _ in range(pairs):
        before, after = draw_seeds(rng, n, seeds, setups)
        found, images = over_seeds(before, after), over_images(before, after)
        low, high = welch_interval(before.mean(axis=1), after.mean(axis=1))
        counts += (
            kind_of(found) == "better",
            found.low <= setups.difference <= found.high,
            low <= setups.difference <= high,
            images.low <= setups.difference <= images.high,
        )
    return [float(count) / pairs for count in counts]


def best_epochs(rng: np.random.Generator, pairs: int) -> Iterator[list[str]]:
    """Two equally good runs, each taken at its best val epoch of several that are equally good: a quarter of
    the pairs, for each of them has up to 50 epochs a side."""
    yield ["images", "epochs to choose from", "better", "worse", "shift (points)"]
    for n, epochs in product((500, 2_000), ((1, 1), (20, 20), (5, 50))):
        kinds, shifts = [], []
        for _ in range(max(1, pairs // 4)):
            images = 1.5 * rng.standard_normal(n, dtype=np.float32) + np.float32(0.9)
            best = []
            for count in epochs:
                run = images + rng.standard_normal(n, dtype=np.float32)
                hits = run + 0.5 * rng.standard_normal((count, n), dtype=np.float32) > 0
                best.append(hits[hits.mean(axis=1).argmax()])
            found = paired(best[0], best[1])
            kinds.append(kind_of(found))
            shifts.append(found.difference)
        better, worse = kinds.count("better") / len(kinds), kinds.count("worse") / len(kinds)
        shift = f"{np.mean(shifts) * 100:+.2f}"
        yield [f"{n:,}", f"{epochs[0]}, {epochs[1]}", _share(better), _share(worse), shift]


def _share(value: float) -> str:
    return f"{value:.3f}"


PARTS: dict[str, Callable[[np.random.Generator, int], Iterator[list[str]]]] = {
    "One run a side, no difference": one_run_each,
    "One run a side: coverage by interval": intervals,
    "Groups of seeds": groups_of_seeds,
    "Each run at its best epoch, no difference (a quarter of the pairs)": best_epochs,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verdicts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=int, default=2_000, metavar="N", help="simulated pairs a row")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    call = parser.parse_args(arguments)
    began = time.monotonic()
    for part, (title, table) in enumerate(PARTS.items()):
        print(f"\n## {title}\n")
        for at, row in enumerate(table(np.random.default_rng([call.seed, part]), call.pairs)):
            print(f"| {' | '.join(row)} |", flush=True)
            if at == 0:
                print("|" + " --- |" * len(row))
    print(
        f"\n{call.pairs:,} pairs a row, seed {call.seed}: {time.monotonic() - began:.0f} s on {cpu_name()}."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
