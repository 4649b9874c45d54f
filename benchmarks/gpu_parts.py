"""The parts of `benchmarks.gpu_check`: each a function that returns its figures, or raises."""

import statistics
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from benchmarks.cases import DIARY_EFFNET, MEAN, STD, Case, Engine
from benchmarks.floor import measure_floor, measure_shares
from benchmarks.machine import describe, wait_for
from benchmarks.throughput import MY_NET, measure
from core.recipe import Recipe, recipe_from_draft
from core.train import (
    CheckpointReady,
    Compute,
    Event,
    Notice,
    Task,
    build_model,
    fit,
    is_out_of_memory,
    predict_logits,
    resolve_compute,
)
from core.train.images import Normalizer

OPTIMIZERS: tuple[dict[str, Any], ...] = (
    {"kind": "sgd", "lr": 0.002, "momentum": 0.9, "nesterov": True},
    {"kind": "adam", "lr": 0.0002},
    {"kind": "adamw", "lr": 0.0002},
    {"kind": "rmsprop", "lr": 0.0001, "momentum": 0.5},
)
SHAKEN: dict[str, Any] = {
    "kind": "resnet18",
    "width": 16,
    "full_resolution_steps": 1,
    "max_pool": False,
    "dropout": 0.2,
    "shakedrop": {"place": "all"},
}
STEPS = 50
SWITCH_INTERVAL_S = 5e-4
"""What the app sets while its queue is open (core.runs.job)."""

Part = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class _Check:
    device: torch.device
    quick: bool

    @property
    def compute(self) -> Compute:
        return resolve_compute(str(self.device), "auto")

    def effnet(self, batch_size: int) -> Case:
        """Preset 25's network, or a small one."""
        if self.quick:
            return Case("quick", MY_NET, min(batch_size, 32), 16, 256)
        return Case(f"effnet-{batch_size}", DIARY_EFFNET, batch_size, 40, 8192, 200, ())


def parts_for(device: torch.device, *, quick: bool) -> dict[str, Part]:
    """All parts, the cheap and telling ones first."""
    check = _Check(device, quick)
    parts: dict[str, Part] = {
        "machine": lambda: dict(describe(device)),
        "capture while another thread predicts": partial(capture_beside_predictions, check),
        "graph against eager": partial(graph_against_eager, check),
        "out of memory": partial(out_of_memory, check),
        "an interpreter that is busy": partial(busy_interpreter, check),
        "streamed against resident": partial(streamed_against_resident, check),
        "throughput, batch 32": partial(against_notebook, check),
        "throughput, batch 128": partial(engine_alone, check, 128),
        "throughput, batch 512": partial(engine_alone, check, 512),
    }
    if device.type != "cuda":
        del parts["out of memory"]
    return parts


def capture_beside_predictions(check: _Check) -> dict[str, Any]:
    """A run in a background thread, while another thread classifies without a pause."""
    case, compute = check.effnet(32), check.compute
    bank = case.bank(compute.device)
    other = build_model(case.recipe(), bank, compute)
    normalizer, some = Normalizer((MEAN, STD), compute.device), torch.arange(64)
    reference = predict_logits(other, bank.images, some, normalizer, compute)
    done, answers, failures = threading.Event(), [0], []

    def classify() -> None:
        try:
            while not done.is_set():
                logits = predict_logits(other, bank.images, some, normalizer, compute)
                assert torch.allclose(logits, reference, atol=1e-2)
                answers[0] += 1
        except Exception as error:  # noqa: BLE001
            failures.append(f"{type(error).__name__}: {error}")

    events: list[Event] = []
    recipe = case.recipe(epochs=2)
    trainer = threading.Thread(target=lambda: events.extend(fit(Task(recipe, bank, (MEAN, STD), compute, 2))))
    threads = [threading.Thread(target=classify), trainer]
    for thread in threads:
        thread.start()
    trainer.join()
    done.set()
    threads[0].join()
    notices = [event.text for event in events if isinstance(event, Notice)]
    ends = sum(isinstance(event, CheckpointReady) for event in events)
    if failures or ends != 2 or any("No CUDA graph" in notice for notice in notices):
        raise RuntimeError(f"epochs done: {ends}; {notices}; predictions: {failures}")
    return {"notices": notices, "predictions meanwhile": answers[0]}


def graph_against_eager(check: _Check) -> dict[str, Any]:
    """The same seed, 50 steps, dropout and ShakeDrop: how far the weights are apart, relative to
    their size, beside how far two eager runs are apart (a GPU's sums have no fixed order)."""
    found: dict[str, Any] = {}
    for optimizer in OPTIMIZERS:
        ends = [
            _weights_after(check, optimizer, graph=graph, precision="fp32") for graph in (True, False, False)
        ]
        found[optimizer["kind"]] = {
            "graph to eager": _distance(ends[0], ends[1]),
            "eager to eager": _distance(ends[1], ends[2]),
        }
    return found


def _weights_after(
    check: _Check, optimizer: dict[str, Any], *, graph: bool, precision: str
) -> dict[str, torch.Tensor]:
    batch = 4 if check.quick else 32
    case = Case("parity", SHAKEN, batch, 16, STEPS * batch)
    recipe = case.recipe(optimizer=optimizer, epochs=1, augmentations=[])
    compute = resolve_compute(str(check.device), precision)
    task = Task(recipe, case.bank(compute.device), (MEAN, STD), compute, 1, graph=graph)
    (ready,) = [event for event in fit(task) if isinstance(event, CheckpointReady)]
    return ready.state.weights


def _distance(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """The largest relative distance of any tensor."""
    return max(
        float((a[name] - b[name]).norm() / b[name].norm().clamp(min=1e-6))
        for name in a
        if a[name].is_floating_point()
    )


def out_of_memory(check: _Check) -> dict[str, Any]:
    """With little memory an evaluation goes on in smaller batches, and a step that is too large
    raises what the app turns into a sentence; afterwards everything works as before."""
    compute = check.compute
    case = replace(check.effnet(32), images=8192)
    bank = case.bank(torch.device("cpu"))
    bank = replace(bank, labels=bank.labels.to(compute.device), val=bank.train)
    before = torch.cuda.memory_allocated(compute.device)
    total = torch.cuda.get_device_properties(compute.device).total_memory
    recipe = _one_epoch(case)
    with _memory_limit(compute.device, (before + 1.5e9) / total):
        notices = [event.text for event in _events(recipe, bank, compute) if isinstance(event, Notice)]
        huge = recipe_from_draft(recipe.model_dump(mode="json") | {"batch_size": 8192})
        raised = ""
        try:
            for _ in _events(huge, bank, compute):
                pass
        except RuntimeError as error:
            raised = type(error).__name__ if is_out_of_memory(error) else f"unexpected: {error}"
    after = sum(isinstance(event, CheckpointReady) for event in _events(recipe, bank, compute))
    if raised != "OutOfMemoryError" or after != 1:
        raise RuntimeError(f"raised: {raised or 'nothing'}; epochs afterwards: {after}")
    return {"notices": notices, "a step too large raised": raised, "epochs afterwards": after}


def _one_epoch(case: Case) -> Recipe:
    return case.recipe(epochs=1, augmentations=[])


def _events(recipe: Recipe, bank: Any, compute: Compute) -> Iterator[Event]:
    short = replace(bank, train=bank.train[: 4 * recipe.batch_size])
    return fit(Task(recipe, short, (MEAN, STD), compute, 1))


@contextmanager
def _memory_limit(device: torch.device, share: float) -> Iterator[None]:
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.empty_cache()


def busy_interpreter(check: _Check) -> dict[str, Any]:
    """A thread that never leaves the interpreter alone, as a page at its worst."""
    engine = Engine(check.effnet(32), check.compute)
    engine.rate()
    ratios, before = [], sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        for _ in range(3):
            alone = engine.rate()
            done = threading.Event()
            hog = threading.Thread(target=_spin, args=(done,))
            hog.start()
            try:
                beside = engine.rate()
            finally:
                done.set()
                hog.join()
            ratios.append(beside / alone)
    finally:
        sys.setswitchinterval(before)
    return {"rate beside it, relative to alone": statistics.median(ratios), "notices": engine.notices}


def _spin(done: threading.Event) -> None:
    while not done.is_set():
        pass


def streamed_against_resident(check: _Check) -> dict[str, Any]:
    """Images brought over as they are needed, against images that lie on the device."""
    contestants = [Engine(check.effnet(32), check.compute, resident=resident) for resident in (False, True)]
    for engine in contestants:
        engine.rate()
    pairs = [[engine.rate() for engine in contestants] for _ in range(3)]
    return {
        "streamed images/s": statistics.median(streamed for streamed, _ in pairs),
        "resident images/s": statistics.median(resident for _, resident in pairs),
        "ratio": statistics.median(streamed / resident for streamed, resident in pairs),
    }


def against_notebook(check: _Check) -> dict[str, Any]:
    """The table of benchmarks.throughput for the diary's main network."""
    case = replace(check.effnet(32), goals=(("0 workers", 4.0), ("best workers", 2.0)))
    return measure(
        case if check.quick else replace(case, images=4096), check.compute, 1 if check.quick else 5
    )


def engine_alone(check: _Check, batch_size: int) -> dict[str, Any]:
    """The engine's rate at a larger batch, and how near the floor that is."""
    case, compute = check.effnet(batch_size), check.compute
    engine = Engine(case, compute)
    engine.rate()
    rate = statistics.median(engine.rate() for _ in range(3))
    floor = measure_floor(case, compute)
    wait_for(compute.device)
    return {
        "images/s": rate,
        "ms per step": 1000 * case.batch_size / rate,
        "floor images/s": floor.images_per_s,
        "share of the floor": rate / floor.images_per_s,
        "shares": measure_shares(case, compute).of_an_epoch(),
        "notices": engine.notices,
    }
