"""The runs' colours."""

import pytest

from ui.charts import DARK, READABLE, on_background, run_color


def test_twenty_runs_in_a_row_have_twenty_colours() -> None:
    for start in range(40):
        assert len({run_color(start + at) for at in range(20)}) == 20


@pytest.mark.parametrize("background", ["#ffffff", "#12171d"])
def test_every_colour_shows_on_both_themes(background: str) -> None:
    """WCAG's contrast; 3 is its own demand on graphics, which no palette of 20 meets on both."""
    assert min(contrast(run_color(at), background) for at in range(20)) >= 1.7


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("index", range(20))
def test_on_a_dark_page_every_colour_can_be_read_and_on_a_light_one_it_stays(index: int) -> None:
    color = run_color(index)
    assert on_background(color, dark=False) == color
    lighter = on_background(color, dark=True)
    assert contrast(lighter, DARK) >= READABLE
    if contrast(color, DARK) >= READABLE:
        assert lighter == color
