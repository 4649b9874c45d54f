"""Recipes of every kind, for what must hold whatever a recipe is."""

from core.models import AnyArchitecture
from core.optim import AnyOptimizer, AnyScheduler
from core.recipe import Recipe, load_presets, recipe_from_draft, recipe_to_draft
from core.spec import choices_of, kind_of


def every_recipe() -> list[Recipe]:
    """Every architecture, optimizer, scheduler and preset."""
    base = recipe_to_draft(Recipe())
    drafts = [recipe_to_draft(preset.recipe) for preset in load_presets()]
    for name, union in (
        ("architecture", AnyArchitecture),
        ("optimizer", AnyOptimizer),
        ("scheduler", AnyScheduler),
    ):
        drafts += [base | {name: {"kind": kind_of(spec)}} for spec in choices_of(union)]
        drafts += [base | {name: {"kind": kind_of(spec)}, "epochs": 1} for spec in choices_of(union)]
    return [recipe_from_draft(draft) for draft in drafts]
