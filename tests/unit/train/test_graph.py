"""The step as a graph gives what the steps one by one give; on the CPU through a recorder that repeats.

What only CUDA can show (capture in a thread, replays, random numbers inside a graph) is measured by
`python -m benchmarks.gpu_check`.
"""

import importlib
from typing import Any

import pytest
import torch
from torch import nn

from core.data import Dataset
from core.train import EpochEnded, Event, Notice, evaluate
from core.train.evaluate import logits_by_chunk
from core.train.graph import RUN_AHEAD_STEPS, WARM_UP_STEPS, CudaRecorder, GraphForward, graph_refusal
from core.train.images import Normalizer
from tests.unit import tiny
from tests.unit.train import setups
from tests.unit.train.repeating import Repeater, use_graphs
from tests.unit.train.setups import RANDOMNESS, SHAKEN, every_optimizer, numbers, run, states

evaluate_module = importlib.import_module("core.train.evaluate")  # the function has its name
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


def digests(events: list[Event]) -> list[tuple[str, str]]:
    return [(tiny.digest(s.state.weights), tiny.digest(s.state.optimizer)) for s in states(events)]


def same_with_and_without(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, *, train: int | None = None, **settings: Any
) -> Repeater:
    recipe = tiny.recipe(**settings)
    plain = run(setups.task(dataset, recipe, train=train))
    recorder = Repeater()
    use_graphs(monkeypatch, recorder)
    graphed = run(setups.task(dataset, recipe, train=train))
    assert numbers(graphed) == numbers(plain)
    assert digests(graphed) == digests(plain)
    return recorder


@every_optimizer
def test_replays_are_the_same_steps_to_the_bit(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, optimizer: dict[str, Any]
) -> None:
    """84 images at batch 8: per epoch ten whole batches and a smaller one."""
    recorder = same_with_and_without(
        dataset, monkeypatch, optimizer=optimizer, batch_size=8, epochs=2, **RANDOMNESS
    )
    assert recorder.recorded == 1
    assert recorder.replayed == recorder.marked == 2 * 10 - WARM_UP_STEPS


@pytest.mark.parametrize(
    "settings",
    [
        {"scheduler": {"kind": "step", "step_size": 1, "gamma": 0.5}},
        {"scheduler": {"kind": "cosine"}, "warmup": {"epochs": 1}},
        {"mixing": {"kind": "mixup"}},
        {"mixing": {"kind": "cutmix"}},
        {"mixing": {"kind": "mixup_or_cutmix"}},
        {"clip_norm": 0.1},
        {"ema": {"decay": 0.9}},
        {"loss": {"label_smoothing": 0.1}},
    ],
    ids=str,
)
def test_what_changes_from_step_to_step_reaches_the_graph(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    recorder = same_with_and_without(dataset, monkeypatch, batch_size=8, epochs=3, **RANDOMNESS, **settings)
    assert recorder.replayed == 3 * 10 - WARM_UP_STEPS


def test_shakedrop_and_dropout_draw_the_same(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    same_with_and_without(
        dataset, monkeypatch, train=20, architecture=SHAKEN, batch_size=4, epochs=2, optimizer=GENTLE
    )


GENTLE = {"kind": "sgd", "lr": 0.002}


def test_the_learning_rate_is_a_number_for_everyone_but_the_graph(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schedule that multiplied a float32 tensor would drift from torch's own."""
    use_graphs(monkeypatch, Repeater())
    recipe = tiny.recipe(batch_size=8, epochs=3, scheduler={"kind": "step", "step_size": 1, "gamma": 0.9})
    lrs = [event.lr for event in run(setups.task(dataset, recipe)) if isinstance(event, EpochEnded)]
    lr = recipe.optimizer.lr
    assert lrs == [lr, lr * 0.9, lr * 0.9 * 0.9]


def test_where_nothing_can_be_recorded_the_run_goes_on_and_says_so(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.recipe(batch_size=8, epochs=2, **RANDOMNESS)
    plain = run(setups.task(dataset, recipe))
    use_graphs(monkeypatch, Repeater(refuses="operation not permitted when stream is capturing\nmore"))
    refused = run(setups.task(dataset, recipe))
    assert digests(refused) == digests(plain)
    notices = [event.text for event in refused if isinstance(event, Notice)]
    assert notices[0] == "As on a GPU."
    assert notices[1:] == [
        "No CUDA graph: operation not permitted when stream is capturing. "
        "Each operation is launched by itself."
    ]


def test_an_evaluation_through_a_graph_gives_the_same_logits(dataset: Dataset) -> None:
    task = setups.task(dataset, tiny.recipe())
    model = task.recipe.architecture.build(4, 3, task.bank.image_size, 0)
    recorder = Repeater()
    forward = GraphForward(recorder, [])

    def logits(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return forward(model, images)

    images = torch.rand(3, 5, 3, 12, 12)
    model.eval()
    with torch.inference_mode():
        expected = [model(part) for part in images]
    found = [logits(part) for part in images]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert recorder.recorded == 1, "the first batch of a shape chooses the kernels"
    assert recorder.replayed == 2
    with torch.inference_mode():
        for parameter in model.parameters():
            parameter.mul_(0.5)
        expected_now = model(images[0])
    assert torch.equal(logits(images[0]), expected_now), "a graph reads the weights as they are"
    assert torch.equal(found[1], expected[1]), "an answer is the caller's own"


def test_an_evaluation_that_cannot_be_recorded_goes_without(dataset: Dataset) -> None:
    notices: list[str] = []
    forward = GraphForward(Repeater(refuses="no"), notices)
    model, images = nn.Flatten(), torch.rand(2, 3, 4, 4)
    for _ in range(3):
        assert torch.equal(forward(model, images), model(images))
    assert notices == ["Evaluation without a CUDA graph: no."]


def test_a_run_says_that_its_evaluation_goes_without_a_graph(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graphs(monkeypatch, Repeater(refuses="no"), forward=True)
    events = run(setups.task(dataset, tiny.recipe(batch_size=8, epochs=2)))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert "Evaluation without a CUDA graph: no." in notices


def test_a_cpu_has_no_graphs() -> None:
    assert graph_refusal(torch.device("cpu")) == "CUDA graphs exist on NVIDIA's GPUs only"


class Forgetful(nn.Module):
    """Has memory for so many images and no more."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most, self.error = most, error
        self.sizes: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        if len(images) > self.most:
            raise self.error
        return images.flatten(1)[:, :4] * 1.0


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_out_of_memory_halves_the_batch_of_an_evaluation(dataset: Dataset, error: Exception) -> None:
    task = setups.task(dataset, tiny.recipe())
    normalizer = Normalizer(task.statistics, torch.device("cpu"))
    model, told = Forgetful(9, error), list[int]()
    arguments = (task.bank.images, task.bank.train, normalizer, task.compute)
    found = torch.cat(list(logits_by_chunk(model, *arguments, on_smaller=told.append)))
    expected = torch.cat(list(logits_by_chunk(Forgetful(999, error), *arguments)))
    assert torch.equal(found, expected)
    count = len(task.bank.train)
    assert told == [count // 2, count // 4, count // 8, count // 16][: len(told)]
    assert model.sizes[: len(told)] == [count, *told[:-1]]
    assert set(model.sizes[len(told) : -1]) == {told[-1]}


def test_a_run_says_that_its_evaluation_had_to_be_smaller(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = evaluate_module.plain_images, list[int]()

    def scarce(images: torch.Tensor, indices: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(indices) > 5:
            refused.append(len(indices))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(images, indices, *rest)

    plain = run(setups.task(dataset, tiny.recipe(epochs=1)))
    monkeypatch.setattr(evaluate_module, "plain_images", scarce)
    events = run(setups.task(dataset, tiny.recipe(epochs=1)))
    assert numbers(events)[0][4:8] == pytest.approx(numbers(plain)[0][4:8], rel=1e-6)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert len(notices) == len(refused) > 0
    assert notices[0].startswith("Out of memory in an evaluation: it goes on with ")


def test_other_errors_and_a_single_image_are_not_swallowed(dataset: Dataset) -> None:
    task = setups.task(dataset, tiny.recipe())
    normalizer = Normalizer(task.statistics, torch.device("cpu"))
    for model, error in (
        (Forgetful(0, torch.OutOfMemoryError("CUDA out of memory")), torch.OutOfMemoryError),
        (Forgetful(9, RuntimeError("shapes cannot be multiplied")), RuntimeError),
    ):
        with pytest.raises(error):
            evaluate(model, task.bank.images, task.bank.labels, task.bank.train, normalizer, task.compute)


@needs_gpu
def test_a_gpu_takes_a_trial_graph_from_any_thread() -> None:
    assert graph_refusal(torch.device("cuda:0")) == ""
    recorder = CudaRecorder(torch.device("cuda:0"))
    for _ in range(2 * RUN_AHEAD_STEPS):
        recorder.mark()
    assert len(recorder._under_way) <= RUN_AHEAD_STEPS
