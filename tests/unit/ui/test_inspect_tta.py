"""How many views are enough, in a sentence."""

from core.insight.votes import CountRow
from ui.inspect_tta import enough_sentence


def row(views: int, missing: float, low: float, high: float) -> CountRow:
    """A vote of so many views that `missing` of accuracy parts from the vote of all."""
    return CountRow(
        views=views,
        accuracy=0.6 - missing,
        low=0.5,
        high=0.7,
        missing=missing,
        missing_low=low,
        missing_high=high,
    )


ALL = row(3, 0.0, 0.0, 0.0)


def test_where_further_views_add_nothing_it_says_from_how_many_on() -> None:
    rows = [row(1, 0.02, 0.01, 0.03), row(2, 0.004, -0.001, 0.009), ALL]
    assert enough_sentence(rows) == (
        "From **2 views** on, further ones add nothing that these images could show (3 against 2: "
        "+0.4 points, 95 % -0.1 to +0.9)."
    )


def test_a_single_view_is_told_in_the_singular() -> None:
    rows = [row(1, 0.0, -0.01, 0.01), row(2, 0.0, -0.01, 0.01), ALL]
    assert enough_sentence(rows) == (
        "From **1 view** on, further ones add nothing that these images could show (3 against 1: "
        "+0.0 points, 95 % -1.0 to +1.0)."
    )


def test_where_the_last_view_still_added_something_more_may_pay() -> None:
    rows = [row(1, 0.03, 0.02, 0.04), row(2, 0.01, 0.002, 0.018), ALL]
    assert enough_sentence(rows) == (
        "The last view still added something (+1.0 points, 95 % +0.2 to +1.8): more than 3 views may pay."
    )
