"""The timestamps of forecasts as they are written: texts or numbers; series that share an axis have it written once."""

from typing import Literal

import numpy as np

from model import COUNTED, ItemAnomalies, ItemForecast, Series, to_numbers

Axis = list[str] | list[int] | list[float]
"""Timestamps: ISO 8601, or numbers where those of the series are; not whole where others were asked."""


def format_timestamps(forecast: ItemForecast | ItemAnomalies | Series) -> Axis:
    """ISO 8601 in the zone the series came in; without an offset where it came without one. Or numbers, as it did."""
    if forecast.time_zone == COUNTED:
        numbers: list[int] | list[float] = to_numbers(forecast.timestamps).tolist()
        return numbers
    if forecast.time_zone not in (None, "UTC"):
        return [timestamp.isoformat() for timestamp in forecast.local_timestamps()]
    whole = bool((forecast.timestamps.astype("datetime64[s]") == forecast.timestamps).all())
    zone: Literal["UTC", "naive"] = "UTC" if forecast.time_zone else "naive"
    texts: list[str] = np.datetime_as_string(forecast.timestamps, unit="s" if whole else "us", timezone=zone).tolist()
    return texts


def zone_name(time_zone: str | None) -> str | None:
    """The zone of a series as it is told; none where timestamps are whole numbers."""
    return None if time_zone == COUNTED else time_zone


class TimeAxes:
    """Writes time axes, and remembers those it has written."""

    def __init__(self) -> None:
        self._written: dict[tuple[bytes, str | None], Axis] = {}

    def written(self, forecast: ItemForecast | Series) -> Axis:
        """The timestamps of a forecast or a series; the same list for the same axis."""
        axis = forecast.timestamps.tobytes(), forecast.time_zone
        if axis not in self._written:
            self._written[axis] = format_timestamps(forecast)
        return self._written[axis]
