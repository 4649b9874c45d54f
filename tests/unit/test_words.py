"""Numbers as a person reads them."""

import pytest

from core.words import duration, in_points, lr, moment, percent, points, short_count, signed, size


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (percent(0.5834), "58.3 %"),
        (percent(None), "–"),
        (points(0.0123), "+1.2 points"),
        (points(-0.0123), "-1.2 points"),
        (points(None), "–"),
        (in_points(0.0123), "1.2 points"),
        (duration(4.06), "4.1 s"),
        (duration(59.6), "1 min 00 s"),
        (duration(192), "3 min 12 s"),
        (duration(3599.7), "1 h 00 min"),
        (duration(7500), "2 h 05 min"),
        (duration(None), "–"),
        (size(999), "999 B"),
        (size(3_400_000), "3.4 MB"),
        (size(250_000), "250 kB"),
        (size(2e15), "2000.0 TB"),
        (size(None), "–"),
        (short_count(999), "999"),
        (short_count(20_300_000), "20.3 M"),
        (lr(0.00123456), "0.00123"),
        (lr(None), "–"),
        (moment("2026-09-01T14:15:30+00:00"), "2026-09-01 14:15"),
        (moment(None), "–"),
    ],
)
def test_a_number_in_words(said: str, words: str) -> None:
    assert said == words


@pytest.mark.parametrize(
    ("value", "decimals", "words"),
    [(1.25, 1, "+1.2"), (-0.04, 1, "+0.0"), (-0.05001, 1, "-0.1"), (0.0, 2, "+0.00"), (-0.004, 2, "+0.00")],
)
def test_a_difference_that_rounds_to_nothing_has_no_minus(value: float, decimals: int, words: str) -> None:
    assert signed(value, decimals) == words
    assert points(-0.0001) == "+0.0 points"
