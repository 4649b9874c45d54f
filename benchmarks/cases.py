"""The trainings that speed is measured on: a recipe and images, for the engine and for the notebook."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks import notebook_loop
from benchmarks.machine import wait_for
from core.augment import Affine, AnyAugmentation, HorizontalFlip
from core.models.randomness import set_generator
from core.recipe import Recipe, recipe_from_draft
from core.train import Compute, EpochEnded, Event, ImageBank, Notice, Task, fit
from core.vision import torchvision  # noqa: F401

from torchvision.transforms import v2  # isort: skip  (core.vision must come before its parts)

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
EVALUATED = 64

FLIP_SHIFT_ROTATE: list[dict[str, Any]] = [
    {"kind": "horizontal_flip"},
    {"kind": "affine", "degrees": 0, "translate": [0.125, 0.125], "p": 0.8},
    {"kind": "affine", "degrees": 10, "p": 0.8},
]
DIARY_EFFNET: dict[str, Any] = {
    "kind": "efficientnet_v2_s",
    "full_resolution_steps": 2,
    "dropout": 0.8,
    "shakedrop": {"probability": 0.5, "place": "centre"},
}


@dataclass(frozen=True)
class Case:
    """One training. The same images, augmentation, network and optimizer on both sides."""

    name: str
    architecture: dict[str, Any]
    batch_size: int
    image_size: int
    images: int
    """How many images an epoch has, which is what one measurement takes."""
    classes: int = 10
    goals: tuple[tuple[str, float], ...] = ()
    """What the engine is to reach: (against which notebook, times its rate)."""

    def recipe(self, **changes: Any) -> Recipe:
        """The settings, with the run long enough for any number of measurements."""
        settings: dict[str, Any] = {
            "architecture": self.architecture,
            "augmentations": FLIP_SHIFT_ROTATE,
            "optimizer": {"kind": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": True},
            "batch_size": self.batch_size,
            "epochs": 10_000,
        }
        return recipe_from_draft(settings | changes)

    def bank(self, device: torch.device, *, resident: bool = True) -> ImageBank:
        """Random images: what they show costs no time."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.images, self.image_size, self.image_size, 3)
        images = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        labels = torch.randint(self.classes, (self.images,), generator=generator)
        few = torch.arange(min(EVALUATED, self.images))
        return ImageBank(
            images=images.to(device) if resident else images,
            labels=labels.to(device),
            train=torch.arange(self.images),
            val=few,
            clean_train=few,
            classes=tuple(str(number) for number in range(self.classes)),
            image_size=self.image_size,
        )


class Engine:
    """Plateau's own loop, an epoch at a time."""

    def __init__(self, case: Case, compute: Compute, *, resident: bool = True, graph: bool = True) -> None:
        bank = case.bank(compute.device, resident=resident)
        task = Task(case.recipe(), bank, (MEAN, STD), compute, epochs=10_000, graph=graph)
        self.notices: list[str] = []
        self._events = iter(fit(task))

    def rate(self) -> float:
        """Images per second over one more epoch."""
        for event in self._events:
            self._hear(event)
            if isinstance(event, EpochEnded):
                return event.images_per_s
        raise AssertionError("the run is long enough")

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)


class Notebook:
    """The plain loop, an epoch at a time."""

    def __init__(self, case: Case, device: torch.device, workers: int) -> None:
        recipe, bank = case.recipe(), case.bank(torch.device("cpu"))
        self.images, self.device = case.images, device
        # In a notebook the random layers draw from the process-wide generator.
        self.network = recipe.architecture.build(case.classes, 3, case.image_size, 0).to(device)
        set_generator(self.network, None)
        self.optimizer = recipe.optimizer.build(self.network.parameters())
        dataset = notebook_loop.ArrayImages(
            bank.images.numpy(), bank.labels.numpy(), bank.train.numpy(), pil_transform(recipe.augmentations)
        )
        self.batches = DataLoader(dataset, case.batch_size, shuffle=True, num_workers=workers)

    def rate(self) -> float:
        """Images per second over one more epoch."""
        wait_for(self.device)
        began = time.perf_counter()
        notebook_loop.train_epoch(
            self.network, self.batches, nn.CrossEntropyLoss(), self.optimizer, str(self.device)
        )
        wait_for(self.device)
        return self.images / (time.perf_counter() - began)


def pil_transform(augmentations: Sequence[AnyAugmentation]) -> notebook_loop.Transform:
    """torchvision's transforms for these augmentations, as one writes them for PIL images."""
    steps: list[Any] = []
    for each in augmentations:
        if isinstance(each, HorizontalFlip):
            steps.append(v2.RandomHorizontalFlip(each.p))
        elif isinstance(each, Affine):
            step = v2.RandomAffine(each.degrees, translate=each.translate if any(each.translate) else None)
            steps.append(v2.RandomApply([step], each.p))
        else:
            raise NotImplementedError(f"the notebook's transforms know no {each.kind}: add it here")
    steps += [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return v2.Compose(steps)
