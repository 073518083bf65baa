"""What a forecast is asked for: a number of steps, a date, a duration, or timestamps."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Steps:
    """The next `num_steps` points of the series' own grid."""

    num_steps: int


@dataclass(frozen=True)
class Until:
    """Every point of the grid up to and including `timestamp`, a number where those of the series are."""

    timestamp: pd.Timestamp | float | int


@dataclass(frozen=True)
class Duration:
    """Every point of the grid up to and including the last observation plus `length`."""

    length: pd.Timedelta


@dataclass(frozen=True)
class At:
    """These timestamps, in this order, on the grid or between its points; numbers where those of the series are."""

    timestamps: tuple[pd.Timestamp | float | int, ...]


Horizon = Steps | Until | Duration | At
