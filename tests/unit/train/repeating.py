"""A recorder without a GPU: what was recorded is done again, in Python, on the same tensors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from core.train.evaluate import plain_forward
from core.train.graph import GraphForward, GraphStep
from core.train.ladder import Way
from core.train.step import TrainingStep


class Repeater:
    """Stands for CUDA's streams and graphs; counts what is asked of it."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.recorded = self.replayed = self.marked = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        yield

    def record(self, work: Callable[[], None], generator: torch.Generator | None) -> Callable[[], None]:
        if self.refuses:
            raise RuntimeError(self.refuses)
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            work()

        return replay

    def mark(self) -> None:
        self.marked += 1

    def finish(self) -> None:
        pass


def use_graphs(monkeypatch: pytest.MonkeyPatch, recorder: Repeater, *, forward: bool = False) -> None:
    """Let every run on the CPU take its steps as on a GPU, through the recorder."""

    def choose(body: TrainingStep, *, batch_size: int, generator: torch.Generator, **rest: object) -> Way:
        step = GraphStep(body, batch_size, generator, recorder)
        return Way(step, GraphForward(recorder, step.notices) if forward else plain_forward, "as on a GPU")

    monkeypatch.setattr("core.train.engine.choose_way", choose)
