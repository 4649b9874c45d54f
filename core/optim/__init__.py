"""Optimizers and learning-rate schedules: each a spec that builds torch's own."""

from typing import Annotated

from pydantic import Field

from core.optim.adam import AdamSpec
from core.optim.adamw import AdamWSpec
from core.optim.constant import ConstantSpec
from core.optim.cosine import CosineSpec
from core.optim.multi_step import MultiStepSpec
from core.optim.one_cycle import OneCycleSpec
from core.optim.optimizer import OptimizerSpec
from core.optim.plateau import PlateauSpec
from core.optim.rmsprop import RMSpropSpec
from core.optim.schedule import LrCurve, Schedule, lr_curve, schedule_warnings
from core.optim.scheduler import SchedulerSpec, Warmup
from core.optim.sgd import SGDSpec
from core.optim.step import StepSpec

AnyOptimizer = Annotated[SGDSpec | AdamSpec | AdamWSpec | RMSpropSpec, Field(discriminator="kind")]
AnyScheduler = Annotated[
    ConstantSpec | CosineSpec | MultiStepSpec | StepSpec | PlateauSpec | OneCycleSpec,
    Field(discriminator="kind"),
]

__all__ = [
    "AdamSpec",
    "AdamWSpec",
    "AnyOptimizer",
    "AnyScheduler",
    "ConstantSpec",
    "CosineSpec",
    "LrCurve",
    "MultiStepSpec",
    "OneCycleSpec",
    "OptimizerSpec",
    "PlateauSpec",
    "RMSpropSpec",
    "SGDSpec",
    "Schedule",
    "SchedulerSpec",
    "StepSpec",
    "Warmup",
    "lr_curve",
    "schedule_warnings",
]
