"""Schedules that a suggestion puts in a recipe's place."""

from core.insight.case import later_schedule, longer_schedule
from core.insight.next_steps import changed
from tests.unit.insight.recipes import every_recipe


def test_a_longer_schedule_is_valid_whatever_it_begins_with() -> None:
    for recipe in every_recipe():
        for asked in (recipe.epochs, 2 * recipe.epochs):
            assert changed(recipe, longer_schedule(recipe, asked)[1]).epochs > asked
            assert changed(recipe, later_schedule(recipe, asked)[1]).epochs >= asked
