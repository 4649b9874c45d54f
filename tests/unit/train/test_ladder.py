"""Which way a run takes its steps, and that it goes on where the faster one fails."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.amp import GradScaler

from core.data import Dataset
from core.optim import Schedule
from core.train import Event, Notice
from core.train import device as devices
from core.train import fit as fit_task
from core.train.batches import Chunk
from core.train.ladder import _refusal
from core.train.optimizer_state import flatten_optimizer, restore_optimizer
from core.train.step import EagerStep, Meter, TrainingStep
from tests.unit import tiny
from tests.unit.train import setups
from tests.unit.train.setups import numbers, run, states

CPU = torch.device("cpu")


def notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def schedule(**settings: Any) -> Schedule:
    recipe = tiny.recipe(**settings)
    optimizer = recipe.optimizer.build([nn.Parameter(torch.zeros(1))])
    return Schedule(
        recipe.scheduler,
        recipe.warmup,
        optimizer,
        epochs=4,
        steps_per_epoch=3,
        cycle_momentum=recipe.optimizer.cycles_momentum,
    )


def test_on_the_cpu_there_is_nothing_to_say(dataset: Dataset) -> None:
    assert notices(run(setups.task(dataset, tiny.recipe(epochs=1)))) == []


@pytest.mark.parametrize(
    ("dtype", "settings", "words"),
    [
        (torch.float16, {}, "loss scaler"),
        (torch.bfloat16, {"scheduler": {"kind": "one_cycle"}}, "the momentum too"),
        (torch.bfloat16, {}, "NVIDIA"),
    ],
)
def test_what_a_graph_would_freeze_is_not_recorded(
    dtype: torch.dtype, settings: dict[str, Any], words: str
) -> None:
    compute = replace(setups.fp32(), dtype=dtype)
    assert words in _refusal(compute, schedule(**settings))


def test_one_cycle_without_a_momentum_changes_only_the_lr() -> None:
    plain = {"optimizer": {"kind": "sgd", "lr": 0.1, "momentum": 0.0}}
    assert schedule(scheduler={"kind": "one_cycle"}).changes_momentum
    assert not schedule(scheduler={"kind": "one_cycle"}, **plain).changes_momentum
    assert not schedule(scheduler={"kind": "cosine"}).changes_momentum


class NoHalf(nn.Module):
    """A network with an operation that this device lacks in half precision."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("\"some_op\" not implemented for 'BFloat16'")
        logits: torch.Tensor = self.network(images)
        return logits


def test_a_network_that_does_not_run_in_half_precision_trains_in_fp32(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.train import engine

    task = setups.task(dataset, tiny.recipe(epochs=2))
    expected = run(task)
    real = engine.build_model
    monkeypatch.setattr(engine, "build_model", lambda *arguments: NoHalf(real(*arguments)))
    events = list(fit_task(replace(task, compute=replace(task.compute, dtype=torch.bfloat16))))
    assert numbers(events) == numbers(expected)
    (notice,) = notices(events)
    assert "not implemented for 'BFloat16'" in notice
    assert notice.endswith("it trains in fp32.")


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()], ids=lambda e: type(e).__name__
)
def test_running_out_of_memory_is_no_matter_of_precision(error: Exception) -> None:
    class NoRoom(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise error

    step = EagerStep(replace(_body(NoRoom()), compute=replace(setups.fp32(), dtype=torch.bfloat16)))
    step.load(Chunk(torch.zeros(2, 3), torch.zeros(2), torch.zeros(2)))
    with pytest.raises(type(error)):
        step(0, 2)


def _body(model: nn.Module, scaler: GradScaler | None = None) -> TrainingStep:
    parameters = list(model.parameters()) or [nn.Parameter(torch.zeros(1))]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, fused=True)
    return TrainingStep(model, optimizer, nn.CrossEntropyLoss(), setups.fp32(), Meter(CPU), scaler=scaler)


def test_a_compiler_that_fails_leaves_the_network_as_it_is(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise ValueError("no C++ compiler found\nand a hundred lines more")

    monkeypatch.setattr(torch, "compile", lambda model: Broken())
    expected = run(setups.task(dataset, tiny.recipe(epochs=2)))
    events = run(setups.task(dataset, tiny.recipe(epochs=2, compile=True)))
    assert numbers(events) == numbers(expected)
    assert notices(events) == [
        "The network compiled, each step by itself.",
        "Not compiled: torch.compile failed here (no C++ compiler found).",
    ]


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of torch's own tracer
def test_a_compiled_network_trains_as_the_plain_one(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own tracer without its code generator: the same operations, so the same numbers."""
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model: real(model, backend="eager"))
    settings = {**setups.RANDOMNESS, "ema": {"decay": 0.9}}
    expected = run(setups.task(dataset, tiny.recipe(epochs=2, **settings)))
    events = run(setups.task(dataset, tiny.recipe(epochs=2, compile=True, **settings)))
    assert notices(events) == ["The network compiled, each step by itself."]
    assert numbers(events) == numbers(expected)
    assert [tiny.digest(s.state.weights) for s in states(events)] == [
        tiny.digest(s.state.weights) for s in states(expected)
    ]


def test_a_loss_scaler_changes_no_step_and_is_resumed() -> None:
    """fp16 scales the loss up and the gradients down again, by a power of two."""
    images, labels = torch.randn(8, 6), torch.randint(3, (8,))
    results = []
    for scaler in (None, GradScaler("cpu", init_scale=1024.0, growth_interval=3)):
        torch.manual_seed(1)
        model = nn.Linear(6, 3)
        step = EagerStep(_body(model, scaler))
        step.load(Chunk(images, labels, labels))
        for _ in range(5):
            step(0, 8)
        results.append(model.weight.detach())
    assert torch.allclose(*results, rtol=1e-6)
    assert scaler is not None
    flat = flatten_optimizer(step.body.optimizer, scaler)
    assert float(flat["scaler.scale"]) == 2048.0
    fresh = GradScaler("cpu")
    restore_optimizer(step.body.optimizer, flat, fresh)
    assert fresh.state_dict()["scale"] == 2048.0
    assert fresh.state_dict()["_growth_tracker"] == 2
    restore_optimizer(step.body.optimizer, flat)


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [((9, 0), torch.bfloat16), ((8, 0), torch.bfloat16), ((7, 5), torch.float16), ((6, 1), torch.float32)],
)
def test_a_gpus_age_decides_its_type(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert devices._fastest_type(torch.device("cuda:0"))[0] == dtype


def test_fp32_after_a_failure_says_why() -> None:
    compute = setups.fp32().in_fp32("half precision failed")
    assert (compute.dtype, compute.reason) == (torch.float32, "fp32: half precision failed")
