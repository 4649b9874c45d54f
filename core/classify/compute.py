"""Where a trained network answers: as its run computed, so that its figures come out the same."""

from core.errors import Unavailable
from core.recipe import Recipe
from core.train import Compute, resolve_compute


def compute_for(recipe: Recipe, device: str | None = None) -> Compute:
    """The recipe's precision, on `device` where one is asked for, else on the recipe's own where this
    machine has it, else on the best there is.

    Raises Unavailable where the device that is asked for does not exist.
    """
    if device is not None:
        return resolve_compute(device, recipe.precision)
    try:
        return resolve_compute(recipe.device, recipe.precision)
    except Unavailable:
        return resolve_compute("auto", recipe.precision)
