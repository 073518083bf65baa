"""The timestamps of forecasts as text; series that share a time axis have it written once."""

from typing import Literal

import numpy as np

from model import ItemForecast, Series


def format_timestamps(forecast: ItemForecast | Series) -> list[str]:
    """ISO 8601 in the zone the series came in; without an offset where it came without one."""
    if forecast.time_zone not in (None, "UTC"):
        return [timestamp.isoformat() for timestamp in forecast.local_timestamps()]
    whole = bool((forecast.timestamps.astype("datetime64[s]") == forecast.timestamps).all())
    zone: Literal["UTC", "naive"] = "UTC" if forecast.time_zone else "naive"
    texts: list[str] = np.datetime_as_string(forecast.timestamps, unit="s" if whole else "us", timezone=zone).tolist()
    return texts


class TimeAxes:
    """Writes time axes, and remembers those it has written."""

    def __init__(self) -> None:
        self._texts: dict[tuple[bytes, str | None], list[str]] = {}

    def texts(self, forecast: ItemForecast | Series) -> list[str]:
        """The timestamps of a forecast or a series; the same list for the same axis."""
        axis = forecast.timestamps.tobytes(), forecast.time_zone
        if axis not in self._texts:
            self._texts[axis] = format_timestamps(forecast)
        return self._texts[axis]
