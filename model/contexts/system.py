"""Series that form one system: the histories of all channels on one grid, which ends at the last observation of any."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.contexts.grid_series import on_grid
from model.errors import AxesMixed, ChannelMissing, ChannelUnknown, FrequencyUnknown, TimeZonesMixed
from model.panels.grid import Grid
from model.panels.series import Series


@dataclass(frozen=True, eq=False)
class System:
    """What is known of a system when it is to be forecast.

    Attributes:
        channels: The item_ids of its series, in the order of the version.
        freq: The step of its grid.
        end: The last observation of any channel: position 0 of the grid.
        contexts: The history of each channel; shape (channels, context).
    """

    channels: tuple[str, ...]
    freq: str
    end: np.datetime64
    contexts: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        series: Iterable[Series],
        channels: tuple[str, ...],
        *,
        freq: str,
        season_at: Callable[[str], int],
        context_length: int,
    ) -> "System":
        """The system that series form, in whatever order they come.

        Args:
            series: All channels, perhaps among others.
            channels: The item_ids.
            freq: The step that counts where as many channels have another one.
            season_at: Steps of a season, by the step.
            context_length: Steps of the histories.

        Raises:
            ChannelMissing: One is not among the series.
            FrequencyUnknown: None has a frequency.
            TimeZonesMixed: Some have a time zone, others have none.
        """
        known = ordered(series, channels)
        freq = _commonest(known, freq)
        season = season_at(freq)
        end = max(one.last for one in known)
        contexts = [on_grid(one, freq, season, context_length, end=end).values for one in known]
        return cls(channels, freq, end, np.stack(contexts))

    def number(self, item_id: str) -> int:
        """Which channel a series is.

        Raises:
            ChannelUnknown: It is none.
        """
        if item_id not in self.channels:
            raise ChannelUnknown(item_id, self.channels)
        return self.channels.index(item_id)

    def grid(self, channel: Series) -> Grid:
        """The common grid, in the time zone of a channel."""
        return Grid(self.end, self.freq, channel.time_zone)


def require_channels(panel: Iterable[Series], channels: tuple[str, ...]) -> None:
    """Refuses series that are not all channels of a system and no other.

    Raises:
        ChannelMissing, ChannelUnknown, TimeZonesMixed
    """
    series = tuple(panel)
    ordered(series, channels)
    for one in series:
        if one.item_id not in channels:
            raise ChannelUnknown(one.item_id, channels)


def ordered(series: Iterable[Series], channels: Sequence[str]) -> tuple[Series, ...]:
    """The channels of a system among some series, in its order.

    Raises:
        ChannelMissing: One is not there.
        TimeZonesMixed: Some have a time zone, others have none.
        AxesMixed: Some have whole numbers for timestamps, others dates.
    """
    named = {one.item_id: one for one in series}
    for name in channels:
        if name not in named:
            raise ChannelMissing(name, tuple(channels))
    found = tuple(named[name] for name in channels)
    for one in found:
        if one.is_counted != found[0].is_counted:
            own, other = ("whole numbers", "dates") if one.is_counted else ("dates", "whole numbers")
            what = f"Channel {one.item_id!r} has timestamps that are {own}"
            raise AxesMixed(what, f"those of {found[0].item_id!r} are {other}", item_id=one.item_id)
        if (one.time_zone is None) != (found[0].time_zone is None):
            raise TimeZonesMixed(found[0].item_id, other=one.item_id)
    return found


def _commonest(series: Sequence[Series], preferred: str) -> str:
    known = Counter(one.freq for one in series if one.freq is not None)
    if not known:
        raise FrequencyUnknown(series[0].item_id)
    return max(known, key=lambda freq: (known[freq], freq == preferred))
