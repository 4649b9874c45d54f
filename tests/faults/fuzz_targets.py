"""All targets, in the order in which they are fuzzed."""

from tests.faults.fuzz_of_data import DATA_TARGETS
from tests.faults.fuzz_of_recipes import RECIPE_TARGETS
from tests.faults.fuzz_of_runs import RUN_TARGETS
from tests.faults.fuzz_target import Target

TARGETS: tuple[type[Target], ...] = (*RECIPE_TARGETS, *DATA_TARGETS, *RUN_TARGETS)
