"""Frequencies by the names that KServe has for them, and where steps of one lead from a start."""

from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

Frequency = Literal[
    "S", "second", "T", "minute", "H", "hour", "D", "day", "W", "week", "M", "month", "Q", "quarter", "Y", "year"
]  # fmt: skip

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_CLOCK: Final[dict[str, Literal["s", "min", "h"]]] = {"S": "s", "T": "min", "H": "h"}
_IN_DAYS: Final = {"D": 1, "W": 7}
_IN_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}


@dataclass(frozen=True)
class Calendar:
    """A start, and the steps from there.

    Attributes:
        start: The first timestamp.
        frequency: Of the steps.
    """

    start: pd.Timestamp
    frequency: Frequency

    def after(self, num_steps: int) -> str:
        """The timestamp so many steps later, in ISO 8601: that of months is the same day, or the last before it."""
        if self._letter in _IN_MONTHS:
            return (self.start + pd.DateOffset(months=num_steps * _IN_MONTHS[self._letter])).isoformat()
        if self._letter in _IN_DAYS:
            return (self.start + pd.DateOffset(days=num_steps * _IN_DAYS[self._letter])).isoformat()
        return (self.start + num_steps * pd.Timedelta(1, unit=_CLOCK[self._letter])).isoformat()

    @property
    def first(self) -> str:
        """Where a grid of ours begins: months, quarters and years at the beginning of their first."""
        return (self.start.replace(day=1) if self._letter in _IN_MONTHS else self.start).isoformat()

    @property
    def alias(self) -> str:
        """The step of that grid, as pandas calls it: a week from the day of the start, a quarter from its month."""
        if self._letter in _IN_MONTHS:
            month = _MONTHS[self.start.month - 1]
            return {"M": "MS", "Q": f"QS-{month}", "Y": f"YS-{month}"}[self._letter]
        return f"W-{_DAYS[self.start.day_of_week]}" if self._letter == "W" else _CLOCK.get(self._letter, "D")

    @property
    def _letter(self) -> str:
        return "T" if self.frequency == "minute" else self.frequency[0].upper()
