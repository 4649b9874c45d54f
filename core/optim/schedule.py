"""A scheduler as a run uses it: torch's own scheduler behind torch's own linear warm-up.

The trainer, the preview and a resumed run all drive the same `Schedule`, so they cannot disagree.
It keeps no state of its own on disk: a resumed run replays the epochs that were done, which gives
the same learning rates to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, SequentialLR

from core.optim.optimizer import OptimizerSpec
from core.optim.plateau import PlateauSpec
from core.optim.scheduler import SchedulerSpec, Warmup

PRACTICALLY_ZERO = 1e-3
"""Share of the highest learning rate below which training stands still."""


class Schedule:
    """Drives the learning rate of an optimizer over a run.

    `epochs` is the planned length, to which 'as long as the run' refers. In an extended run the
    schedule simply goes on, as torch's does, unless `hold_from` names an epoch: the learning rate
    of that one then stays. OneCycleLR cannot go on and always holds at the planned end.
    """

    def __init__(
        self,
        spec: SchedulerSpec,
        warmup: Warmup,
        optimizer: Optimizer,
        *,
        epochs: int,
        steps_per_epoch: int,
        cycle_momentum: bool,
        hold_from: int | None = None,
    ) -> None:
        self.spec = spec
        self.optimizer = optimizer
        self.steps_per_epoch = steps_per_epoch
        per_epoch = steps_per_epoch if spec.unit == "step" else 1
        self._planned = epochs * per_epoch
        self._warmup = min(warmup.epochs, epochs) * per_epoch
        self._done = 0
        climb: LRScheduler | None = None
        if self._warmup:
            climb = LinearLR(optimizer, start_factor=warmup.start_factor, total_iters=self._warmup)
        main = None
        if self._planned > self._warmup or climb is None:
            main = spec.build(optimizer, steps=self._planned - self._warmup, cycle_momentum=cycle_momentum)
        self._main = main
        self._hold_at = hold_from * per_epoch if hold_from is not None else None
        if isinstance(main, OneCycleLR):
            self._hold_at = min(self._planned, self._hold_at or self._planned)
        self.changes_momentum = isinstance(main, OneCycleLR) and cycle_momentum
        """Whether the optimizer's momentum moves along with the learning rate."""
        self._plateau = main if isinstance(main, ReduceLROnPlateau) else None
        if climb is None or self._plateau is not None:
            # SequentialLR takes no ReduceLROnPlateau: it must be told a metric.
            self._scheduler = climb if self._plateau is not None else main
        elif main is None:
            self._scheduler = climb
        else:
            self._scheduler = SequentialLR(optimizer, [climb, main], milestones=[self._warmup])

    @property
    def lr(self) -> float:
        """The learning rate of the next optimizer step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def after_step(self) -> None:
        """To be called after each optimizer step."""
        if self.spec.unit == "step":
            self._advance()

    def after_epoch(self, metrics: Mapping[str, float]) -> None:
        """To be called after each epoch, with its metrics ('val/accuracy', ...)."""
        if self.spec.unit == "epoch":
            self._advance(metrics)

    def replay(self, epochs: Sequence[Mapping[str, float]]) -> None:
        """Go through epochs that were done before: one mapping of metrics each."""
        self.optimizer.step()  # without gradients: moves nothing, keeps torch from warning of the order
        if self.spec.unit == "step":
            self._jump(len(epochs) * self.steps_per_epoch)
        else:
            for metrics in epochs:
                self.after_epoch(metrics)

    def _advance(self, metrics: Mapping[str, float] | None = None) -> None:
        self._done += 1
        if self._hold_at is not None and self._done >= self._hold_at:
            return
        if self._plateau is not None and self._done > self._warmup:
            assert isinstance(self.spec, PlateauSpec) and metrics is not None
            self._plateau.step(metrics[self.spec.monitor])
        elif self._scheduler is not None:
            self._scheduler.step()

    def _jump(self, units: int) -> None:
        """Advance by many steps at once: OneCycleLR computes its lr from the step's number alone."""
        target = self._done + units
        if self._hold_at is not None:
            target = min(target, self._hold_at - 1)
        while self._done < min(target, self._warmup + 1):
            self._advance()
        if self._done < target and isinstance(self._main, OneCycleLR):
            if isinstance(self._scheduler, SequentialLR):
                self._scheduler.last_epoch = target - 1
            self._main.last_epoch = target - self._warmup - 1
            self._done = target - 1
            self._advance()


@dataclass(frozen=True)
class LrCurve:
    """The learning rate over a run: `epochs[i]` is that of the last step of epoch i + 1; `points`
    are (position in epochs, lr), finer where the scheduler is stepped after every batch."""

    epochs: tuple[float, ...]
    points: tuple[tuple[float, float], ...]


def lr_curve(
    scheduler: SchedulerSpec,
    warmup: Warmup,
    optimizer: OptimizerSpec,
    *,
    epochs: int,
    steps_per_epoch: int,
    plan: int | None = None,
    hold_from: int | None = None,
    improves_until: int | None = None,
) -> LrCurve:
    """The learning rate of each epoch, from the scheduler that will run.

    `plan` is the planned length where the run is extended beyond it. What ReduceLROnPlateau does
    depends on the run: the curve shows one whose metric improves up to the epoch `improves_until`
    (None: always) and stands still from then on.
    """
    built = optimizer.build([torch.nn.Parameter(torch.zeros(1))])
    schedule = Schedule(
        scheduler,
        warmup,
        built,
        epochs=plan or epochs,
        steps_per_epoch=steps_per_epoch,
        cycle_momentum=optimizer.cycles_momentum,
        hold_from=hold_from,
    )
    built.step()
    marks = _marks(steps_per_epoch, epochs) if scheduler.unit == "step" else [steps_per_epoch]
    ends: list[float] = []
    points: list[tuple[float, float]] = []
    for epoch in range(1, epochs + 1):
        if scheduler.unit == "epoch":
            points += [(epoch - 1.0, schedule.lr), (float(epoch), schedule.lr)]
        else:
            done = 0
            for mark in marks:
                points.append((epoch - 1 + done / steps_per_epoch, schedule.lr))
                schedule._jump(mark - 1 - done)
                done = mark
                ends_lr = schedule.lr
                schedule._jump(1)
            ends.append(ends_lr)
            continue
        ends.append(schedule.lr)
        level = epoch if improves_until is None else min(epoch, improves_until)
        value = level / (epochs + 1)
        schedule.after_epoch({"val/accuracy": value, "val/loss": 1 - value, "train/loss": 1 - value})
    return LrCurve(tuple(ends), tuple(points))


def _marks(steps_per_epoch: int, epochs: int) -> list[int]:
    """Step numbers inside an epoch at which the curve is read; up to about 600 over the run."""
    count = max(1, min(steps_per_epoch, 600 // epochs))
    return sorted({round((i + 1) * steps_per_epoch / count) for i in range(count)})


def schedule_warnings(
    scheduler: SchedulerSpec, warmup: Warmup, curve: LrCurve, *, planned_epochs: int
) -> list[str]:
    """What a person would want to know about a learning-rate curve before the launch."""
    lrs = curve.epochs
    if warmup.epochs >= planned_epochs:
        warnings = [f"The warm-up ({warmup.epochs} epochs) lasts all {planned_epochs} epochs of the run."]
    else:
        warnings = scheduler.warnings(planned_epochs - warmup.epochs)
    if not lrs:
        return warnings
    climb = _climb_after_fall(lrs)
    if climb:
        warnings.append(
            f"The learning rate climbs back up after epoch {climb}: "
            f"from {lrs[climb - 1]:.3g} to {max(lrs[climb:]):.3g}."
        )
    peak = max(lrs)
    tail = 0
    while tail < len(lrs) and lrs[-1 - tail] < PRACTICALLY_ZERO * peak:
        tail += 1
    if tail >= 2 and tail > 0.05 * len(lrs):
        warnings.append(
            f"The learning rate is practically zero for the last {tail} epochs "
            f"(under {PRACTICALLY_ZERO:.1%} of its peak): the weights hardly move there."
        )
    return warnings


def _climb_after_fall(lrs: Sequence[float]) -> int | None:
    """The epoch after which the learning rate rises again having fallen; None if it never does."""
    fallen = False
    for epoch in range(1, len(lrs)):
        if lrs[epoch] < lrs[epoch - 1] * (1 - 1e-9):
            fallen = True
        elif fallen and lrs[epoch] > lrs[epoch - 1] * (1 + 1e-9):
            return epoch
    return None
