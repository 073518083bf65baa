"""Where an axis is marked, and with what words: round numbers, whole hours, days, months and years."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10
from typing import Final

import numpy as np

_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_FIXED: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(one * _MINUTE for one in (1, 2, 5, 10, 15, 30)),
    *(one * _HOUR for one in (1, 2, 3, 6, 12)),
    *(one * _DAY for one in (1, 2, 4, 7, 14)),
)
_MONTHS: Final = (1, 3, 6, *(12 * one for one in (1, 2, 5, 10, 20, 50, 100, 500)))
_MONTH_SECONDS: Final = 30.44 * _DAY
_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Tick:
    """A mark of an axis.

    Attributes:
        at: Its value.
        label: What stands beside it.
        below: What stands in a second line, where it differs from the mark before; else empty.
    """

    at: float
    label: str
    below: str = ""


def format_number(value: float) -> str:
    """A number with four significant digits, thousands parted."""
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    digits = max(0, 3 - floor(log10(abs(value)))) if value else 0
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number_ticks(low: float, high: float, *, most: int) -> list[Tick]:
    """Round numbers from `low` to `high`, at most so many and about so many."""
    rough = (high - low) / max(1, most)
    size = 10.0 ** floor(log10(rough)) if rough > 0 else 1.0
    step = next(size * one for one in _ROUND if size * one >= rough * (1 - 1e-9))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [Tick(one * step, format_number(one * step)) for one in range(first, last + 1)]


def whole_ticks(low: float, high: float, *, most: int) -> list[Tick]:
    """Round whole numbers from `low` to `high`."""
    return [one for one in number_ticks(low, high, most=most) if one.at == int(one.at)]


def time_ticks(low: float, high: float, *, most: int) -> list[Tick]:
    """Round moments from `low` to `high`, both in seconds since 1970 on the clock of the series."""
    rough = (high - low) / max(1, most)
    step = next((one for one in _FIXED if one >= rough), None)
    if step is not None:
        return list(_of_clock(low, high, step))
    months = next((one for one in _MONTHS if one * _MONTH_SECONDS >= rough), _MONTHS[-1])
    return list(_of_calendar(low, high, months))


def _of_clock(low: float, high: float, step: int) -> Iterator[Tick]:
    before = ""
    # Days count from a Monday, so that weeks begin with one.
    origin = 4 * _DAY if step >= 7 * _DAY else 0
    for number in range(int(np.ceil((low - origin) / step)), int(np.floor((high - origin) / step)) + 1):
        at = origin + number * step
        moment = np.datetime64(at, "s").item()
        day = f"{moment.day} {_NAMES[moment.month - 1]}"
        label = day if step >= _DAY else f"{moment:%H:%M:%S}" if step < _MINUTE else f"{moment:%H:%M}"
        below = str(moment.year) if step >= _DAY else day
        yield Tick(float(at), label, below if below != before else "")
        before = below


def _of_calendar(low: float, high: float, months: int) -> Iterator[Tick]:
    before = ""
    first = int(np.datetime64(int(np.floor(low)), "s").astype("datetime64[M]").astype(int)) // months * months
    while True:
        month = np.datetime64(first, "M")
        at = float(month.astype("datetime64[s]").astype(int))
        if at > high:
            return
        year = str(month.astype("datetime64[Y]"))
        label = year if months >= 12 else _NAMES[first % 12]
        if at >= low:
            below = "" if months >= 12 or year == before else year
            before = year
            yield Tick(at, label, below)
        first += months
