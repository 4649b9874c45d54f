"""How often Live renews itself with few and with many who look on."""

import pytest

from ui.live_pace import GONE_S, LONGEST_S, TICKS_PER_S, Viewers


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("viewers", "pace"),
    [(1, 1), (TICKS_PER_S, 1), (TICKS_PER_S + 1, 2), (20, 4), (1000, LONGEST_S)],
)
def test_all_together_are_drawn_no_oftener_than_so_many_times_a_second(viewers: int, pace: float) -> None:
    seen = Viewers(Clock())
    assert [seen.pace_s(str(at), 1.0) for at in range(viewers)][-1] == pace


def test_one_viewer_counts_once() -> None:
    seen = Viewers(Clock())
    assert {seen.pace_s("one", 1.0) for _ in range(50)} == {1.0}


def test_who_has_gone_counts_no_more() -> None:
    clock = Clock()
    seen = Viewers(clock)
    for at in range(20):
        seen.pace_s(str(at), 4.0)
    clock.now = 8.0 + GONE_S
    assert seen.pace_s("0", 4.0) == 4
    clock.now += 0.1
    assert seen.pace_s("0", 4.0) == 1
