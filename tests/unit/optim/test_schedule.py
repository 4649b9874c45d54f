"""The learning rate is torch's own to the bit, in the preview, in a run and in a resumed run."""

from itertools import product

import pytest
import torch

from core.optim import (
    AdamSpec,
    AnyScheduler,
    LrCurve,
    PlateauSpec,
    RMSpropSpec,
    Schedule,
    SchedulerSpec,
    SGDSpec,
    Warmup,
    lr_curve,
    schedule_warnings,
)
from core.spec import choices_of, kind_of
from tests.unit.optim.cases import (
    EPOCHS,
    SCHEDULERS,
    STEPS,
    drive,
    every_scheduler,
    every_warmup,
    last_lrs,
    metrics,
    new_schedule,
    parameters,
    plain_loop,
    scheduler,
)


def test_every_registered_scheduler_has_a_case() -> None:
    assert {kind_of(spec) for spec in SCHEDULERS.values()} == {kind_of(s) for s in choices_of(AnyScheduler)}


@every_warmup
@every_scheduler
def test_each_step_has_the_lr_that_torch_gives_in_a_plain_loop(spec: SchedulerSpec, warmup: Warmup) -> None:
    expected = plain_loop(spec, warmup, SGDSpec(lr=0.1).build(parameters()))
    assert drive(new_schedule(spec, warmup), 1, EPOCHS) == expected


GRID: dict[str, dict[str, list[object]]] = {
    "none": {},
    "cosine": {"t_max": [None, 1, 5, 40], "eta_min": [0.0, 0.01]},
    "multi_step": {"milestones": [[1], [2, 5], [3, 4, 9]], "gamma": [0.1, 0.7, 1.0]},
    "step": {"step_size": [1, 2, 5], "gamma": [0.1, 0.97]},
    "plateau": {
        "monitor": ["val/accuracy", "val/loss", "train/loss"],
        "mode": ["max", "min"],
        "factor": [0.1, 0.7],
        "patience": [0, 2],
        "threshold": [0.0, 0.03],
        "threshold_mode": ["rel", "abs"],
        "cooldown": [0, 2],
        "min_lr": [0.0, 0.02],
    },
    "one_cycle": {
        "pct_start": [0.05, 0.3, 0.9],
        "anneal_strategy": ["cos", "linear"],
        "div_factor": [4.0, 25.0],
        "final_div_factor": [10.0, 1e4],
        "cycle_momentum": [True, False],
    },
}
"""Settings that are tried in every combination."""


@pytest.mark.parametrize("kind", [kind_of(choice) for choice in choices_of(AnyScheduler)])
def test_over_a_grid_of_settings_each_step_has_torchs_lr(kind: str) -> None:
    """Also with other lengths, steps per epoch, optimizers and first learning rates."""
    for values in product(*GRID[kind].values()):
        spec = scheduler(kind, **dict(zip(GRID[kind], values, strict=True)))
        for (epochs, steps), warmup, chosen in (
            ((12, 3), Warmup(), SGDSpec(lr=0.1, momentum=0.9)),
            ((7, 2), Warmup(epochs=2, start_factor=0.3), AdamSpec(lr=0.003)),
        ):
            expected = plain_loop(spec, warmup, chosen.build(parameters()), epochs=epochs, steps=steps)
            schedule = new_schedule(spec, warmup, chosen, epochs=epochs, steps=steps)
            assert drive(schedule, 1, epochs) == expected, (spec, warmup)


@pytest.mark.parametrize("chosen", [SGDSpec(lr=0.1), AdamSpec(lr=0.1), RMSpropSpec(lr=0.1, momentum=0.5)])
@pytest.mark.parametrize("warmup", [Warmup(), Warmup(epochs=3)], ids=["", "warm-up"])
def test_one_cycle_moves_the_momentum_as_torch_does(chosen: SGDSpec, warmup: Warmup) -> None:
    def momentum(group: dict[str, object]) -> object:
        return group["betas"] if "betas" in group else group["momentum"]

    schedule = new_schedule(scheduler("one_cycle"), warmup, chosen)
    built = chosen.build(parameters())
    plain = plain_loop(scheduler("one_cycle"), warmup, built)
    assert drive(schedule, 1, EPOCHS) == plain
    assert momentum(schedule.optimizer.param_groups[0]) == momentum(built.param_groups[0])
    assert momentum(built.param_groups[0]) != momentum(chosen.build(parameters()).param_groups[0])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_cycle_runs_with_an_optimizer_without_momentum(momentum: float) -> None:
    schedule = new_schedule(scheduler("one_cycle"), Warmup(), SGDSpec(lr=0.1, momentum=momentum))
    drive(schedule, 1, EPOCHS)
    assert (schedule.optimizer.param_groups[0]["momentum"] == 0) == (momentum == 0)


@every_warmup
@every_scheduler
def test_a_resume_after_any_epoch_goes_on_with_the_same_lrs(spec: SchedulerSpec, warmup: Warmup) -> None:
    whole = new_schedule(spec, warmup)
    expected = drive(whole, 1, EPOCHS)
    for done in range(1, EPOCHS):
        resumed = new_schedule(spec, warmup)
        resumed.replay([metrics(epoch) for epoch in range(1, done + 1)])
        assert drive(resumed, done + 1, EPOCHS) == expected[done:], f"after epoch {done}"
        assert resumed.optimizer.param_groups[0]["momentum"] == whole.optimizer.param_groups[0]["momentum"]


@every_warmup
@every_scheduler
def test_the_preview_shows_what_a_run_will_do(spec: SchedulerSpec, warmup: Warmup) -> None:
    """A run whose metrics always improve: what the preview assumes of ReduceLROnPlateau."""
    curve = lr_curve(spec, warmup, SGDSpec(lr=0.1), epochs=EPOCHS, steps_per_epoch=STEPS)
    schedule = new_schedule(spec, warmup)
    ends = []
    for epoch in range(1, EPOCHS + 1):
        for _ in range(STEPS):
            lr = schedule.lr
            schedule.optimizer.step()
            schedule.after_step()
        ends.append(lr)
        value = epoch / (EPOCHS + 1)
        schedule.after_epoch({"val/accuracy": value, "val/loss": 1 - value, "train/loss": 1 - value})
    assert curve.epochs == tuple(ends)


@pytest.mark.parametrize("steps", [1, 7, 400])
@pytest.mark.parametrize("warmup", [Warmup(), Warmup(epochs=1)], ids=["", "warm-up"])
def test_points_within_an_epoch_are_those_of_the_steps(steps: int, warmup: Warmup) -> None:
    spec = scheduler("one_cycle")
    curve = lr_curve(spec, warmup, SGDSpec(lr=0.1), epochs=3, steps_per_epoch=steps)
    every_step = [lr for lrs in drive(new_schedule(spec, warmup, epochs=3, steps=steps), 1, 3) for lr in lrs]
    assert len(curve.points) <= 700
    for position, lr in curve.points:
        assert lr == every_step[round(position * steps)]


def test_points_of_a_scheduler_stepped_per_epoch_draw_stairs() -> None:
    curve = lr_curve(
        scheduler("step", step_size=1, gamma=0.5), Warmup(), SGDSpec(lr=1.0), epochs=2, steps_per_epoch=9
    )
    assert curve.points == ((0.0, 1.0), (1.0, 1.0), (1.0, 0.5), (2.0, 0.5))


def test_a_plateau_drops_in_the_preview_where_the_metric_stands_still() -> None:
    curve = lr_curve(
        PlateauSpec(patience=2), Warmup(), SGDSpec(lr=0.1), epochs=9, steps_per_epoch=1, improves_until=3
    )
    # It improves up to epoch 3; 4, 5 and 6 do not, which is more than 2: from epoch 7 on it is lower.
    assert [round(lr, 9) for lr in curve.epochs] == [0.1] * 6 + [0.01] * 3


def test_a_preview_of_many_steps_is_quick() -> None:
    """100,000 steps would take seconds if torch's scheduler were stepped through each."""
    curve = lr_curve(scheduler("one_cycle"), Warmup(epochs=2), SGDSpec(), epochs=200, steps_per_epoch=1000)
    assert len(curve.epochs) == 200


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
@pytest.mark.parametrize("steps", [1, 2, 10])
@pytest.mark.parametrize("pct_start", [0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_one_cycle_never_raises(epochs: int, steps: int, pct_start: float, warmup: int) -> None:
    """torch divides by zero where the climb has exactly one step."""
    spec = scheduler("one_cycle", pct_start=pct_start)
    climb = Warmup(epochs=warmup)
    schedule = new_schedule(spec, climb, epochs=epochs, steps=steps)
    lrs = [lr for each in drive(schedule, 1, epochs + 2) for lr in each]
    assert all(0 < lr <= 0.1 * (1 + 1e-9) for lr in lrs)
    curve = lr_curve(spec, climb, SGDSpec(lr=0.1), epochs=epochs, steps_per_epoch=steps)
    assert curve.epochs == tuple(lrs[steps - 1 :: steps][:epochs])


# Extension: a run that goes on beyond the length it was planned for.

MORE = 6


@every_warmup
@pytest.mark.parametrize(
    "spec",
    # OneCycleLR has no step after its last: it holds, see below.
    [pytest.param(spec, id=name) for name, spec in SCHEDULERS.items() if spec.unit == "epoch"],
)
def test_an_extension_goes_on_as_torch_does(spec: SchedulerSpec, warmup: Warmup) -> None:
    built = SGDSpec(lr=0.1).build(parameters())
    long = warmup.model_copy(update={"epochs": min(warmup.epochs, EPOCHS)})
    if "t_max" in type(spec).model_fields and spec.model_dump()["t_max"] is None:
        planned = max(1, EPOCHS - long.epochs)
        expected = plain_loop(spec.model_copy(update={"t_max": planned}), long, built, epochs=EPOCHS + MORE)
    else:
        expected = plain_loop(spec, long, built, epochs=EPOCHS + MORE)
    found = drive(new_schedule(spec, warmup), 1, EPOCHS + MORE)
    if warmup.epochs >= EPOCHS:
        # The warm-up fills the planned run, so the scheduler was never there.
        assert found == drive(new_schedule(scheduler("none"), warmup), 1, EPOCHS + MORE)
    else:
        assert found == expected


@every_warmup
@every_scheduler
def test_an_extension_can_hold_the_last_lr(spec: SchedulerSpec, warmup: Warmup) -> None:
    planned = drive(new_schedule(spec, warmup), 1, EPOCHS)
    held = drive(new_schedule(spec, warmup, hold=True), 1, EPOCHS + MORE)
    assert held[:EPOCHS] == planned
    assert {lr for lrs in held[EPOCHS:] for lr in lrs} == {planned[-1][-1]}


@every_warmup
@every_scheduler
@pytest.mark.parametrize("hold", [False, True], ids=["goes on", "holds"])
def test_a_resume_of_an_extension_is_exact(spec: SchedulerSpec, warmup: Warmup, hold: bool) -> None:
    expected = drive(new_schedule(spec, warmup, hold=hold), 1, EPOCHS + MORE)
    for done in (EPOCHS - 1, EPOCHS, EPOCHS + 1, EPOCHS + MORE - 1):
        resumed = new_schedule(spec, warmup, hold=hold)
        resumed.replay([metrics(epoch) for epoch in range(1, done + 1)])
        assert drive(resumed, done + 1, EPOCHS + MORE) == expected[done:], f"after epoch {done}"


@pytest.mark.parametrize(
    "spec",
    # What ReduceLROnPlateau does depends on the run.
    [pytest.param(spec, id=name) for name, spec in SCHEDULERS.items() if not isinstance(spec, PlateauSpec)],
)
@pytest.mark.parametrize("hold", [False, True], ids=["goes on", "holds"])
def test_the_preview_of_an_extension_is_what_the_run_does(spec: SchedulerSpec, hold: bool) -> None:
    warmup = Warmup(epochs=2)
    curve = lr_curve(
        spec,
        warmup,
        SGDSpec(lr=0.1),
        epochs=EPOCHS + MORE,
        steps_per_epoch=STEPS,
        plan=EPOCHS,
        hold_from=EPOCHS if hold else None,
    )
    assert curve.epochs == last_lrs(drive(new_schedule(spec, warmup, hold=hold), 1, EPOCHS + MORE))


def test_one_cycle_holds_its_last_lr_in_an_extension() -> None:
    lrs = drive(new_schedule(scheduler("one_cycle"), Warmup()), 1, EPOCHS + MORE)
    assert {lr for epoch in lrs[EPOCHS:] for lr in epoch} == {lrs[EPOCHS - 1][-1]}


def test_a_second_extension_holds_where_the_first_one_ended() -> None:
    def built(hold_from: int | None) -> Schedule:
        chosen = SGDSpec(lr=0.1)
        return Schedule(
            scheduler("cosine"),
            Warmup(),
            chosen.build(parameters()),
            epochs=10,
            steps_per_epoch=1,
            cycle_momentum=False,
            hold_from=hold_from,
        )

    gone_on = drive(built(None), 1, 20)
    held = drive(built(20), 1, 25)
    assert held[:20] == gone_on
    assert {lr for epoch in held[20:] for lr in epoch} == {gone_on[-1][-1]}
    assert gone_on[-1][-1] > gone_on[9][-1], "the cosine climbed back up in the first extension"


# Warnings before the launch.


def warnings_of(spec: SchedulerSpec, epochs: int, warmup: Warmup | None = None) -> list[str]:
    warmup = warmup or Warmup()
    curve = lr_curve(spec, warmup, SGDSpec(lr=0.1), epochs=epochs, steps_per_epoch=STEPS)
    return schedule_warnings(spec, warmup, curve, planned_epochs=epochs)


@pytest.mark.parametrize(
    ("spec", "epochs", "words"),
    [
        (scheduler("cosine", t_max=10), 15, "climbs back up after epoch 11"),
        (scheduler("step", step_size=1, gamma=0.1), 10, "practically zero for the last 6 epochs"),
        (scheduler("multi_step", milestones=[3, 20]), 10, "Milestone 20 "),
        (scheduler("multi_step", milestones=[20, 30]), 10, "Milestone 20, 30 "),
        (scheduler("multi_step", milestones=[10]), 10, "Milestone 10 "),
        (scheduler("step", step_size=10), 10, "first drop comes after 10 epochs"),
        (scheduler("plateau", mode="min"), 10, "Mode 'min' with val/accuracy"),
        (scheduler("plateau", mode="max", monitor="val/loss"), 10, "Mode 'max' with val/loss"),
        (scheduler("plateau", mode="max", monitor="train/loss"), 10, "Mode 'max' with train/loss"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_warning_says_what_is_odd(spec: SchedulerSpec, epochs: int, words: str) -> None:
    found = warnings_of(spec, epochs)
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize(
    ("spec", "epochs"),
    [
        (scheduler("none"), 10),
        (scheduler("cosine"), 10),
        (scheduler("cosine", t_max=10), 10),
        (scheduler("multi_step", milestones=[3, 9]), 10),
        (scheduler("step", step_size=9), 10),
        (scheduler("plateau"), 10),
        (scheduler("plateau", mode="min", monitor="val/loss"), 10),
        (scheduler("plateau", mode="min", monitor="train/loss"), 10),
        (scheduler("one_cycle"), 10),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("warmup", [Warmup(), Warmup(epochs=1)], ids=["", "warm-up"])
def test_a_usual_schedule_warns_of_nothing(spec: SchedulerSpec, epochs: int, warmup: Warmup) -> None:
    epochs += warmup.epochs
    assert warnings_of(spec, epochs, warmup) == []


def test_milestones_are_counted_from_the_end_of_the_warm_up() -> None:
    spec = scheduler("multi_step", milestones=[8])
    assert warnings_of(spec, 10) == []
    assert len(warnings_of(spec, 10, Warmup(epochs=2))) == 1


def test_a_warm_up_as_long_as_the_run_is_said_and_nothing_else() -> None:
    for spec in (scheduler("cosine"), scheduler("multi_step"), scheduler("step"), scheduler("one_cycle")):
        found = warnings_of(spec, 4, Warmup(epochs=6))
        assert len(found) == 1
        assert "(6 epochs) lasts all 4 epochs" in found[0]


def test_a_run_without_epochs_in_its_curve_warns_of_nothing() -> None:
    assert schedule_warnings(scheduler("cosine"), Warmup(), LrCurve((), ()), planned_epochs=5) == []


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    lr_curve(scheduler("one_cycle"), Warmup(epochs=1), SGDSpec(), epochs=3, steps_per_epoch=3)
    assert torch.equal(before, torch.random.get_rng_state())
