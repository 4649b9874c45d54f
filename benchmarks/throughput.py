"""The engine's speed against a plain notebook loop's: the same recipe and images, side by side.

    python -m benchmarks.throughput [--device cpu|cuda] [--case NAME ...] [--repeats 5] [--json FILE]

Each repeat measures one epoch of every contestant in turn, so that a machine that slows down slows
all of them; ratios are the medians of the repeats' own ratios. The notebook opens each image with
PIL, augments it with torchvision, and reads loss and hits back in every step, once with 0 workers
and once with the number of workers that was fastest in a trial.
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.cases import DIARY_EFFNET, Case, Engine, Notebook
from benchmarks.floor import measure_floor, measure_shares
from benchmarks.machine import describe
from core.train import Compute, resolve_compute

MY_NET: dict[str, Any] = {"kind": "my_net", "blocks": 2}
RESNET: dict[str, Any] = {"kind": "resnet18", "full_resolution_steps": 1, "max_pool": False}


def cases(compute: Compute) -> dict[str, Case]:
    """What is measured on this kind of device, and what the engine is to reach there."""
    if compute.device.type == "cuda":
        best, none = "best workers", "0 workers"
        listed = [
            Case("effnet", DIARY_EFFNET, 32, 40, 8192, 200, ((none, 4.0), (best, 2.0))),
            Case("effnet-128", DIARY_EFFNET, 128, 40, 8192, 200),
            Case("effnet-512", DIARY_EFFNET, 512, 40, 8192, 200),
            Case("resnet18", RESNET, 512, 32, 16384, 10, ((none, 5.0),)),
            Case("my_net", MY_NET, 64, 32, 16384, 10, ((none, 15.0),)),
        ]
    else:
        goal = 3.5 if compute.autocast else 1.7
        effnet = replace(Case("effnet", DIARY_EFFNET, 32, 40, 128, 200), goals=(("0 workers", 1.2),))
        listed = [Case("my_net", MY_NET, 64, 32, 4096, 10, (("0 workers", goal),)), effnet]
    return {case.name: case for case in listed}


def best_workers(case: Case, device: torch.device) -> int:
    """The number of workers with which the notebook was fastest in one epoch each."""
    cores = len(os.sched_getaffinity(0))
    tried = sorted({1, 2, 4, 8, cores} & set(range(1, cores + 1)))
    rates = {workers: Notebook(case, device, workers).rate() for workers in tried}
    return max(rates, key=lambda workers: rates[workers])


def measure(case: Case, compute: Compute, repeats: int) -> dict[str, Any]:
    """All figures of one case."""
    workers = best_workers(case, compute.device)
    engine = Engine(case, compute)
    contestants: dict[str, Engine | Notebook] = {
        "engine": engine,
        "0 workers": Notebook(case, compute.device, 0),
        "best workers": Notebook(case, compute.device, workers),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats + 1):
        for name, contestant in contestants.items():
            rate = contestant.rate()
            if repeat:  # the first is for kernels to be chosen and graphs to be recorded
                rates[name].append(rate)
    floor, shares = measure_floor(case, compute), measure_shares(case, compute)
    return {
        "case": case.name,
        "batch_size": case.batch_size,
        "image_size": case.image_size,
        "images_per_repeat": case.images,
        "best_workers": workers,
        "how": engine.notices,
        "precision": compute.reason,
        "rates": rates,
        "ratios": {
            name: statistics.median(a / b for a, b in zip(rates["engine"], rates[name], strict=True))
            for name in ("0 workers", "best workers")
        },
        "goals": dict(case.goals),
        "shares": shares.of_an_epoch(),
        "floor": asdict(floor) | {"images_per_s": floor.images_per_s},
    }


def report(result: dict[str, Any]) -> Iterator[str]:
    """The figures of one case as Markdown lines."""
    median = {name: statistics.median(rates) for name, rates in result["rates"].items()}
    yield f"### {result['case']}, batch {result['batch_size']}, {result['image_size']} px"
    yield f"{result['precision']}. {' '.join(result['how'])}".rstrip()
    yield ""
    yield "| | images/s | ms per step | the engine is faster by |"
    yield "| --- | --- | --- | --- |"
    for name, rate in median.items():
        workers = f" ({result['best_workers']})" if name == "best workers" else ""
        label = name if name == "engine" else f"notebook, {name}{workers}"
        milliseconds = 1000 * result["batch_size"] / rate
        yield f"| {label} | {rate:,.0f} | {milliseconds:.2f} | {_verdict(result, name)} |"
    yield ""
    shares = ", ".join(f"{name} {share:.0%}" for name, share in result["shares"].items())
    yield f"Time of an epoch, each part measured alone: {shares}."
    floor = result["floor"]
    yield (
        f"Floor: {floor['flops_per_image'] / 1e9:.2f} GFLOP per image at "
        f"{floor['peak_flops'] / 1e12:.2f} TFLOP/s, {floor['bytes_per_image'] / 1e6:.1f} MB per image at "
        f"{floor['bandwidth'] / 1e9:.1f} GB/s: {floor['images_per_s']:,.0f} images/s; the engine reaches "
        f"{median['engine'] / floor['images_per_s']:.0%} of it."
    )
    yield ""


def _verdict(result: dict[str, Any], name: str) -> str:
    """'3.61 times (goal 3.5: reached)'."""
    ratio, goal = result["ratios"].get(name), result["goals"].get(name)
    if ratio is None:
        return ""
    words = f"{ratio:.2f} times"
    return f"{words} (goal {goal:g}: {'reached' if ratio >= goal else 'NOT reached'})" if goal else words


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32"))
    parser.add_argument("--case", nargs="+", default=[])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    compute = resolve_compute(arguments.device, arguments.precision)
    known = cases(compute)
    machine = describe(compute.device)
    print(", ".join(value for value in machine.values() if value), flush=True)
    results = []
    for name in arguments.case or known:
        results.append(measure(known[name], compute, arguments.repeats))
        print("\n".join(report(results[-1])), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps({"machine": machine, "cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
