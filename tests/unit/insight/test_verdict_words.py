"""Figures as they stand in a verdict."""

import pytest

from core.insight.seeds import Joined
from core.insight.significance import Smallest, smallest_difference
from core.insight.verdict_words import (
    all_right_sentence,
    p_words,
    setting_sentence,
    signed,
    smallest_sentence,
)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.011, 0.004, 0.018), ["+1.1", "+0.4", "+1.8"]),
        ((0.011, 0.0002, 0.018), ["+1.10", "+0.02", "+1.80"]),
        ((0.0, -0.005, 0.005), ["0.0", "-0.5", "+0.5"]),
        ((-0.2, -0.31, 0.0), ["-20.0", "-31.0", "0.0"]),
        ((0.011, 0.0000021, 0.02), ["+1.100", "+0.000", "+2.000"]),
    ],
)
def test_differences_show_their_sign_with_as_many_decimals_as_that_takes(
    values: tuple[float, ...], words: list[str]
) -> None:
    assert signed(*values) == words


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0004, "p < 0.001"),
        (0.002, "p = 0.002"),
        (0.0496, "p = 0.0496"),
        (0.04999, "p = 0.04999"),
        (0.0503, "p = 0.0503"),
        (0.062, "p = 0.062"),
        (0.58, "p = 0.58"),
        (0.9999, "p = 1"),
    ],
)
def test_p_is_never_rounded_onto_its_border(p: float, words: str) -> None:
    assert p_words(p) == words


def test_the_smallest_difference_is_said_with_what_it_rests_on() -> None:
    found = smallest_sentence(Smallest(0.0187, 0.0264), 1500, changed=200)
    assert found == (
        "These 1,500 val images (200 of them only one of the two has right) can show a difference from 1.9 "
        "points on; one of 2.6 points is found in 4 of 5 comparisons."
    )
    assert "with 3 seeds against 4" in smallest_sentence(Smallest(0.01, 0.02), 9, over="3 seeds against 4")


@pytest.mark.parametrize(
    ("smallest", "words"), [(Smallest(5 / 3, 1.0), "too few"), (Smallest(0.9, 1.0), "often missed")]
)
def test_a_handful_of_images_shows_next_to_nothing(smallest: Smallest, words: str) -> None:
    assert words in smallest_sentence(smallest, 3, changed=1)


def test_a_single_image_is_spoken_of_as_one() -> None:
    found = smallest_sentence(smallest_difference(1, changed=1), 1, changed=1)
    assert found == "A single val image cannot show a difference."
    assert "both have the only val image right" in all_right_sentence(("A", "B"), 1)


def test_settings_that_are_the_same_on_both_sides_leave_chance() -> None:
    found = Joined(100, (3, 3), 0.1, 0.05, 0.15, 0.01, (0.01, 0.02), 0.01, 0.01, 8.0, Smallest(0.05, 0.08))
    assert "take it for chance" in setting_sentence(found, ("A", "B"), same=True)
    said = setting_sentence(found, ("A", "B"), same=False)
    assert "spread by 1.0 and 2.0 points" in said
