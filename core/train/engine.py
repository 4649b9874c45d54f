"""The training loop: a generator of events, without threads, disk or a user interface."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from enum import Enum

import torch
from torch import nn
from torch.optim import Optimizer

from core.errors import PlateauError
from core.models.randomness import set_generator
from core.models.weights import load_state, state_dict_of
from core.optim import Schedule
from core.recipe import Recipe, Statistics
from core.train.averaging import WeightAverage
from core.train.device import Compute, to_compute
from core.train.evaluate import Interrupted, Outcomes, logits_by_chunk, outcomes_of
from core.train.events import CheckpointReady, EpochEnded, Event, Progress, Resume, Stopped
from core.train.images import ImageBank, Normalizer, training_chunks
from core.train.seeds import derive_seed, generator_for
from core.train.step import EagerStep, Meter

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
    should_stop: Callable[[], StopRequest] = lambda: StopRequest.NO
    clock: Callable[[], float] = field(default=time.perf_counter)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Optimizer steps per epoch. A last batch of a single image is left out: batch normalization
    cannot train on one."""
    steps, rest = divmod(images, batch_size)
    return steps + (1 if rest > 1 or (rest == 1 and (batch_size == 1 or steps == 0)) else 0)


def build_model(recipe: Recipe, bank: ImageBank, compute: Compute) -> nn.Module:
    """The recipe's network with its first weights, on the device."""
    model = recipe.architecture.build(
        len(bank.classes), bank.channels, bank.image_size, derive_seed(recipe.seed, "weights")
    )
    return to_compute(model, compute)


def fit(task: Task) -> Iterator[Event]:
    """Train from the first epoch, or from `task.resume`, to `task.epochs`.

    Yields Progress a few times a second, and per epoch an EpochEnded, then a CheckpointReady.
    Raises Diverged when the loss is not finite.
    """
    loop = _Loop(task)
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
        # The fused kernels compute the same update, in one pass over the weights.
        fused = True if compute.device.type in ("cpu", "cuda") else None
        self.optimizer: Optimizer = recipe.optimizer.build(self.model.parameters(), fused=fused)
        self.schedule = Schedule(
            recipe.scheduler,
            recipe.warmup,
            self.optimizer,
            epochs=recipe.epochs,
            steps_per_epoch=self.steps,
            cycle_momentum=recipe.optimizer.cycles_momentum,
            hold_from=task.hold_from,
        )
        self.criterion = nn.CrossEntropyLoss(label_smoothing=recipe.loss.label_smoothing)
        self.normalizer = Normalizer(task.statistics, compute.device)
        self.average = WeightAverage(self.model, recipe.ema.decay) if recipe.ema.decay else None
        self.history: list[dict[str, float]] = []
        self.first_epoch = 1
        if task.resume:
            self._restore(task.resume)

    def _restore(self, resume: Resume) -> None:
        load_state(self.model, resume.weights)
        self.history = list(resume.history)
        self.first_epoch = resume.epoch + 1
        self.schedule.replay(resume.history)
        restore_optimizer(self.optimizer, resume.optimizer)
        if self.average is not None:
            self.average.restore(resume.averaged)

    @property
    def best(self) -> float:
        return max((metrics["val/accuracy"] for metrics in self.history), default=-1.0)

    def epoch(self, epoch: int) -> Iterator[Event]:
        """One epoch: train, evaluate, report."""
        task, recipe = self.task, self.task.recipe
        started = task.clock()
        meter = Meter(task.compute.device)
        lr = 0.0
        for progress in self._train(epoch, meter):
            yield progress
            lr = progress.lr
        trained = task.clock()
        loss, accuracy = self._read(meter, epoch, self.steps)
        images = min(self.steps * recipe.batch_size, len(task.bank.train))
        rate = images / max(trained - started, 1e-9)
        here = Progress(epoch, self.steps, self.steps, lr, loss, accuracy, rate, phase="evaluating")
        yield here
        val = yield from self._evaluated(self.model, task.bank.val, here)
        clean = yield from self._evaluated(self.model, task.bank.clean_train, here)
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
            weights={name: _copy(tensor) for name, tensor in state_dict_of(self.model).items()},
            optimizer=flatten_optimizer(self.optimizer),
            history=list(self.history),
            averaged={n: _copy(tensor) for n, tensor in self.average.state().items()} if self.average else {},
        )

    def _train(self, epoch: int, meter: Meter) -> Iterator[Progress]:
        """All optimizer steps of an epoch. The last Progress is always yielded."""
        task, recipe, bank = self.task, self.task.recipe, self.task.bank
        set_generator(self.model, generator_for(recipe.seed, "dropout", epoch, task.compute.device))
        self.model.train()
        step = EagerStep(
            self.model, self.optimizer, self.criterion, task.compute, meter, recipe.clip_norm, self.average
        )
        mixing, classes = generator_for(recipe.seed, "mixing", epoch), len(bank.classes)
        started = reported = task.clock()
        for done, (images, labels) in enumerate(self._batches(epoch), start=1):
            lr = self.schedule.lr
            draw = recipe.mixing.draw(len(images), images.shape[2], images.shape[3], mixing)
            mixed, targets = recipe.mixing.apply(images, labels, classes, draw)
            step(mixed, labels, targets)
            self.schedule.after_step()
            now = task.clock()
            if done == self.steps or now - reported >= PROGRESS_EVERY_S:
                reported = now
                loss, accuracy = self._read(meter, epoch, done)
                seen = min(done * recipe.batch_size, len(bank.train))
                rate = seen / max(now - started, 1e-9)
                yield Progress(epoch, done, self.steps, lr, loss, accuracy, rate)
            if task.should_stop() is StopRequest.NOW:
                raise Interrupted

    def _batches(self, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The epoch's batches: its permutation and its augmentation follow from seed and epoch."""
        recipe, bank = self.task.recipe, self.task.bank
        order = torch.randperm(len(bank.train), generator=generator_for(recipe.seed, "order", epoch))
        order = bank.train[order]
        draws = generator_for(recipe.seed, "augment", epoch)
        batch = recipe.batch_size
        left_images: torch.Tensor | None = None
        left_labels: torch.Tensor | None = None
        done = 0
        for images, labels in training_chunks(bank, recipe.augmentations, self.normalizer, order, draws):
            if left_images is not None and left_labels is not None:
                images = torch.cat([left_images, images])
                labels = torch.cat([left_labels, labels])
            whole = len(images) // batch * batch
            for start in range(0, whole, batch):
                yield images[start : start + batch], labels[start : start + batch]
                done += 1
            left_images, left_labels = images[whole:], labels[whole:]
        if done < self.steps and left_images is not None and left_labels is not None:
            yield left_images, left_labels

    def _evaluated(
        self, model: nn.Module, indices: torch.Tensor, here: Progress
    ) -> Generator[Progress, None, Outcomes]:
        """Evaluate, saying a few times a second that the loop is still at it."""
        task, parts = self.task, []
        reported = task.clock()
        for logits in logits_by_chunk(model, task.bank.images, indices, self.normalizer, task.compute):
            parts.append(logits)
            if task.should_stop() is StopRequest.NOW:
                raise Interrupted
            if task.clock() - reported >= PROGRESS_EVERY_S:
                reported = task.clock()
                yield here
        truth = task.bank.labels[indices.to(task.bank.labels.device)]
        return outcomes_of(torch.cat(parts), truth)

    def _read(self, meter: Meter, epoch: int, step: int) -> tuple[float, float]:
        loss, accuracy = meter.read()
        if not loss < HOPELESS_LOSS:
            raise Diverged(
                f"The loss became {loss:.3g} in epoch {epoch}, by step {step} of {self.steps}: the training "
                "diverged; lower the learning rate, or add a warm-up."
            )
        return loss, accuracy


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def flatten_optimizer(optimizer: Optimizer) -> dict[str, torch.Tensor]:
    """An optimizer's state as '<parameter's number>.<name>' -> tensor (copies on the CPU)."""
    flat: dict[str, torch.Tensor] = {}
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is None:
                continue
            flat[f"{number}.{name}"] = _copy(
                value if isinstance(value, torch.Tensor) else torch.tensor(value)
            )
    return flat


def restore_optimizer(optimizer: Optimizer, flat: dict[str, torch.Tensor]) -> None:
    """Put a flattened state back; learning rate and momentum stay as the schedule left them.

    torch's fused kernels walk through memory without looking at strides: a momentum that is laid
    out otherwise than its weights (channels_last) would be added to the wrong ones, silently.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in flat.items():
        number, _, name = key.partition(".")
        parameter = parameters[int(number)]
        like = parameter if value.shape == parameter.shape else value
        laid_out = torch.empty_like(like, dtype=value.dtype, device="cpu").copy_(value)
        state.setdefault(int(number), {})[name] = laid_out
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
