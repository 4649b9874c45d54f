"""The training loop: a generator of events, without threads, disk or a user interface."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from core.errors import PlateauError
from core.models.randomness import set_generator
from core.models.weights import load_state, state_dict_of
from core.optim import Schedule
from core.recipe import Recipe, Statistics
from core.train.averaging import WeightAverage
from core.train.batches import steps_per_epoch, training_chunks
from core.train.device import Compute, to_compute
from core.train.evaluate import Interrupted, Outcomes, logits_by_chunk, outcomes_of
from core.train.events import CheckpointReady, EpochEnded, Event, Notice, Progress, Resume, Stopped
from core.train.images import ImageBank, Normalizer
from core.train.ladder import Way, choose_way
from core.train.optimizer_state import copy_to_cpu, flatten_optimizer, restore_optimizer
from core.train.seeds import derive_seed
from core.train.step import HalfPrecisionRefused, Meter, TrainingStep

PROGRESS_EVERY_S = 0.5
HOPELESS_LOSS = 1e6
"""A mean cross entropy from which no training comes back; guessing has the logarithm of the classes."""


class Diverged(PlateauError):
    """The loss is no longer a finite number."""


class StopRequest(Enum):
    """What somebody asked the loop to do."""

    NO = "no"
    AFTER_EPOCH = "after_epoch"
    NOW = "now"


@dataclass
class Task:
    """All that one run's loop needs."""

    recipe: Recipe
    bank: ImageBank
    statistics: Statistics
    compute: Compute
    epochs: int
    """The last epoch to train; more than the recipe's where the run is extended."""
    hold_from: int | None = None
    """In an extended run: the epoch whose lr stays, instead of the schedule going on."""
    resume: Resume | None = None
    graph: bool = True
    """Whether a CUDA graph is tried on a GPU."""
    should_stop: Callable[[], StopRequest] = lambda: StopRequest.NO
    clock: Callable[[], float] = field(default=time.perf_counter)


def build_model(recipe: Recipe, bank: ImageBank, compute: Compute) -> nn.Module:
    """The recipe's network with its first weights, on the device."""
    model = recipe.architecture.build(
        len(bank.classes), bank.channels, bank.image_size, derive_seed(recipe.seed, "weights")
    )
    return to_compute(model, compute)


def build_optimizer(recipe: Recipe, model: nn.Module, compute: Compute) -> Optimizer:
    """The recipe's optimizer over the network's weights, as it is fastest on the device."""
    return recipe.optimizer.build(
        model.parameters(),
        # The fused kernels compute the same update, in one pass over the weights.
        fused=True if compute.device.type in ("cpu", "cuda") else None,
        capturable=compute.device.type == "cuda",
    )


def fit(task: Task) -> Iterator[Event]:
    """Train from the first epoch, or from `task.resume`, to `task.epochs`.

    Yields Progress a few times a second, Notice where a person should know something, and per epoch
    an EpochEnded, then a CheckpointReady. Raises Diverged when the loss is not finite.
    """
    try:
        yield from _fit(task)
    except HalfPrecisionRefused as error:
        # Raised by the first step only, so nothing is lost by beginning anew.
        yield Notice(f"The network does not run in half precision here ({error}); it trains in fp32.")
        yield from _fit(replace(task, compute=task.compute.in_fp32("half precision failed")))


def _fit(task: Task) -> Iterator[Event]:
    loop = _Loop(task)
    if loop.way.words:
        yield Notice(f"{loop.way.words[:1].upper()}{loop.way.words[1:]}.")
    for epoch in range(loop.first_epoch, task.epochs + 1):
        try:
            yield from loop.epoch(epoch)
        except Interrupted:
            yield Stopped(epoch - 1)
            return
        if task.should_stop() is not StopRequest.NO and epoch < task.epochs:
            yield Stopped(epoch)
            return


class _Loop:
    """The state of a run in training."""

    def __init__(self, task: Task) -> None:
        self.task = task
        recipe, compute = task.recipe, task.compute
        self.steps = steps_per_epoch(len(task.bank.train), recipe.batch_size)
        self.model = build_model(recipe, task.bank, compute)
        self.optimizer = build_optimizer(recipe, self.model, compute)
        self.schedule = Schedule(
            recipe.scheduler,
            recipe.warmup,
            self.optimizer,
            epochs=recipe.epochs,
            steps_per_epoch=self.steps,
            cycle_momentum=recipe.optimizer.cycles_momentum,
            hold_from=task.hold_from,
        )
        self.scaler = GradScaler(compute.device.type) if compute.dtype == torch.float16 else None
        self.normalizer = Normalizer(task.statistics, compute.device)
        self.average = WeightAverage(self.model, recipe.ema.decay) if recipe.ema.decay else None
        self.history: list[dict[str, float]] = []
        self.first_epoch = 1
        if task.resume:
            self._restore(task.resume)
        self.meter = Meter(compute.device)
        # One for the whole run, sown anew for each epoch: a graph draws from the one that it knows.
        self.generator = torch.Generator(device=compute.device)
        self.way = self._way()

    def _way(self) -> Way:
        task, recipe = self.task, self.task.recipe
        body = TrainingStep(
            self.model,
            self.optimizer,
            nn.CrossEntropyLoss(label_smoothing=recipe.loss.label_smoothing),
            task.compute,
            self.meter,
            recipe.clip_norm,
            self.average,
            self.scaler,
        )
        return choose_way(
            body,
            batch_size=recipe.batch_size,
            generator=self.generator,
            schedule=self.schedule,
            compiled=recipe.compile,
            graph=task.graph,
        )

    def _restore(self, resume: Resume) -> None:
        load_state(self.model, resume.weights)
        self.history = list(resume.history)
        self.first_epoch = resume.epoch + 1
        self.schedule.replay(resume.history)
        restore_optimizer(self.optimizer, resume.optimizer, self.scaler)
        if self.average is not None:
            self.average.restore(resume.averaged)

    @property
    def best(self) -> float:
        return max((metrics["val/accuracy"] for metrics in self.history), default=-1.0)

    def epoch(self, epoch: int) -> Iterator[Event]:
        """One epoch: train, evaluate, report."""
        task, recipe = self.task, self.task.recipe
        started = task.clock()
        lr = 0.0
        for event in self._train(epoch):
            yield event
            if isinstance(event, Progress):
                lr = event.lr
        trained = task.clock()
        loss, accuracy = self._read(epoch, self.steps)
        images = min(self.steps * recipe.batch_size, len(task.bank.train))
        rate = images / max(trained - started, 1e-9)
        here = Progress(epoch, self.steps, self.steps, lr, loss, accuracy, rate, phase="evaluating")
        yield here
        val = yield from self._evaluated(self.model, task.bank.val, here)
        clean = yield from self._evaluated(self.model, task.bank.clean_train, here)
        for name, found in (("val", val), ("clean train", clean)):
            # Before the epoch is told and committed: the state before it is the last good one.
            if not math.isfinite(found.loss):
                raise self._diverged(f"{name} loss", found.loss, epoch, self.steps)
        averaged = None
        if self.average:
            averaged = yield from self._evaluated(self.average.model, task.bank.val, here)
        ended = EpochEnded(
            epoch=epoch,
            lr=lr,
            train_loss=loss,
            train_accuracy=accuracy,
            clean_train_accuracy=clean.accuracy,
            clean_train_loss=clean.loss,
            val_loss=val.loss,
            val_accuracy=val.accuracy,
            seconds=task.clock() - started,
            images_per_s=rate,
            ema_val_loss=averaged.loss if averaged else None,
            ema_val_accuracy=averaged.accuracy if averaged else None,
        )
        is_best = val.accuracy > self.best
        self.history.append(ended.metrics())
        self.schedule.after_epoch(ended.metrics())
        yield ended
        yield CheckpointReady(
            epoch=epoch,
            val_accuracy=val.accuracy,
            is_best=is_best,
            state=self._state(epoch),
            val_outcomes=val,
        )

    def _state(self, epoch: int) -> Resume:
        return Resume(
            epoch=epoch,
            weights=_copies(state_dict_of(self.model)),
            optimizer=flatten_optimizer(self.optimizer, self.scaler),
            history=list(self.history),
            averaged={n: copy_to_cpu(tensor) for n, tensor in self.average.state().items()}
            if self.average
            else {},
        )

    def _train(self, epoch: int) -> Iterator[Progress | Notice]:
        """All optimizer steps of an epoch. The last Progress is always yielded."""
        task, recipe, step = self.task, self.task.recipe, self.way.step
        self.generator.manual_seed(derive_seed(recipe.seed, "dropout", epoch))
        set_generator(self.model, self.generator)
        self.model.train()
        self.meter.reset()
        started = reported = task.clock()
        done = 0
        for chunk in training_chunks(recipe, task.bank, self.normalizer, epoch):
            step.load(chunk)
            for start in range(0, len(chunk), recipe.batch_size):
                lr = self.schedule.lr
                step(start, min(start + recipe.batch_size, len(chunk)))
                done += 1
                if step.notices:
                    yield from self._notices(step.notices)
                self.schedule.after_step()
                now = task.clock()
                if done == self.steps or now - reported >= PROGRESS_EVERY_S:
                    reported = now
                    loss, accuracy = self._read(epoch, done)
                    seen = min(done * recipe.batch_size, len(task.bank.train))
                    rate = seen / max(now - started, 1e-9)
                    yield Progress(epoch, done, self.steps, lr, loss, accuracy, rate)
                if task.should_stop() is StopRequest.NOW:
                    raise Interrupted

    def _notices(self, notices: list[str]) -> Iterator[Notice]:
        """Each thing that there is to say, once."""
        while notices:
            yield Notice(notices.pop(0))

    def _evaluated(
        self, model: nn.Module, indices: torch.Tensor, here: Progress
    ) -> Generator[Progress | Notice, None, Outcomes]:
        """Evaluate, saying a few times a second that the loop is still at it."""
        task, parts = self.task, []
        reported = task.clock()
        notices = self.way.step.notices
        for logits in logits_by_chunk(
            model,
            task.bank.images,
            indices,
            self.normalizer,
            task.compute,
            forward=self.way.forward,
            on_smaller=lambda size: notices.append(
                f"Out of memory in an evaluation: it goes on with {size} images at a time."
            ),
        ):
            parts.append(logits)
            yield from self._notices(notices)
            if task.should_stop() is StopRequest.NOW:
                raise Interrupted
            if task.clock() - reported >= PROGRESS_EVERY_S:
                reported = task.clock()
                yield here
        truth = task.bank.labels[indices.to(task.bank.labels.device)]
        return outcomes_of(torch.cat(parts), truth)

    def _read(self, epoch: int, step: int) -> tuple[float, float]:
        self.way.step.finish()
        loss, accuracy = self.meter.read()
        if not loss < HOPELESS_LOSS:
            raise self._diverged("loss", loss, epoch, step)
        return loss, accuracy

    def _diverged(self, what: str, value: float, epoch: int, step: int) -> Diverged:
        return Diverged(
            f"The {what} became {value:.3g} in epoch {epoch}, by step {step} of {self.steps}: the training "
            "diverged; lower the learning rate, or add a warm-up."
        )


def _copies(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: copy_to_cpu(tensor) for name, tensor in tensors.items()}
