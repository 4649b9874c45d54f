"""A whole training step, or a whole evaluation batch, as one CUDA graph.

A network of a thousand small operations at batch 32 keeps a GPU waiting for Python; a graph launches
them all at once. A graph repeats addresses, not values: everything that changes from step to step
lies in tensors that stay where they are (the staged images, the position among them, the learning
rate, the metrics), and random layers draw from a generator that is registered with the graph.

Source: pytorch.org/docs, 'CUDA Graphs'; the traps in it are named where they are met.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch import nn

from core.errors import first_line
from core.train.batches import CHUNK, Chunk
from core.train.device import device_turn
from core.train.evaluate import plain_forward
from core.train.step import EagerStep, TrainingStep

WARM_UP_STEPS = 3
"""Steps before the capture: they set up the optimizer's state, and the kernels are chosen. They are
steps of the run like any other, so nothing has to be put back."""
RUN_AHEAD_STEPS = 32
"""So many steps may wait in the GPU's queue: enough to keep it busy, few enough to stop at once."""


_Shape = tuple[int, torch.Size]
"""A network's id, and the shape of its input."""


class Recorder(Protocol):
    """Where the work runs, and what turns it into something that can be repeated."""

    def entered(self) -> AbstractContextManager[None]:
        """Work inside runs where graphs are recorded, behind what was asked of the device before."""

    def record(self, work: Callable[[], None], generator: torch.Generator | None) -> Callable[[], None]:
        """Something that does `work` again each time that it is called; `work` itself may run or not.

        Raises RuntimeError where that is not possible.
        """

    def mark(self) -> None:
        """A step was launched; waits while too many are under way."""

    def finish(self) -> None:
        """What is asked of the device from now on comes after the work."""


class CudaRecorder:
    """CUDA graphs on a stream of their own, recorded from any thread."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)
        self._under_way: deque[torch.cuda.Event] = deque()

    @contextmanager
    def entered(self) -> Iterator[None]:
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            yield

    def record(self, work: Callable[[], None], generator: torch.Generator | None) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        if generator is not None:
            graph.register_generator_state(generator)
        with (
            device_turn(self.device),
            torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"),
        ):
            work()
        return graph.replay

    def mark(self) -> None:
        event = torch.cuda.Event()
        event.record(self.stream)
        self._under_way.append(event)
        if len(self._under_way) > RUN_AHEAD_STEPS:
            self._under_way.popleft().synchronize()

    def finish(self) -> None:
        torch.cuda.current_stream(self.device).wait_stream(self.stream)


class GraphStep:
    """All of a step as one graph: gather, forward, backward, update, metrics.

    The first steps, an epoch's smaller last batch, and all steps where the recording fails, are
    taken one operation after the other on the same stream.
    """

    def __init__(
        self, body: TrainingStep, batch_size: int, generator: torch.Generator, recorder: Recorder
    ) -> None:
        self.eager = EagerStep(body)
        self.body, self.batch_size, self.generator, self.recorder = body, batch_size, generator, recorder
        self.notices: list[str] = []
        self._taken = 0
        self._replay: Callable[[], None] | None = None
        self._refused = False
        self._staged: Chunk | None = None
        device = body.compute.device
        self._rows = torch.arange(batch_size, device=device)
        self._position = torch.zeros((), dtype=torch.int64, device=device)
        self._expected = 0
        """Where the position stands by the host's count."""
        self._lr = torch.zeros((), device=device)
        self._lr_set = 0.0

    def load(self, chunk: Chunk) -> None:
        self.eager.load(chunk)
        if self._refused:
            return
        if self._staged is None:
            self._staged = _staging(chunk, CHUNK + self.batch_size)
        with self.recorder.entered():
            for kept, new in (
                (self._staged.images, chunk.images),
                (self._staged.labels, chunk.labels),
                (self._staged.targets, chunk.targets),
            ):
                kept[: len(new)].copy_(new)
                if new.is_cuda:
                    # The memory may not be given to others before this stream has read it.
                    new.record_stream(torch.cuda.current_stream(new.device))
            self._position.zero_()
        self._expected = 0

    def __call__(self, start: int, stop: int) -> None:
        if self._refused:
            self.eager(start, stop)
            return
        with self.recorder.entered():
            if not self._is_ready(stop - start):
                self.eager(start, stop)
                self._taken += 1
                if self._refused:
                    # From now on the steps are taken where everything else is.
                    self.recorder.finish()
                return
            assert self._replay is not None
            self._follow(start)
            self._replay()
            self._expected += self.batch_size
            self.body.meter.count(self.batch_size)
            self.recorder.mark()

    def finish(self) -> None:
        self.recorder.finish()

    def _is_ready(self, images: int) -> bool:
        """Whether the next step can be a replay; records the graph when its time has come."""
        if images != self.batch_size or self._taken < WARM_UP_STEPS:
            return False
        if self._replay is None:
            self._record()
        return self._replay is not None

    def _record(self) -> None:
        group = self.body.optimizer.param_groups[0]
        lr = group["lr"]
        # A number would be written into the graph for good; a schedule's own arithmetic is in Python's
        # floats, so the optimizer has this tensor only while it is recorded.
        group["lr"] = self._lr
        # Gradients must come out of the graph's own memory.
        self.body.optimizer.zero_grad(set_to_none=True)
        try:
            self._replay = self.recorder.record(self._work, self.generator)
        except torch.AcceleratorError:
            raise
        except RuntimeError as error:  # out of memory is one
            self._refused, self._staged = True, None
            self.notices.append(f"No CUDA graph: {first_line(error)}. Each operation is launched by itself.")
        finally:
            group["lr"] = lr

    def _work(self) -> None:
        """What is recorded: the batch at the position, and a step further."""
        assert self._staged is not None
        rows = self._position + self._rows
        images = self._staged.images.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
        labels = self._staged.labels.index_select(0, rows)
        mixed = self._staged.targets is not self._staged.labels
        targets = self._staged.targets.index_select(0, rows) if mixed else labels
        self.body(images, labels, targets)
        self._position.add_(self.batch_size)

    def _follow(self, start: int) -> None:
        """Bring over what changed since the last replay."""
        if start != self._expected:
            self._position.fill_(start)
            self._expected = start
        lr = float(self.body.optimizer.param_groups[0]["lr"])
        if lr != self._lr_set:
            self._lr.fill_(lr)
            self._lr_set = lr


class GraphForward:
    """Logits of a batch by a graph, one for each network and shape; small batches go without."""

    def __init__(self, recorder: Recorder, notices: list[str]) -> None:
        self.recorder, self.notices = recorder, notices
        self._known: dict[
            tuple[int, torch.Size], tuple[torch.Tensor, list[torch.Tensor], Callable[[], None]]
        ] = {}
        self._seen: set[_Shape] = set()
        self._refused = False

    def __call__(self, model: nn.Module, images: torch.Tensor) -> torch.Tensor:
        """(n, classes) for (n, C, H, W), to be called in inference mode and autocast."""
        key = (id(model), images.shape)
        if key not in self._known:
            if self._refused or key not in self._seen:
                # The first time chooses the kernels; a shape that comes once needs no graph.
                self._seen.add(key)
                return plain_forward(model, images)
            if not self._record(key, model, images):
                return plain_forward(model, images)
        static, answer, replay = self._known[key]
        with self.recorder.entered():
            static.copy_(images)
            replay()
            result = answer[0].clone()
        self.recorder.finish()
        return result

    def _record(self, key: _Shape, model: nn.Module, images: torch.Tensor) -> bool:
        static = images.clone()
        found: list[torch.Tensor] = []

        def work() -> None:
            found[:] = [model(static)]

        try:
            with self.recorder.entered():
                replay = self.recorder.record(work, None)
        except torch.AcceleratorError:
            raise
        except RuntimeError as error:
            self._refused = True
            self.notices.append(f"Evaluation without a CUDA graph: {first_line(error)}.")
            return False
        self._known[key] = (static, found, replay)
        return True


def graph_refusal(device: torch.device) -> str:
    """Why this device takes no graph: '' where a tiny one gives what plain operations give."""
    if device.type != "cuda":
        return "CUDA graphs exist on NVIDIA's GPUs only"
    try:
        recorder = CudaRecorder(device)
        with recorder.entered():
            values = torch.ones(8, device=device)
            values.mul_(2.0)
        replay = recorder.record(lambda: _double(values), None)
        with recorder.entered():
            replay()
            replay()
        recorder.finish()
        return "" if values.tolist() == [8.0] * 8 else "a trial graph gave other numbers"
    except RuntimeError as error:
        return f"a trial graph failed ({first_line(error)})"


def _double(values: torch.Tensor) -> None:
    values.mul_(2.0)


def _staging(chunk: Chunk, capacity: int) -> Chunk:
    """Room for the largest chunk, in the layout of this one."""
    _, channels, height, width = chunk.images.shape
    images = chunk.images.new_zeros((capacity, height, width, channels)).permute(0, 3, 1, 2)
    labels = chunk.labels.new_zeros(capacity)
    mixed = chunk.targets is not chunk.labels
    targets = chunk.targets.new_zeros((capacity, *chunk.targets.shape[1:])) if mixed else labels
    return Chunk(images, labels, targets)
