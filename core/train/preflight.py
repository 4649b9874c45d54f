"""What can be known about a run before it is launched."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from core.augment import augment
from core.data import Dataset, DatasetInfo
from core.errors import BadInput, PlateauError, Problem, Unavailable
from core.models.randomness import set_generator
from core.models.summary import Stage, summarize
from core.optim import LrCurve, lr_curve, schedule_warnings
from core.recipe import Recipe
from core.train.averaging import WeightAverage
from core.train.batches import steps_per_epoch
from core.train.device import Compute, resolve_device
from core.train.engine import build_model, build_optimizer
from core.train.evaluate import autocast
from core.train.images import (
    Normalizer,
    channels_for,
    gather,
    load_images,
    plain_images,
    statistics_for,
    to_float,
)
from core.train.seeds import generator_for
from core.train.step import Meter, TrainingStep


@dataclass(frozen=True)
class Advice:
    """What stands in the way of a launch, and what a person should know before it."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check(recipe: Recipe, info: DatasetInfo | None, *, network: bool = True, schedule: bool = True) -> Advice:
    """Everything about a valid recipe that depends on the data set, the machine or the schedule.

    `info` is None where the recipe's data set does not exist. For a form, which remembers the two
    parts that may take a second: with `network` off it is not tried whether the network can be built
    (see `network_problem`), with `schedule` off the learning rate of all epochs is not gone through
    (see `schedule_advice`).
    """
    advice = Advice()
    try:
        resolve_device(recipe.device)
    except Unavailable as error:
        advice.problems.append(error.problem or Problem("device", recipe.device, str(error).rstrip(".")))
    if info is None:
        name = recipe.data.name
        rule = "there is no data set of this name" if name else "no data set is chosen"
        advice.problems.append(Problem("data.name", name, rule, "choose one, or import one on the Data page"))
    else:
        _check_data(recipe, info, advice)
        if recipe.batch_size == 1:
            _check_alone(recipe, info, advice)
        if network:
            try:
                architecture_stages(recipe, info)
            except PlateauError as error:
                advice.problems.append(network_problem(recipe, error))
    if schedule:
        advice.warnings.extend(schedule_advice(recipe, preview_lr(recipe, info)))
    _check_settings(recipe, advice)
    return advice


def _check_settings(recipe: Recipe, advice: Advice) -> None:
    """What is odd about the settings themselves."""
    late = [epoch for epoch in recipe.checkpoints.epochs if epoch > recipe.epochs]
    if late:
        advice.warnings.append(
            f"Checkpoint epoch {', '.join(map(str, late))} lies beyond the run's {recipe.epochs} epochs."
        )
    usual = 1.0 if recipe.optimizer.kind == "sgd" else 0.1
    if recipe.optimizer.lr > usual:
        advice.warnings.append(
            f"A learning rate of {recipe.optimizer.lr:g} is unusually high for {recipe.optimizer.label}: "
            f"above {usual:g} most runs diverge."
        )
    pretrained = getattr(recipe.architecture, "pretrained", "none")
    if pretrained == "imagenet" and recipe.normalization.kind != "imagenet":
        advice.warnings.append("ImageNet's weights expect ImageNet's normalization.")


def _check_data(recipe: Recipe, info: DatasetInfo, advice: Advice) -> None:
    images = info.counts.get("train", 0)
    if recipe.batch_size > images:
        rule = f"more than the {images:,} training images"
        advice.problems.append(Problem("batch_size", recipe.batch_size, rule, f"use {images} or less"))
    if recipe.batch_size == 1:
        advice.warnings.append(
            "With batch size 1, batch normalization sees one image at a time: such networks learn badly."
        )
    channels = channels_for(recipe.data.color, info.channels)
    mean: tuple[float, ...] = getattr(recipe.normalization, "mean", ())
    if len(mean) not in (0, 1, channels):
        advice.problems.append(
            Problem(
                "normalization.mean",
                list(mean),
                f"the images have {channels} channel{'s' if channels > 1 else ''}",
                f"give {channels} number{'s' if channels > 1 else ''}",
            )
        )
    _check_augmentations(recipe, info.image_size, advice)
    if not info.counts.get("val"):
        advice.warnings.append("The data set has no val images: no val accuracy, no best epoch.")


def _check_alone(recipe: Recipe, info: DatasetInfo, advice: Advice) -> None:
    """Batch normalization cannot train on a single value per channel, which is what one image's feature
    map of 1x1 is; torch says so in the first step only."""
    channels = channels_for(recipe.data.color, info.channels)
    try:
        model = _without_weights(recipe, info)
    except PlateauError:
        return  # that it cannot be built is said elsewhere
    # All else stays in evaluation: it would draw random numbers, of which the meta device has none.
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    try:
        with torch.no_grad():
            model(torch.empty(1, channels, info.image_size, info.image_size, device="meta"))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        rule = "batch normalization cannot train on one image where the network's feature map is 1x1"
        advice.problems.append(Problem("batch_size", 1, rule, "use 2 or more"))


def _check_augmentations(recipe: Recipe, image_size: int, advice: Advice) -> None:
    """An augmentation may not fit images of this size: drawing once for one image tells."""
    for number, augmentation in enumerate(recipe.augmentations):
        try:
            augmentation.draw(1, image_size, image_size, generator_for(0, "preflight"))
        except BadInput as error:
            rule, _, remedy = str(error).rstrip(".").partition("; ")
            advice.problems.append(Problem(f"augmentations.{number}", augmentation.kind, rule, remedy))


def network_problem(recipe: Recipe, error: PlateauError) -> Problem:
    """Why the network cannot be built, at the architecture's field that the error is about."""
    found = error.problem
    if found and found.field.split(".")[0] in type(recipe.architecture).model_fields:
        return replace(found, field=f"architecture.{found.field}")
    return Problem("architecture", recipe.architecture.kind, str(error).rstrip("."))


def schedule_advice(recipe: Recipe, curve: LrCurve) -> list[str]:
    """What should be known about the run's learning rate, of which `curve` is the preview."""
    return schedule_warnings(recipe.scheduler, recipe.warmup, curve, planned_epochs=recipe.epochs)


def preview_lr(recipe: Recipe, info: DatasetInfo | None, *, improves_until: int | None = None) -> LrCurve:
    """The learning rate over the run; without a data set, as if it had 100 steps per epoch."""
    images = info.counts.get("train", 0) if info else 0
    steps = steps_per_epoch(images, recipe.batch_size) if images else 100
    return lr_curve(
        recipe.scheduler,
        recipe.warmup,
        recipe.optimizer,
        epochs=recipe.epochs,
        steps_per_epoch=max(1, steps),
        improves_until=improves_until,
    )


def architecture_stages(recipe: Recipe, info: DatasetInfo) -> list[Stage]:
    """The network stage by stage, for the data set's images. Raises BadInput if it cannot be built."""
    channels = channels_for(recipe.data.color, info.channels)
    with torch.device("meta"):
        return summarize(_without_weights(recipe, info), channels, info.image_size)


def _without_weights(recipe: Recipe, info: DatasetInfo) -> nn.Module:
    """The network on the meta device, where weights have a shape and no values: drawing them is most of a
    build's time. Raises BadInput if it cannot be built."""
    architecture = recipe.architecture
    if "pretrained" in type(architecture).model_fields:
        # The shapes are the same; a look at them must not download anything.
        architecture = architecture.model_copy(update={"pretrained": "none"})
    with torch.device("meta"):
        channels = channels_for(recipe.data.color, info.channels)
        return architecture.build(len(info.classes), channels, info.image_size, 0)


@dataclass(frozen=True)
class Timing:
    """A short measurement on the device."""

    step_s: float
    """Augmentation and one optimizer step, per batch; the median of several."""
    evaluation_image_s: float
    """One image in evaluation."""
    memory_bytes: int
    """Weights, gradients, optimizer state, and what the forward pass keeps for the backward."""
    epoch_s: float
    total_s: float
    steps: int
    device: str
    precision: str


def measure(recipe: Recipe, dataset: Dataset, compute: Compute, *, budget_s: float = 3.0) -> Timing:
    """Time a few real steps of this recipe on real images; takes about `budget_s`.

    Raises PlateauError where the network cannot be built, Unavailable where memory does not suffice.
    """
    trial = _Trial(recipe, dataset, compute)
    try:
        kept_bytes = trial.warm_up()
        steps = trial.time_steps(budget_s)
    except torch.OutOfMemoryError as error:
        rule = f"{compute.name} runs out of memory"
        raise Unavailable.at("batch_size", recipe.batch_size, rule, "lower it") from error
    evaluation_s = trial.time_evaluation()
    step_s = sorted(steps)[len(steps) // 2]
    per_epoch = steps_per_epoch(len(trial.bank.train), recipe.batch_size)
    evaluated = len(trial.bank.val) + len(trial.bank.clean_train)
    epoch_s = per_epoch * step_s + evaluated * evaluation_s
    return Timing(
        step_s=step_s,
        evaluation_image_s=evaluation_s,
        memory_bytes=kept_bytes + trial.state_bytes(),
        epoch_s=epoch_s,
        total_s=epoch_s * recipe.epochs,
        steps=per_epoch,
        device=compute.name,
        precision=compute.reason,
    )


class _Trial:
    """A network of its own with an optimizer, for timing; thrown away afterwards."""

    def __init__(self, recipe: Recipe, dataset: Dataset, compute: Compute) -> None:
        self.recipe, self.compute = recipe, compute
        self.bank = load_images(dataset, recipe.data.color, compute.device)
        if not len(self.bank.train):
            raise BadInput(f"The data set {dataset.info.name!r} has no training images.")
        self.model: nn.Module = build_model(recipe, self.bank, compute)
        self.optimizer = build_optimizer(recipe, self.model, compute)
        self.normalizer = Normalizer(statistics_for(recipe, dataset), compute.device)
        self.generator = generator_for(recipe.seed, "preflight")
        self.step = TrainingStep(
            self.model,
            self.optimizer,
            nn.CrossEntropyLoss(label_smoothing=recipe.loss.label_smoothing),
            compute,
            Meter(compute.device),
            recipe.clip_norm,
            WeightAverage(self.model, recipe.ema.decay) if recipe.ema.decay else None,
        )
        set_generator(self.model, generator_for(recipe.seed, "preflight", device=compute.device))

    def _step(self) -> None:
        batch = min(self.recipe.batch_size, len(self.bank.train))
        where = self.bank.train[torch.randint(len(self.bank.train), (batch,), generator=self.generator)]
        images = to_float(gather(self.bank.images, where, self.compute.device))
        images = self.normalizer(augment(images, self.recipe.augmentations, self.generator))
        labels, mixing = self.bank.labels[where.to(self.compute.device)], self.recipe.mixing
        height, width = images.shape[2:]
        draw = mixing.draw(batch, height, width, self.generator)
        mixed, targets = mixing.apply(images, labels, len(self.bank.classes), draw)
        self.model.train()
        self.step(mixed.contiguous(memory_format=torch.channels_last), labels, targets)
        self._wait()

    def _wait(self) -> None:
        if self.compute.device.type == "cuda":
            torch.cuda.synchronize(self.compute.device)

    def warm_up(self) -> int:
        """One step that is not timed; returns the bytes that the forward pass keeps."""
        kept: dict[int, int] = {}

        def count(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            self._step()
        own = {parameter.untyped_storage().data_ptr() for parameter in self.model.parameters()}
        return sum(size for pointer, size in kept.items() if pointer not in own)

    def time_steps(self, budget_s: float) -> list[float]:
        """Seconds of several steps, at least two."""
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < 2 or (time.perf_counter() - began < budget_s and len(times) < 50):
            start = time.perf_counter()
            self._step()
            times.append(time.perf_counter() - start)
        return times

    def time_evaluation(self) -> float:
        """Seconds per image in evaluation mode."""
        count = min(256, len(self.bank.images))
        self.model.eval()
        start = time.perf_counter()
        with torch.inference_mode(), autocast(self.compute):
            self.model(
                plain_images(self.bank.images, torch.arange(count), self.normalizer, self.compute.device)
            )
        self._wait()
        return (time.perf_counter() - start) / count

    def state_bytes(self) -> int:
        """Weights, gradients and the optimizer's state."""
        weights = sum(p.numel() * p.element_size() for p in self.model.parameters())
        states: list[dict[str, Any]] = list(self.optimizer.state.values())
        state = sum(
            v.numel() * v.element_size() for s in states for v in s.values() if isinstance(v, torch.Tensor)
        )
        return 2 * weights + state
