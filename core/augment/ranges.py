"""Ranges of drawn parameters: how they are written, checked, drawn and worded."""

import math
import sys
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor


def around(value: Any, center: float = 0.0, lowest: float = -math.inf) -> Any:
    """torchvision's short form: a single number x means the range center - x to center + x.

    Anything else is passed on to be validated; a list becomes the tuple that the field wants.
    """
    if _is_number(value):
        return (max(center - value, lowest), center + value)
    return tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    """Not for a whole number beyond all floats, with which nothing can be computed."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def exactly(value: Any) -> Any:
    """torchvision's short form: a single number means always this one."""
    if _is_number(value):
        return (value, value)
    return tuple(value) if isinstance(value, list) else value


def check_range(
    values: tuple[float, float], lowest: float = -math.inf, highest: float = math.inf
) -> tuple[float, float]:
    """Raise ValueError unless lowest <= minimum <= maximum <= highest."""
    low, high = values
    if low > high:
        raise ValueError("the minimum must not be above the maximum; swap the two numbers")
    if low < lowest or high > highest:
        raise ValueError(f"both numbers must lie {_bounds(lowest, highest)}; move them into this range")
    return values


def check_positive(values: tuple[float, float]) -> tuple[float, float]:
    """Raise ValueError unless 0 < minimum <= maximum."""
    if min(values) <= 0:
        raise ValueError("both numbers must be above 0; raise the smaller one")
    return check_range(values)


def _bounds(lowest: float, highest: float) -> str:
    if math.isinf(highest):
        return f"at or above {lowest:g}"
    return f"between {lowest:g} and {highest:g}"


def uniform(count: int, values: tuple[float, float], generator: torch.Generator) -> Tensor:
    """`count` numbers, uniform over the range."""
    return torch.empty(count).uniform_(values[0], values[1], generator=generator)


def below(limits: Tensor, generator: torch.Generator) -> Tensor:
    """For each limit n a uniform integer from 0 to n - 1."""
    # float64, so that no integer is measurably favoured; the minimum catches a product rounded up to n
    fraction = torch.rand(limits.shape, generator=generator, dtype=torch.float64)
    return torch.minimum((fraction * limits).long(), limits - 1)


def is_always(values: tuple[float, float], number: float) -> bool:
    """Whether a range holds this one number only: the change is off."""
    return values == (number, number)


def words(values: tuple[float, float], unit: str = "") -> str:
    """A range as a person reads it: '±10°', '5° to 10°', '0.6'."""
    low, high = values
    if low == high:
        return f"{low:g}{unit}"
    if low == -high:
        return f"±{high:g}{unit}"
    return f"{low:g}{unit} to {high:g}{unit}"


def fraction(value: float) -> str:
    """A fraction of 1 as a person reads it: '1/8', else in percent."""
    short = Fraction(value).limit_denominator(16)
    if short.numerator == 1 and short.denominator > 1 and math.isclose(short, value, rel_tol=1e-3):
        return str(short)
    return f"{100 * value:g} %"
