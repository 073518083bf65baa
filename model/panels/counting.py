"""Time axes that only count: whole numbers carried as instants, one a millisecond, so that nothing else has to know."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

COUNTED: Final = "counted"
"""What stands in place of a time zone where timestamps are whole numbers."""

MAX_COUNT: Final = 30_000_000_000_000
"""How far from 0 they may lie."""

_UNIT: Final = 1000
"""Microseconds from one whole number to the next; so between two of them there are three decimals."""


def is_count(freq: str | None) -> bool:
    """Whether a frequency is a number of whole numbers, such as `1`, and no alias such as `h`."""
    return freq is not None and freq.isdecimal() and freq.isascii()


def to_instants(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers as instants; NaN becomes not-a-time. None may be farther from 0 than `MAX_COUNT`."""
    known = ~np.isnan(numbers)
    ticks = np.rint(np.where(known, numbers, 0.0) * _UNIT).astype(np.int64)
    return np.where(known, ticks, np.datetime64("NaT", "us").astype(np.int64)).astype("datetime64[us]")


def to_numbers(instants: NDArray[Any]) -> NDArray[Any]:
    """The numbers that instants stand for: whole ones as integers, with others among them as floats."""
    ticks = instants.astype("datetime64[us]").astype(np.int64)
    missing = np.isnat(instants)
    if missing.any():
        return np.where(missing, np.nan, ticks / _UNIT)
    return ticks // _UNIT if not (ticks % _UNIT).any() else ticks / _UNIT
