"""Settings that together reach every branch of every scheduler and optimizer."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from core.optim import AnyOptimizer, AnyScheduler, OptimizerSpec, Schedule, SchedulerSpec, SGDSpec, Warmup

_SCHEDULER: TypeAdapter[SchedulerSpec] = TypeAdapter(AnyScheduler)
_OPTIMIZER: TypeAdapter[OptimizerSpec] = TypeAdapter(AnyOptimizer)

EPOCHS = 12
STEPS = 5
"""Optimizer steps per epoch."""


def scheduler(kind: str, **settings: object) -> SchedulerSpec:
    """A scheduler as a recipe file would give it."""
    return _SCHEDULER.validate_json(json.dumps({"kind": kind, **settings}))


def optimizer(kind: str, **settings: object) -> OptimizerSpec:
    """An optimizer as a recipe file would give it."""
    return _OPTIMIZER.validate_json(json.dumps({"kind": kind, **settings}))


SCHEDULERS = {
    "none": scheduler("none"),
    "cosine": scheduler("cosine"),
    "cosine-short": scheduler("cosine", t_max=4, eta_min=0.001),
    "cosine-long": scheduler("cosine", t_max=50),
    "multi_step": scheduler("multi_step", milestones=[3, 7], gamma=0.3),
    "multi_step-late": scheduler("multi_step"),
    "step": scheduler("step", step_size=3, gamma=0.5),
    "step-each": scheduler("step", step_size=1, gamma=0.9),
    "plateau": scheduler("plateau", patience=1),
    "plateau-loss": scheduler("plateau", monitor="val/loss", mode="min", patience=0, factor=0.5),
    "plateau-train": scheduler(
        "plateau",
        monitor="train/loss",
        mode="min",
        patience=1,
        cooldown=1,
        min_lr=0.004,
        threshold=0.05,
        threshold_mode="abs",
        factor=0.3,
    ),
    "one_cycle": scheduler("one_cycle"),
    "one_cycle-linear": scheduler(
        "one_cycle", anneal_strategy="linear", pct_start=0.5, div_factor=4, final_div_factor=10
    ),
    "one_cycle-fixed-momentum": scheduler("one_cycle", cycle_momentum=False, pct_start=0.05),
}
WARMUPS = {
    "no warm-up": Warmup(),
    "one epoch": Warmup(epochs=1, start_factor=0.5),
    "four epochs": Warmup(epochs=4),
    "all epochs": Warmup(epochs=EPOCHS),
    "longer": Warmup(epochs=EPOCHS + 5),
}

every_scheduler = pytest.mark.parametrize("spec", SCHEDULERS.values(), ids=SCHEDULERS.keys())
every_warmup = pytest.mark.parametrize("warmup", WARMUPS.values(), ids=WARMUPS.keys())


def metrics(epoch: int) -> dict[str, float]:
    """Numbers as a run has them: they improve, stand still, get worse, improve once more."""
    accuracy = [0.30, 0.40, 0.45, 0.44, 0.45, 0.43, 0.44, 0.50, 0.49, 0.48, 0.47, 0.46][(epoch - 1) % 12]
    loss = [2.0, 1.5, 1.4, 1.45, 1.5, 1.39, 1.41, 1.2, 1.21, 1.22, 1.21, 1.25][(epoch - 1) % 12]
    return {"val/accuracy": accuracy, "val/loss": loss, "train/loss": loss - 0.03 * epoch}


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(1))]


def new_schedule(
    spec: SchedulerSpec,
    warmup: Warmup,
    chosen: OptimizerSpec | None = None,
    *,
    epochs: int = EPOCHS,
    steps: int = STEPS,
    hold: bool = False,
) -> Schedule:
    """A schedule over an optimizer of its own."""
    chosen = chosen or SGDSpec(lr=0.1)
    return Schedule(
        spec,
        warmup,
        chosen.build(parameters()),
        epochs=epochs,
        steps_per_epoch=steps,
        cycle_momentum=chosen.cycles_momentum,
        hold_from=epochs if hold else None,
    )


def drive(schedule: Schedule, first: int, last: int) -> list[tuple[float, ...]]:
    """Train epochs `first` to `last`: the learning rate of each optimizer step, epoch by epoch."""
    epochs = []
    for epoch in range(first, last + 1):
        lrs = []
        for _ in range(schedule.steps_per_epoch):
            lrs.append(schedule.lr)
            schedule.optimizer.step()
            schedule.after_step()
        schedule.after_epoch(metrics(epoch))
        epochs.append(tuple(lrs))
    return epochs


def torch_optimizer(
    spec: OptimizerSpec, parameters: Iterable[nn.Parameter], *, fused: bool | None = None
) -> Optimizer:
    """torch's optimizer, written out by hand from the settings; torch has no fused RMSprop."""
    s = spec.model_dump()
    lr, decay = s["lr"], s["weight_decay"]
    match s["kind"]:
        case "sgd":
            return SGD(
                parameters,
                lr,
                momentum=s["momentum"],
                nesterov=s["nesterov"],
                weight_decay=decay,
                fused=fused,
            )
        case "adam" | "adamw":
            cls = Adam if s["kind"] == "adam" else AdamW
            return cls(parameters, lr, (s["beta1"], s["beta2"]), s["eps"], decay, fused=fused)
        case "rmsprop":
            return RMSprop(
                parameters,
                lr,
                alpha=s["alpha"],
                eps=s["eps"],
                weight_decay=decay,
                momentum=s["momentum"],
                centered=s["centered"],
            )
    raise AssertionError(f"no plain loop knows {s['kind']}: add it here")


def torch_scheduler(spec: SchedulerSpec, built: Optimizer, units: int, momentum: bool) -> LRScheduler | None:
    """torch's scheduler, written out by hand from the settings."""
    s = spec.model_dump()
    match s["kind"]:
        case "none":
            return None
        case "cosine":
            return CosineAnnealingLR(built, T_max=s["t_max"] or units, eta_min=s["eta_min"])
        case "multi_step":
            return MultiStepLR(built, milestones=list(s["milestones"]), gamma=s["gamma"])
        case "step":
            return StepLR(built, step_size=s["step_size"], gamma=s["gamma"])
        case "plateau":
            names = ("mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr")
            return ReduceLROnPlateau(built, **{name: s[name] for name in names})
        case "one_cycle":
            names = ("pct_start", "anneal_strategy", "div_factor", "final_div_factor")
            return OneCycleLR(
                built,
                max_lr=[group.get("initial_lr", group["lr"]) for group in built.param_groups],
                total_steps=units,
                cycle_momentum=s["cycle_momentum"] and momentum,
                base_momentum=s["base_momentum"],
                max_momentum=s["max_momentum"],
                **{name: s[name] for name in names},
            )
    raise AssertionError(f"no plain loop knows {s['kind']}: add it here")


def plain_loop(
    spec: SchedulerSpec,
    warmup: Warmup,
    built: Optimizer,
    *,
    epochs: int = EPOCHS,
    steps: int = STEPS,
    results_of: Callable[[int], Mapping[str, float]] = metrics,
) -> list[tuple[float, ...]]:
    """The learning rate of each optimizer step, as a person would write it with torch alone;
    `results_of` gives the metrics of an epoch."""
    unit = steps if spec.unit == "step" else 1
    advance = _advancing(spec, built, warmup.start_factor, min(warmup.epochs, epochs) * unit, epochs * unit)
    found: list[tuple[float, ...]] = []
    done = 0
    for epoch in range(1, epochs + 1):
        lrs = []
        for _ in range(steps):
            lrs.append(float(built.param_groups[0]["lr"]))
            built.step()
            if spec.unit == "step":
                done += 1
                advance(done, None)
        if spec.unit == "epoch":
            done += 1
            advance(done, results_of(epoch))
        found.append(tuple(lrs))
    return found


def _advancing(
    spec: SchedulerSpec, built: Optimizer, start_factor: float, climb_units: int, units: int
) -> Callable[[int, Mapping[str, float] | None], None]:
    """What to call with the number of units done, epochs or steps, and an epoch's metrics."""
    climb = LinearLR(built, start_factor=start_factor, total_iters=climb_units) if climb_units else None
    main = None
    if climb_units < units:
        cycles = bool({"momentum", "betas"} & {*built.defaults})
        main = torch_scheduler(spec, built, units - climb_units, cycles)
    plateau = main if isinstance(main, ReduceLROnPlateau) else None
    stepped: LRScheduler | None = climb or main
    if climb is not None and main is not None and plateau is None:
        stepped = SequentialLR(built, [climb, main], milestones=[climb_units])

    def advance(done: int, results: Mapping[str, float] | None) -> None:
        if done == units and isinstance(main, OneCycleLR):
            return  # torch's one cycle has no step after its last
        if plateau is not None and done > climb_units:
            assert results is not None
            plateau.step(results[spec.model_dump()["monitor"]])
        elif stepped is not None and stepped is not plateau:
            stepped.step()

    return advance


def last_lrs(epochs: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """The learning rate of each epoch's last optimizer step."""
    return tuple(lrs[-1] for lrs in epochs)
